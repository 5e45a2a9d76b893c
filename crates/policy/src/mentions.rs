//! Which names of the schema a set of rules mentions at all.
//!
//! To build the entities and the context of a question takes longer than to evaluate a dozen rules,
//! and most rules look at few attributes. What no rule of a slice mentions is not built for it. That
//! changes no decision: an expression reaches an attribute, or a type in the hierarchy, only by its
//! name, and a whole record can be compared only with a literal that names all of its attributes. A
//! text with a backslash, with which a name could be spelt otherwise, counts as mentioning all.

/// The names that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Word {
    Command,
    Components,
    Detected,
    Digest,
    Enforcement,
    Flow,
    FolderType,
    HasRead,
    Host,
    HostType,
    HourUtc,
    Labels,
    Method,
    Name,
    Now,
    OrganisationType,
    Path,
    Port,
    Risk,
    Role,
    RoleType,
    RunKind,
    Scheme,
    SizeBytes,
    SpendUsdMicros,
    Tool,
    User,
    Weekday,
    Workspace,
    WorkspaceType,
}

impl Word {
    pub const ALL: [Self; 30] = [
        Self::Command,
        Self::Components,
        Self::Detected,
        Self::Digest,
        Self::Enforcement,
        Self::Flow,
        Self::FolderType,
        Self::HasRead,
        Self::Host,
        Self::HostType,
        Self::HourUtc,
        Self::Labels,
        Self::Method,
        Self::Name,
        Self::Now,
        Self::OrganisationType,
        Self::Path,
        Self::Port,
        Self::Risk,
        Self::Role,
        Self::RoleType,
        Self::RunKind,
        Self::Scheme,
        Self::SizeBytes,
        Self::SpendUsdMicros,
        Self::Tool,
        Self::User,
        Self::Weekday,
        Self::Workspace,
        Self::WorkspaceType,
    ];

    /// The name in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Components => "components",
            Self::Detected => "detected",
            Self::Digest => "digest",
            Self::Enforcement => "enforcement",
            Self::Flow => "flow",
            Self::FolderType => "Folder",
            Self::HasRead => "has_read",
            Self::Host => "host",
            Self::HostType => "Host",
            Self::HourUtc => "hour_utc",
            Self::Labels => "labels",
            Self::Method => "method",
            Self::Name => "name",
            Self::Now => "now",
            Self::OrganisationType => "Organisation",
            Self::Path => "path",
            Self::Port => "port",
            Self::Risk => "risk",
            Self::Role => "role",
            Self::RoleType => "Role",
            Self::RunKind => "run_kind",
            Self::Scheme => "scheme",
            Self::SizeBytes => "size_bytes",
            Self::SpendUsdMicros => "spend_usd_micros",
            Self::Tool => "tool",
            Self::User => "user",
            Self::Weekday => "weekday",
            Self::Workspace => "workspace",
            Self::WorkspaceType => "Workspace",
        }
    }
}

/// A set of [`Word`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mentions(u32);

impl Mentions {
    /// Every word.
    pub const ALL: Self = Self(u32::MAX);

    /// The words of the schema in a text.
    pub fn of(text: &str) -> Self {
        if text.contains('\\') {
            return Self::ALL;
        }
        let names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.fold(Self::default(), |found, name| {
            let word = Word::ALL.into_iter().find(|word| word.as_str() == name);
            word.map_or(found, |word| Self(found.0 | 1 << word as u8))
        })
    }

    /// The words of both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the word is among them.
    pub const fn has(self, word: Word) -> bool {
        self.0 & (1 << word as u8) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_a_backslash_counts_for_all() {
        let found = Mentions::of("resource.path like \"x\" && context[\"tool\"] == Chancery::Host");
        let all = Word::ALL.into_iter().filter(|word| found.has(*word));
        assert!(all.eq([Word::HostType, Word::Path, Word::Tool]));
        assert_eq!(Mentions::of("pathx user_ hosts"), Mentions::default());
        assert_eq!(Mentions::of("context[\"t\\u{6f}ol\"]"), Mentions::ALL);
        assert!(
            Word::ALL
                .into_iter()
                .enumerate()
                .all(|(at, word)| word as usize == at)
        );
    }

    /// The attributes and the parents of the schema are all words, but for those that are nothing
    /// but parts of others.
    #[test]
    fn every_name_of_the_schema_is_a_word() {
        let schema = crate::schema::schema_text();
        let names = schema
            .lines()
            .filter_map(|line| line.trim().split_once(':'))
            .filter_map(|(name, rest)| {
                let name = name.trim_end_matches('?');
                let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                (plain && rest.starts_with(' ')).then_some(name)
            });
        let parts = ["trusted", "private", "untrusted"];
        let missing: Vec<&str> = names
            .filter(|name| !parts.contains(name) && Mentions::of(name) == Mentions(0))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(Word::ALL.iter().all(|word| schema.contains(word.as_str())));
    }
}
