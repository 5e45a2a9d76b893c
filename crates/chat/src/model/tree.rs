//! The tree of a session's messages.
//!
//! A branch is where the tree grows on from a message: its own messages, and before them those of
//! the branch that it was forked from, up to the fork. Whatever is posted goes to the end of a
//! branch, so along each branch positions rise, and a branch is told by two numbers: which one it
//! was forked from, and the position of the last message that both have. Branch 0 is the one that a
//! session begins with.

/// One branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    /// Its number in the session.
    pub number: u32,
    /// The branch that it was forked from.
    pub forked_from: u32,
    /// The position of the last message of that branch that this one has too; 0 if it has none.
    pub forked_at: u32,
    /// Rises with each choice of a current branch: who was chosen last has the greatest.
    pub chosen: u32,
}

/// Where a branch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fork {
    /// The branch of the last message that it shares.
    pub from: u32,
    /// The position of that message; 0 to begin anew.
    pub at: u32,
}

/// The branch to go to in order to see the message at this place: of all that have it, the one that
/// was chosen last. The message's own branch has it in any case.
pub(crate) fn through(branches: &[Branch], (own, position): (u32, u32)) -> u32 {
    let having = branches
        .iter()
        .filter(|it| has(branches, it.number, (own, position)));
    having
        .max_by_key(|it| (it.chosen, it.number))
        .map_or(own, |it| it.number)
}

/// Whether a branch has the message at that place.
pub(crate) fn has(branches: &[Branch], number: u32, (own, position): (u32, u32)) -> bool {
    let (mut number, mut upto) = (number, u32::MAX);
    // A branch is forked from one with a lower number, so this ends.
    loop {
        if number == own {
            return position <= upto;
        }
        let Some(branch) = branches.iter().find(|it| it.number == number) else {
            return false;
        };
        if branch.forked_from >= number {
            return false;
        }
        (number, upto) = (branch.forked_from, branch.forked_at.min(upto));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0: 1 2 3 4; 1 forked after 2: 5 6; 2 forked after 5: 7; 3 begins anew: 8.
    fn tree() -> Vec<Branch> {
        let branch = |(number, forked_from, forked_at, chosen)| Branch {
            number,
            forked_from,
            forked_at,
            chosen,
        };
        [(0, 0, 0, 1), (1, 0, 2, 2), (2, 1, 5, 3), (3, 0, 0, 4)]
            .map(branch)
            .to_vec()
    }

    #[test]
    fn a_branch_has_what_was_before_its_fork() {
        let tree = tree();
        let lines = [
            (0, vec![(0, 1), (0, 2), (0, 3), (0, 4)]),
            (1, vec![(0, 1), (0, 2), (1, 5), (1, 6)]),
            (2, vec![(0, 1), (0, 2), (1, 5), (2, 7)]),
            (3, vec![(3, 8)]),
        ];
        let all: Vec<_> = [
            (0, 1),
            (0, 2),
            (0, 3),
            (0, 4),
            (1, 5),
            (1, 6),
            (2, 7),
            (3, 8),
        ]
        .into();
        for (number, line) in lines {
            let found: Vec<_> = all
                .iter()
                .copied()
                .filter(|it| has(&tree, number, *it))
                .collect();
            assert_eq!(found, line, "branch {number}");
        }
    }

    #[test]
    fn the_branch_that_was_chosen_last_is_gone_to() {
        let mut tree = tree();
        assert_eq!(through(&tree, (0, 2)), 2);
        assert_eq!(through(&tree, (0, 3)), 0);
        assert_eq!(through(&tree, (1, 6)), 1);
        assert_eq!(through(&tree, (3, 8)), 3);
        tree[0].chosen = 9;
        assert_eq!(through(&tree, (0, 2)), 0);
        assert_eq!(through(&tree, (1, 5)), 2);
        // A session that was never forked has no rows.
        assert_eq!(through(&[], (0, 4)), 0);
    }
}
