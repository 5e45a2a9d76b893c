//! Access tokens: they live for minutes, and the refresh token that gets the next one is good once.
//!
//! Using a refresh token twice looks like theft to the server and ends the login. So only one process
//! at a time renews: under the lock of the stored logins, after looking whether another one has
//! just done it.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use serde_json::{Value, json};
use vocab::{ExposeSecret as _, SecretString, Timestamp};

use super::{Client, Identity, answer, problem};
use crate::credentials::Login;
use crate::failure::Failure;

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(30);

impl Client {
    /// The token for the next request.
    pub(super) async fn token(&self) -> Result<Option<SecretString>, Failure> {
        match &self.identity {
            Identity::Nobody => Ok(None),
            Identity::Key(key) => Ok(Some(key.clone())),
            Identity::Login(login) => {
                let token = fresh(&*login.lock().await, self.clock.now());
                match token {
                    Some(token) => Ok(Some(token)),
                    None => self.renew(None).await.map(Some),
                }
            }
        }
    }

    /// Gets another access token than this one.
    pub(super) async fn renew(
        &self,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, Failure> {
        let ended = || Failure {
            problem: Some(json!({ "status": 401, "code": "LOGIN_ENDED" })),
            ..Failure::new(format!("your login at {} has ended", self.url))
                .fix("run `chancery login`")
        };
        let (Identity::Login(login), Some(store)) = (&self.identity, &self.store) else {
            return Err(ended());
        };
        let mut login = login.lock().await;
        let locked = store.lock()?;
        let stored = locked.login(&self.url)?.ok_or_else(ended)?;
        let other = |token: &SecretString| {
            refused.is_none_or(|refused| refused.expose_secret() != token.expose_secret())
        };
        if let Some(token) = fresh(&stored, self.clock.now()).filter(other) {
            *login = stored;
            return Ok(token);
        }
        let refresh = stored.refresh.clone().ok_or_else(ended)?;
        let request = self.http.post(format!("{}/v1/auth/refresh", self.url));
        let body = json!({ "refresh_token": refresh });
        let sent = request
            .json(&body)
            .timeout(super::REQUEST_TIMEOUT)
            .send()
            .await;
        let response = sent.map_err(|error| self.unreachable(&error))?;
        if response.status() == reqwest::StatusCode::UNAUTHORIZED {
            return Err(ended());
        }
        if !response.status().is_success() {
            return Err(problem(response).await);
        }
        let headers = response.headers().clone();
        let body = answer(response).await?;
        let renewed = signed_in(stored, &headers, &body, self.clock.now())?;
        locked.put(&self.url, renewed.clone())?;
        let token = renewed.access_token.clone().map(SecretString::from);
        *login = renewed;
        token.ok_or_else(ended)
    }
}

fn fresh(login: &Login, now: Timestamp) -> Option<SecretString> {
    let token = login.access_token.clone()?;
    let until = Timestamp::from_micros(login.expires_at_us?);
    (now.plus(MARGIN) < until).then(|| token.into())
}

/// The login after an answer with tokens.
///
/// # Errors
/// The answer has none.
pub fn signed_in(
    before: Login,
    headers: &HeaderMap,
    body: &Value,
    now: Timestamp,
) -> Result<Login, Failure> {
    let token = body["access_token"].as_str();
    let token = token.ok_or_else(|| Failure::new("the server's answer holds no access token"))?;
    let seconds = body["expires_in"].as_u64().unwrap_or(0);
    Ok(Login {
        access_token: Some(token.to_owned()),
        expires_at_us: Some(now.plus(Duration::from_secs(seconds)).as_micros()),
        refresh: refresh_token(headers, body).or(before.refresh.clone()),
        ..before
    })
}

/// The refresh token of an answer: in its body, or in its cookie.
fn refresh_token(headers: &HeaderMap, body: &Value) -> Option<String> {
    if let Some(token) = body["refresh_token"].as_str() {
        return Some(token.to_owned());
    }
    let cookies = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|it| it.to_str().ok());
    let pairs = cookies.filter_map(|it| it.split(';').next()?.trim().split_once('='));
    let mut refresh = pairs.filter(|(name, _)| name.ends_with("chancery_refresh"));
    refresh.next().map(|(_, token)| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_keeps_what_the_next_request_needs() {
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, "theme=dark; Path=/".parse().unwrap());
        let cookie = "chancery_refresh=abc; HttpOnly; SameSite=Strict; Path=/v1/auth";
        headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        let body = json!({"access_token": "t", "expires_in": 900});
        let now = Timestamp::from_micros(1_000_000);
        let before = Login {
            email: Some("a@b".into()),
            ..Login::default()
        };
        let login = signed_in(before, &headers, &body, now).unwrap();
        assert_eq!(login.refresh.as_deref(), Some("abc"));
        assert_eq!(login.email.as_deref(), Some("a@b"));
        assert!(fresh(&login, now).is_some());
        assert!(fresh(&login, now.plus(Duration::from_secs(869))).is_some());
        assert!(fresh(&login, now.plus(Duration::from_secs(870))).is_none());
        assert!(signed_in(Login::default(), &headers, &json!({}), now).is_err());
    }
}
