//! The one place that speaks to the crate `server`.

use std::path::{Path, PathBuf};

use server::config::{self, Config, Overrides};
use server::{Ready, ServerError, SignIn};
use vocab::ExposeSecret as _;

use crate::client::address;
use crate::commands::server::Settings;
use crate::credentials::{Login, Store};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, Style, Tone};

fn overrides(settings: &Settings) -> Overrides {
    let Settings {
        config,
        data_dir,
        listen,
        database_url,
    } = settings.clone();
    Overrides {
        config,
        data_dir,
        listen,
        database_url,
        ..Overrides::default()
    }
}

fn load(overrides: &Overrides) -> Result<Config, Failure> {
    config::load(overrides)
        .map(|effective| effective.config)
        .map_err(|error| wrong(&error))
}

fn wrong(error: &config::ConfigError) -> Failure {
    let failure = Failure {
        exit: Exit::Usage,
        ..Failure::new(error.to_string())
    };
    failure.fix("`chancery config show` prints every setting once this is mended")
}

/// An error of the server with its sources, in one line, and what to do about it.
fn failed(error: &ServerError) -> Failure {
    let fix = match error {
        ServerError::Listen { .. } => "end what listens there, or choose another with `--listen`",
        ServerError::InUse(_) => "stop it first, or use Postgres for several",
        ServerError::MasterKey(_) => "put the key back from where you keep its copy",
        ServerError::NotEmbedded => "see the guide on operations for Postgres",
        ServerError::Limits(_) | ServerError::Plans(_) => "`chancery plans list` shows the plans",
        ServerError::Organisation(_) => "`chancery plans organisations` lists them",
        ServerError::Exists(_) => "choose a name or a folder that is free",
        _ => "`chancery doctor` checks what the installation needs",
    };
    Failure::new(server::chain(error)).fix(fix)
}

/// Runs everything until it is told to stop.
pub async fn up(settings: &Settings, demo: Option<bool>, json: bool) -> Result<(), Failure> {
    let config = load(&Overrides {
        demo,
        ..overrides(settings)
    })?;
    let data_dir = config.data_dir.clone();
    let run = server::up(config, move |ready| {
        let stored = remember(&ready);
        if json {
            terminal::say(&page_json(&ready).to_string());
        } else {
            terminal::say(&page(Style::stdout(), &ready, stored, &data_dir));
        }
    });
    run.await.map_err(|error| failed(&error))
}

/// Stores the local owner's key, so that the CLI of this person works at once. Whether it does.
fn remember(ready: &Ready) -> bool {
    let Some(key) = &ready.cli_key else {
        let stored = address::base(&ready.url).and_then(|url| Store::open()?.login(&url));
        return stored.is_ok_and(|login| login.is_some());
    };
    let store = || {
        let url = address::base(&ready.url)?;
        let login = Login {
            api_key: Some(key.expose_secret().to_owned()),
            email: Some(ready.owner_email.clone()),
            ..Login::default()
        };
        Store::open()?.lock()?.put(&url, login)
    };
    match store() {
        Ok(()) => true,
        Err(failure) => {
            terminal::note(&format!("the CLI's key could not be stored: {failure}"));
            false
        }
    }
}

fn page_json(ready: &Ready) -> serde_json::Value {
    let password = match &ready.sign_in {
        SignIn::Password(password) => Some(password),
        SignIn::Existing => None,
    };
    serde_json::json!({
        "ready": true, "url": ready.url, "owner_email": ready.owner_email,
        "password": password,
        "status_url": ready.demo.as_ref().map(|demo| &demo.status_url),
    })
}

