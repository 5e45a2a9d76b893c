//! `chancery login`, `logout` and `whoami`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use vocab::ExposeSecret as _;

use super::{Cx, Done, cell};
use crate::client::refresh::signed_in;
use crate::client::{Client, address};
use crate::credentials::{Login as Stored, Store};
use crate::failure::{Exit, Failure};
use crate::prompt::{self, Interrupts};
use crate::terminal::{self, Style, Tone};

/// Sign in.
///
/// Shows a code that somebody who is signed in approves; with --email, asks for the password. The
/// login is kept in $XDG_CONFIG_HOME/chancery/credentials.toml, for this server alone.
#[derive(Debug, Args)]
pub struct Login {
    /// Sign in with this address and its password.
    #[arg(long)]
    email: Option<String>,
    /// Read the password from standard input. That also happens if it is no terminal.
    #[arg(long, requires = "email")]
    password_stdin: bool,
    /// Sign in with the link that the server printed at its first start.
    #[arg(long, value_name = "LINK", conflicts_with = "email")]
    link: Option<String>,
    /// Approve the code that another device shows, as whoever is signed in here.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["email", "link"])]
    approve: Option<String>,
}

impl Login {
    pub async fn run(self, cx: &Cx) -> Done {
        if let Some(code) = self.approve {
            let client = cx.client().await?;
            let answer = client
                .post("/v1/auth/device/approve", &json!({ "user_code": code }))
                .await?;
            let name = answer["client_name"].as_str().unwrap_or("the device");
            return cx.done(
                &answer,
                &format!("{} is signed in", terminal::short(name, 100)),
            );
        }
        let client = Client::unsigned(&cx.connection.url)?;
        if address::is_exposed(client.url()) {
            terminal::note("this server is reached without TLS: the login can be read on the way");
        }
        let store = Store::open()?;
        let stored = match (self.email, self.link) {
            (Some(email), _) => {
                let password = prompt::secret("Password")?;
                let body = json!({ "email": email, "password": password.expose_secret() });
                with_password(&client, &body).await?
            }
            (None, Some(link)) => {
                enter(
                    &client,
                    "/v1/auth/link",
                    &json!({ "token": token_of(&link) }),
                )
                .await?
            }
            (None, None) => with_device(cx, &client).await?,
        };
        let stored = match cx.connection.org.as_deref() {
            Some(org) if org.starts_with("org_") => Stored {
                org: Some(org.to_owned()),
                ..stored
            },
            Some(_) | None => stored,
        };
        let who = stored.email.clone().unwrap_or_default();
        store.lock()?.put(client.url(), stored.clone())?;
        let answer = json!({ "url": client.url(), "email": who, "org": stored.org });
        cx.done(
            &answer,
            &format!(
                "you are signed in to {} as {}",
                client.url(),
                terminal::short(&who, 100)
            ),
        )
    }
}

async fn with_password(client: &Client, body: &Value) -> Result<Stored, Failure> {
    enter(client, "/v1/auth/login", body)
        .await
        .map_err(|failure| match failure.status() {
            Some(401) => Failure {
                message: "no account has this address and password".to_owned(),
                fix: None,
                ..failure
            },
            Some(_) | None => failure,
        })
}

/// The token in a link, or what was given if it is none.
fn token_of(link: &str) -> &str {
    let after = |mark: &str| link.split_once(mark).map(|(_, token)| token);
    let token = after("token=").or_else(|| after("#")).unwrap_or(link);
    token.split(['&', '#']).next().unwrap_or(token)
}

async fn enter(client: &Client, path: &str, body: &Value) -> Result<Stored, Failure> {
    let (headers, answer) = client.post_once(path, body).await?;
    let about = Stored {
        email: answer["user"]["email"].as_str().map(str::to_owned),
        org: org_of(&answer),
        ..Stored::default()
    };
    signed_in(about, &headers, &answer, client.clock().now())
}

/// The organisation that was chosen, or else the only or first one.
fn org_of(answer: &Value) -> Option<String> {
    let chosen = answer["org_id"]
        .as_str()
        .or_else(|| answer["org"]["id"].as_str());
    chosen
        .or_else(|| answer["orgs"][0]["id"].as_str())
        .map(str::to_owned)
}

