//! Stored logins: one file for a person, readable by nobody else, keyed by the server's URL.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How this person signs in to one server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// An API key. It goes before the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The access token of a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Until when it is good, in microseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_us: Option<i64>,
    /// The token that gets the next access token. Good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// The organisation that commands speak of unless they name another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What is remembered of an organisation's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLog {
    /// The keys that it had when it was first verified, as vkeys.
    pub keys: Vec<String>,
    /// How many events it had at the last verification.
    pub size: u64,
    /// The root of its tree then, in base64.
    pub root: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Logins {
    #[serde(default)]
    servers: BTreeMap<String, Login>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Logs {
    #[serde(default)]
    logs: BTreeMap<String, SeenLog>,
}

/// The folder of both files.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// Nobody else changes the logins while this is held.
pub struct Locked<'a> {
    store: &'a Store,
    _lock: File,
}

impl Store {
    /// `$XDG_CONFIG_HOME/chancery`, or `~/.config/chancery`.
    pub fn open() -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let base = match (variable("XDG_CONFIG_HOME"), variable("HOME")) {
            (Some(config), _) => PathBuf::from(config),
            (None, Some(home)) => Path::new(&home).join(".config"),
            (None, None) => {
                return Err(Failure::new("neither HOME nor XDG_CONFIG_HOME is set")
                    .fix("set one of them, or give the key in CHANCERY_API_KEY"));
            }
        };
        Ok(Self::at(base.join("chancery")))
    }

    /// In this folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The login for a server.
    pub fn login(&self, url: &str) -> Result<Option<Login>, Failure> {
        Ok(self.read::<Logins>("credentials.toml")?.servers.remove(url))
    }

    /// Waits until no other process changes the logins.
    pub fn lock(&self) -> Result<Locked<'_>, Failure> {
        self.make_folder()?;
        let path = self.folder.join("credentials.lock");
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path);
        let lock = opened.and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(|error| failed("lock", &path, &error))?;
        Ok(Locked {
            store: self,
            _lock: lock,
        })
    }

    /// What is remembered of a log.
    pub fn seen_log(&self, origin: &str) -> Result<Option<SeenLog>, Failure> {
        Ok(self.read::<Logs>("logs.toml")?.logs.remove(origin))
    }

    /// Remembers a log.
    pub fn remember_log(&self, origin: &str, seen: SeenLog) -> Result<(), Failure> {
        let _locked = self.lock()?;
        let mut logs: Logs = self.read("logs.toml")?;
        logs.logs.insert(origin.to_owned(), seen);
        self.write("logs.toml", &logs)
    }

    fn read<T: Default + for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, Failure> {
        let path = self.folder.join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        toml::from_str(&text).map_err(|_| {
            Failure::new(format!("`{}` is damaged", path.display()))
                .fix("remove it and sign in again with `chancery login`")
        })
    }

    fn make_folder(&self) -> Result<(), Failure> {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.map_err(|error| failed("make", &self.folder, &error))
    }

    /// Replaces a file as a whole, so that a crash leaves the old one or the new one.
    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.new"));
        let text = toml::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
        let write = || {
            let mut options = File::options();
            let mut file = options
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(|error| failed("write", &path, &error))
    }
}

impl Locked<'_> {
    /// The login for a server, as it is now.
    pub fn login(&self, url: &str) -> Result<Option<Login>, Failure> {
        self.store.login(url)
    }

    /// Stores the login for a server.
    pub fn put(&self, url: &str, login: Login) -> Result<(), Failure> {
        let mut logins: Logins = self.store.read("credentials.toml")?;
        logins.servers.insert(url.to_owned(), login);
        self.store.write("credentials.toml", &logins)
    }

    /// Forgets the login for a server; false if there was none.
    pub fn remove(&self, url: &str) -> Result<bool, Failure> {
        let mut logins: Logins = self.store.read("credentials.toml")?;
        let was_there = logins.servers.remove(url).is_some();
        self.store.write("credentials.toml", &logins)?;
        Ok(was_there)
    }
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("{doing} `{}`", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_kept_for_its_server_alone_and_open_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("chancery"));
        assert_eq!(store.login("http://a").unwrap(), None);
        let login = Login {
            api_key: Some("chk_x".into()),
            ..Login::default()
        };
        store
            .lock()
            .unwrap()
            .put("http://a", login.clone())
            .unwrap();
        store
            .lock()
            .unwrap()
            .put("http://b", Login::default())
            .unwrap();
        assert_eq!(store.login("http://a").unwrap(), Some(login));
        let path = folder.path().join("chancery/credentials.toml");
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(store.lock().unwrap().remove("http://a").unwrap());
        assert!(!store.lock().unwrap().remove("http://a").unwrap());
        assert_eq!(store.login("http://a").unwrap(), None);
        assert_eq!(store.login("http://b").unwrap(), Some(Login::default()));
    }

    #[test]
    fn a_damaged_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("credentials.toml"), "[[").unwrap();
        let failure = Store::at(folder.path().to_owned()).login("x").unwrap_err();
        assert!(failure.to_string().contains("chancery login"), "{failure}");
    }
}