/// The one page that is printed when everything is ready.
fn page(style: Style, ready: &Ready, stored: bool, data_dir: &Path) -> String {
    let strong = |text: &str| style.paint(Tone::Strong, text);
    let dim = |text: &str| style.paint(Tone::Dim, text);
    let mut out = format!(
        "\n  {} is ready at {}\n\n",
        strong("Chancery"),
        strong(&ready.url)
    );
    out.push_str(&match &ready.sign_in {
        SignIn::Password(password) => format!(
            "  sign in   {} with the password {}\n            {}\n",
            ready.owner_email,
            strong(password),
            dim("shown this once"),
        ),
        SignIn::Existing => format!(
            "  sign in   as {}, with the password you have\n",
            ready.owner_email
        ),
    });
    out.push_str(&format!(
        "  data      {}\n  API       {}/docs\n\n",
        data_dir.display(),
        ready.url
    ));
    let custom = ready.url.trim_end_matches('/') != "http://127.0.0.1:7300";
    if custom {
        out.push_str(&format!("  {}\n", dim("in another terminal, first:")));
        out.push_str(&format!("    export CHANCERY_URL={}\n", ready.url));
    } else {
        out.push_str(&format!("  {}\n", dim("in another terminal:")));
    }
    if !stored {
        out.push_str("    chancery login\n");
    }
    out.push_str(&match &ready.demo {
        Some(demo) => format!("    chancery run \"{}\"\n", example(&demo.status_url)),
        None => "    chancery agents\n".to_owned(),
    });
    out.push_str("    chancery audit verify\n");
    out.push_str(match ready.demo {
        Some(_) => "    chancery replay RUN\n    chancery chat --agent guide --agent demo\n",
        None => "    chancery --help\n",
    });
    out.push_str(&format!(
        "\n  {}",
        dim("Ctrl-C stops it; runs go on when it starts again.")
    ));
    out
}

/// The message of the first command to try.
fn example(status_url: &str) -> String {
    format!(
        "read notes/todo.md; run skill word-count on notes/todo.md; fetch {status_url}; \
         write notes/summary.md: all is well"
    )
}

/// Runs a server, or some of its roles, until it is told to stop.
pub async fn serve(settings: &Settings, roles: Option<Vec<String>>) -> Result<(), Failure> {
    let config = load(&Overrides {
        roles,
        ..overrides(settings)
    })?;
    server::serve(config).await.map_err(|error| failed(&error))
}

/// Applies what is missing; what that was.
pub async fn migrate(settings: &Settings) -> Result<Vec<String>, Failure> {
    let config = load(&overrides(settings))?;
    let applied = server::migrate(&config)
        .await
        .map_err(|error| failed(&error))?;
    Ok(applied.into_iter().map(str::to_owned).collect())
}

/// The ids of the master keys.
pub async fn master_keys(settings: &Settings) -> Result<Vec<String>, Failure> {
    let config = load(&overrides(settings))?;
    server::master_keys(&config)
        .await
        .map_err(|error| failed(&error))
}

/// Adds a master key; the ids of all.
pub fn add_master_key(settings: &Settings) -> Result<Vec<String>, Failure> {
    let config = load(&overrides(settings))?;
    server::add_master_key(&config).map_err(|error| failed(&error))
}

/// Wraps everything under the newest master key; how many data keys and signing keys that were.
pub async fn rewrap(settings: &Settings) -> Result<(u64, u64), Failure> {
    let config = load(&overrides(settings))?;
    let moved = server::rewrap(&config)
        .await
        .map_err(|error| failed(&error))?;
    Ok((moved.data_keys, moved.log_keys))
}

/// Every setting.
pub fn configuration(settings: &Settings) -> Result<serde_json::Value, Failure> {
    let effective = config::load(&overrides(settings)).map_err(|error| wrong(&error))?;
    serde_json::to_value(effective.settings).map_err(|error| Failure::new(error.to_string()))
}

/// Every plan.
pub fn plans(settings: &Settings) -> Result<Vec<serde_json::Value>, Failure> {
    let config = load(&overrides(settings))?;
    let (plans, default) = server::plans(&config).map_err(|error| failed(&error))?;
    let shown = plans.into_iter().map(|plan| {
        serde_json::json!({
            "name": plan.name, "description": plan.description,
            "is_default": plan.name == default, "limits": plan.limits,
        })
    });
    Ok(shown.collect())
}

