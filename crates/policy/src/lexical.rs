//! A look at a policy's text before the parser sees it: how deep its expressions can be.
//!
//! Cedar's parser recurses without a bound, so brackets alone could overflow the stack; and its
//! validator, where the stack gets short, passes the rest of an expression unseen. So depth is
//! bounded here, far below what the stack of [`on_a_large_stack`] takes.

/// How deep brackets of any kind may be nested, those of the scope and the condition included.
pub(crate) const NESTING_MAX: usize = 32;
/// How many operators one rule may have: `&&`, `||`, `+`, `-`, `*`, `!`, `.`, and `if`, which counts
/// as sixteen. Elements of a set don't count.
pub(crate) const OPERATORS_MAX: usize = 512;
const IF_WEIGHT: usize = 16;

/// Expressions of the size that is let through need some 10 MB in a debug build. Only what is
/// touched is ever taken from the system.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// What is too much of, and the byte where it becomes so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooComplex {
    Nesting(usize),
    Operators(usize),
}

/// Looks for rules that are too complex.
pub(crate) fn check(text: &str) -> Result<(), TooComplex> {
    let bytes = text.as_bytes();
    let (mut depth, mut operators, mut at) = (0_usize, 0_usize, 0_usize);
    while at < bytes.len() {
        let mut length = 1;
        match bytes[at] {
            b'"' => length = string_length(&bytes[at..]),
            b'/' if bytes[at..].starts_with(b"//") => length = line_length(&bytes[at..]),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'&' | b'|' => {
                operators += 1;
                length = 2;
            }
            b'+' | b'-' | b'*' | b'!' | b'.' => operators += 1,
            b';' => (depth, operators) = (0, 0),
            byte if is_word(byte) => {
                length = bytes[at..]
                    .iter()
                    .take_while(|byte| is_word(**byte))
                    .count();
                if &bytes[at..at + length] == b"if" {
                    operators += IF_WEIGHT;
                }
            }
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(TooComplex::Nesting(at));
        }
        if operators > OPERATORS_MAX {
            return Err(TooComplex::Operators(at));
        }
        at += length;
    }
    Ok(())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A string literal with its quotes; to the end of the text if it never ends.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A comment, to the end of its line.
fn line_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(bytes.len())
}

/// Runs something that recurses, on a thread of its own whose stack is large enough whoever calls.
///
/// # Errors
/// No thread could be started.
pub(crate) fn on_a_large_stack<T: Send>(run: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("policy-compile".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run)?;
        thread
            .join()
            .map_err(|_| std::io::Error::other("the compiler of policies panicked"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_deepens_an_expression_counts() {
        let nested = |depth: usize| "(".repeat(depth) + &")".repeat(depth);
        assert_eq!(check(&nested(NESTING_MAX)), Ok(()));
        assert_eq!(
            check(&nested(NESTING_MAX + 1)),
            Err(TooComplex::Nesting(NESTING_MAX))
        );
        let chain = |count: usize| "a && ".repeat(count);
        assert_eq!(check(&chain(OPERATORS_MAX)), Ok(()));
        assert!(matches!(
            check(&chain(OPERATORS_MAX + 1)),
            Err(TooComplex::Operators(_))
        ));
        assert_eq!(
            check(&format!(
                "{};{}",
                chain(OPERATORS_MAX),
                chain(OPERATORS_MAX)
            )),
            Ok(())
        );
        assert_eq!(check(&"if ".repeat(32)), Ok(()));
        assert!(check(&"if ".repeat(33)).is_err());
        assert_eq!(check(&"iffy notif ".repeat(33)), Ok(()));
        assert_eq!(check(&"1, ".repeat(10_000)), Ok(()));
    }

    #[test]
    fn strings_and_comments_do_not_count_and_hide_nothing() {
        let many = "(".repeat(NESTING_MAX + 1);
        for hidden in [
            format!("\"{many}\""),
            format!("// {many}"),
            format!("\"\\\"{many}\""),
        ] {
            assert_eq!(check(&hidden), Ok(()), "{hidden}");
        }
        for open in [
            format!("\"\"{many}"),
            format!("//\n{many}"),
            format!("\"\\\\\"{many}"),
            format!("/{many}"),
        ] {
            assert!(check(&open).is_err(), "{open}");
        }
        assert_eq!(check("\"\\"), Ok(()));
        assert_eq!(check("&"), Ok(()));
    }
}