async fn with_device(cx: &Cx, client: &Client) -> Result<Stored, Failure> {
    let body = json!({ "client_name": format!("chancery on {}", host()) });
    let (_, asked) = client.post_once("/v1/auth/device", &body).await?;
    let text = |name: &str| terminal::short(asked[name].as_str().unwrap_or_default(), 300);
    let style = Style::stderr();
    if cx.json {
        terminal::say(&json!({ "user_code": asked["user_code"], "verification_uri": asked["verification_uri"] }).to_string());
    } else {
        terminal::note(&format!(
            "approve the code {} at\n  {}\nor, where you are signed in already, with `chancery login --approve {}`",
            style.paint(Tone::Strong, &text("user_code")),
            text("verification_uri_complete"),
            text("user_code"),
        ));
    }
    let body = json!({ "device_code": asked["device_code"] });
    let mut interval = Duration::from_secs(asked["interval"].as_u64().unwrap_or(5));
    let mut interrupts = Interrupts::listen();
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = interrupts.next() => {
                return Err(Failure { exit: Exit::Interrupted, ..Failure::new("nobody was signed in") });
            }
        }
        let failure = match enter(client, "/v1/auth/device/token", &body).await {
            Ok(stored) => return Ok(stored),
            Err(failure) => failure,
        };
        match failure.problem.as_ref().and_then(|it| it["error"].as_str()) {
            Some("authorization_pending") => {}
            Some("slow_down") => interval += Duration::from_secs(5),
            Some("access_denied") => return Err(Failure::new("the code was turned down")),
            Some("expired_token") => {
                return Err(Failure::new("nobody approved the code in time")
                    .fix("run `chancery login` again"));
            }
            Some(_) | None => return Err(failure),
        }
    }
}

fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Signs out, there and here.
pub async fn logout(cx: &Cx) -> Done {
    let url = address::base(&cx.connection.url)?;
    let store = Store::open()?;
    let stored = store.login(&url)?;
    let removed = store.lock()?.remove(&url)?;
    // A key stays valid for whoever else has it: `chancery keys delete` revokes it.
    if let Some(refresh) = stored.and_then(|it| it.refresh) {
        let body = json!({ "refresh_token": refresh });
        if let Err(failure) = Client::unsigned(&url)?
            .post_once("/v1/auth/logout", &body)
            .await
        {
            terminal::note(&format!(
                "forgotten here, but the server could not be told: {failure}"
            ));
        }
    }
    let line = if removed {
        format!("you are signed out of {url}")
    } else {
        format!("you were not signed in to {url}")
    };
    cx.done(&json!({ "signed_out": removed }), &line)
}

/// Says who the caller is.
pub async fn whoami(cx: &Cx) -> Done {
    let client = cx.client().await?;
    let me = client.get("/v1/me").await?;
    if cx.json {
        terminal::say_json(&me);
        return Ok(Exit::Success);
    }
    let user = &me["user"];
    let kind = match me["credential"]["type"].as_str() {
        Some("api_key") => "by an API key",
        Some(_) | None => "signed in",
    };
    let who = format!("{} <{}>", cell(user, "name"), cell(user, "email"));
    terminal::say(&format!(
        "{} at {}, {kind}",
        terminal::short(&who, 200),
        client.url()
    ));
    let orgs = me["memberships"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let rows: Vec<Vec<String>> = orgs
        .iter()
        .map(|org| super::cells(org, &["id", "name", "role"]))
        .collect();
    terminal::say(&terminal::table(
        cx.style,
        &["ORGANISATION", "NAME", "ROLE"],
        &rows,
    ));
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_link_is_found() {
        assert_eq!(
            token_of("http://127.0.0.1:7300/sign-in?token=abc&x=1"),
            "abc"
        );
        assert_eq!(token_of("http://127.0.0.1:7300/sign-in#token=abc"), "abc");
        assert_eq!(token_of("http://127.0.0.1:7300/sign-in#abc"), "abc");
        assert_eq!(token_of("abc"), "abc");
    }

    #[test]
    fn the_chosen_organisation_goes_before_the_first() {
        assert_eq!(
            org_of(&json!({"org_id": "org_b", "orgs": [{"id": "org_a"}]})).as_deref(),
            Some("org_b")
        );
        assert_eq!(
            org_of(&json!({"org_id": null, "orgs": [{"id": "org_a"}]})).as_deref(),
            Some("org_a")
        );
    }
}
