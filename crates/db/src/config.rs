//! Which database, and how to reach it.

use std::fmt;
use std::path::PathBuf;

use vocab::SecretString;

/// Where the data lives.
#[derive(Clone)]
pub enum DatabaseConfig {
    /// One file, in this process.
    Sqlite {
        /// The database file; its folder must exist.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// A connection URL or key-value string as libpq takes it; it may hold a password.
        url: SecretString,
        /// How many connections this process opens at most.
        connections_max: usize,
        /// Whether statements are prepared once for each connection. Off behind a pooler in
        /// transaction mode that does not know prepared statements.
        prepare_statements: bool,
    },
}

impl DatabaseConfig {
    /// A Postgres server with the usual settings.
    #[must_use]
    pub fn postgres(url: impl Into<SecretString>) -> Self {
        Self::Postgres {
            url: url.into(),
            connections_max: 32,
            prepare_statements: true,
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite at {}", path.display()),
            Self::Postgres {
                connections_max, ..
            } => {
                write!(f, "postgres with {connections_max} connections")
            }
        }
    }
}
