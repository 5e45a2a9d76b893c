//! `chancery doctor`: what the installation needs, and what it has.

use std::path::Path;

use crate::compose;
use crate::config::Config;

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, with less than it could.
    Warn,
    /// It does not work.
    Fail,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    fn not(
        status: Status,
        name: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Looks at everything that this configuration needs.
pub async fn doctor(config: &Config) -> Vec<Check> {
    vec![
        data_dir(&config.data_dir),
        database(config).await,
        master_key(config).await,
        listener(config).await,
        node(config).await,
    ]
}

fn data_dir(folder: &Path) -> Check {
    let name = "data folder";
    let probe = folder.join(".doctor");
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&probe, b"ok"));
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => Check::ok(name, format!("{} is writable", folder.display())),
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!("{} can't be written: {error}", folder.display()),
            "choose another folder with --data-dir, or make room",
        ),
    }
}

async fn database(config: &Config) -> Check {
    let name = "database";
    let checked = async {
        let (db, authority) = compose::open_database(config).await?;
        authority.ping().await?;
        Ok::<_, crate::ServerError>(db)
    };
    match checked.await {
        Ok(_) => Check::ok(name, format!("{:?} answers", config.database())),
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!(
                "{:?} does not answer: {}",
                config.database(),
                crate::chain(&error)
            ),
            "start the server, check the URL, or leave --database-url out to use SQLite",
        ),
    }
}

async fn master_key(config: &Config) -> Check {
    let name = "master key";
    if let vault::MasterKeySource::File(path) = &config.master_key
        && !path.exists()
    {
        return Check::ok(
            name,
            format!("{} is made at the first start", path.display()),
        );
    }
    match compose::master_keys(config).await {
        Ok(keys) => Check::ok(name, format!("{} in use", keys.ids().len())),
        Err(error) => Check::not(
            Status::Fail,
            name,
            crate::chain(&error),
            "restore the key from its backup: without it no secret and no content can be read",
        ),
    }
}

async fn listener(config: &Config) -> Check {
    let name = "listener";
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Check::ok(name, format!("{} is free", config.listen)),
        Err(error) => Check::not(
            Status::Warn,
            name,
            format!("{} can't be taken: {error}", config.listen),
            "if the server is running, all is well; otherwise choose another with --listen",
        ),
    }
}

async fn node(config: &Config) -> Check {
    let name = "local node";
    if !config.node.local {
        return Check::ok(name, "off: nodes connect from elsewhere");
    }
    let Ok(binary) = crate::local_node::binary(config) else {
        return Check::not(
            Status::Fail,
            name,
            "chancery-node is not beside this program",
            "install both programs in one folder, or set node.binary",
        );
    };
    let probed = tokio::process::Command::new(&binary)
        .arg("probe")
        .output()
        .await;
    match probed {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let first = text.lines().next().unwrap_or("it says nothing").to_owned();
            Check::ok(name, first)
        }
        Ok(output) => Check::not(
            Status::Warn,
            name,
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            "run `chancery-node probe` to see what can't be enforced here",
        ),
        Err(error) => Check::not(
            Status::Fail,
            name,
            format!("{} can't be started: {error}", binary.display()),
            "install chancery-node beside this program",
        ),
    }
}
