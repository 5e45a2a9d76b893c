//! A statement's text, in one dialect or in both.

/// A statement. Parameters are `$1`, `$2`, … in both dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sql {
    /// The dialects agree.
    Both(&'static str),
    /// They don't.
    Each {
        /// As SQLite wants it.
        sqlite: &'static str,
        /// As Postgres wants it.
        postgres: &'static str,
    },
}

impl Sql {
    pub(crate) const fn sqlite(self) -> &'static str {
        match self {
            Self::Both(text) | Self::Each { sqlite: text, .. } => text,
        }
    }

    pub(crate) const fn postgres(self) -> &'static str {
        match self {
            Self::Both(text) | Self::Each { postgres: text, .. } => text,
        }
    }

    /// Whether each text names the organisation as its first parameter.
    pub(crate) fn is_scoped(self) -> bool {
        [self.sqlite(), self.postgres()]
            .iter()
            .all(|text| text.contains("org_id") && text.contains("$1"))
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Both(text)
    }
}