/// Every organisation with its plan.
pub async fn organisation_plans(settings: &Settings) -> Result<Vec<serde_json::Value>, Failure> {
    let config = load(&overrides(settings))?;
    let all = server::organisation_plans(&config)
        .await
        .map_err(|error| failed(&error))?;
    let shown = all.into_iter().map(|it| {
        serde_json::json!({
            "id": it.org, "name": it.name, "plan": it.plan, "is_default": it.is_default,
        })
    });
    Ok(shown.collect())
}

/// Gives an organisation a plan, or the default again.
pub async fn assign_plan(
    settings: &Settings,
    organisation: &str,
    plan: Option<&str>,
) -> Result<(), Failure> {
    let config = load(&overrides(settings))?;
    server::assign_plan(&config, organisation, plan)
        .await
        .map_err(|error| failed(&error))
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check of the installation.
pub struct Check {
    pub name: String,
    pub level: Level,
    pub detail: String,
    pub fix: Option<String>,
}

/// Checks what the installation needs and has.
pub async fn doctor(settings: &Settings) -> Result<Vec<Check>, Failure> {
    let config = load(&overrides(settings))?;
    let checks = server::doctor(&config).await;
    let ours = |check: server::Check| Check {
        name: check.name.to_string(),
        level: match check.status {
            server::Status::Ok => Level::Ok,
            server::Status::Warn => Level::Warn,
            server::Status::Fail => Level::Fail,
        },
        detail: check.detail,
        fix: check.fix,
    };
    Ok(checks.into_iter().map(ours).collect())
}

/// Copies everything into a file.
pub async fn backup(settings: &Settings, target: &Path) -> Result<(), Failure> {
    let config = load(&overrides(settings))?;
    server::backup(&config, target)
        .await
        .map(drop)
        .map_err(|error| failed(&error))
}

/// Makes an installation out of such a file; where its master key has to be put, if it is not there.
pub async fn restore(settings: &Settings, source: &Path) -> Result<Option<PathBuf>, Failure> {
    let config = load(&overrides(settings))?;
    server::restore(&config, source)
        .await
        .map_err(|error| failed(&error))?;
    Ok(server::missing_key_file(&config))
}

/// The OpenAPI document.
pub async fn openapi() -> Result<String, Failure> {
    server::openapi_json().await.map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(sign_in: SignIn, demo: bool) -> Ready {
        Ready {
            url: "http://127.0.0.1:7300".into(),
            owner_email: "owner@chancery.local".into(),
            sign_in,
            demo: demo.then(|| server::DemoHints {
                status_url: "http://127.0.0.1:9/status".into(),
            }),
            cli_key: None,
        }
    }

    #[test]
    fn the_page_says_where_how_and_what_to_try() {
        let ready = ready(SignIn::Password("correct horse".into()), true);
        let page = page(Style::PLAIN, &ready, true, Path::new("./chancery-data"));
        let expected = "
  Chancery is ready at http://127.0.0.1:7300

  sign in   owner@chancery.local with the password correct horse
            shown this once
  data      ./chancery-data
  API       http://127.0.0.1:7300/docs

  in another terminal:
    chancery run \"read notes/todo.md; run skill word-count on notes/todo.md; \
fetch http://127.0.0.1:9/status; write notes/summary.md: all is well\"
    chancery audit verify
    chancery replay RUN
    chancery chat --agent guide --agent demo

  Ctrl-C stops it; runs go on when it starts again.";
        assert_eq!(page, expected);
    }

    #[test]
    fn a_second_start_shows_no_secret_and_says_how_to_sign_in() {
        let page = page(
            Style::PLAIN,
            &ready(SignIn::Existing, false),
            false,
            Path::new("x"),
        );
        assert!(
            page.contains("chancery login") && page.contains("chancery agents"),
            "{page}"
        );
    }
}
