//! The client of the API: one place that knows how requests are signed, repeated and answered.
//!
//! A request that can be repeated without harm (a read, a PUT, a DELETE, a POST under its
//! idempotency key) is sent again when the server is briefly away; a server that was never there is
//! said at once. Answers stay JSON values: commands print a few members of each, and `--json`
//! prints all of them.

pub mod address;
pub mod refresh;
mod response;

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, Response};
use serde_json::Value;
use vocab::limits::BODY_BYTES_MAX;
use vocab::{Clock, ExposeSecret as _, Random, SecretString};

use crate::credentials::{Login, Store};
use crate::failure::Failure;
use response::Next;
pub use response::{answer, problem};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a request that can be repeated is sent at most.
const ATTEMPTS_MAX: u32 = 4;
/// The most items that one page has.
const PAGE_MAX: usize = 200;

/// Where the server is, and as whom to speak to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The server's URL.
    pub url: String,
    /// The organisation, if named.
    pub org: Option<String>,
    /// An API key, if given.
    pub api_key: Option<SecretString>,
}

enum Identity {
    Nobody,
    Key(SecretString),
    Login(tokio::sync::Mutex<Login>),
}

/// A connection to a server.
pub struct Client {
    http: reqwest::Client,
    url: String,
    identity: Identity,
    org: Option<String>,
    store: Option<Store>,
    clock: Clock,
    random: Random,
}

/// The items of a list that were asked for.
#[derive(Debug, Default)]
pub struct Listed {
    pub items: Vec<Value>,
    /// The server has more of them.
    pub more: bool,
}

impl From<Vec<Value>> for Listed {
    fn from(items: Vec<Value>) -> Self {
        Self { items, more: false }
    }
}

impl IntoIterator for Listed {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// One request.
#[derive(Clone)]
struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
    /// A file instead of a body: its media type and its bytes.
    file: Option<(&'a str, &'a [u8])>,
    accept: &'static str,
    /// Later events than this one.
    after: Option<&'a str>,
    /// The answer takes as long as it takes.
    endless: bool,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a str, body: Option<&'a Value>) -> Self {
        Self {
            method,
            path,
            body,
            file: None,
            accept: "application/json",
            after: None,
            endless: false,
        }
    }
}

impl Client {
    /// Speaks to a server as whoever is signed in there.
    ///
    /// # Errors
    /// The URL is none, or the stored login can't be read.
    pub async fn connect(connection: &Connection) -> Result<Self, Failure> {
        let mut client = Self::unsigned(&connection.url)?;
        match &connection.api_key {
            Some(key) => client.identity = Identity::Key(key.clone()),
            None => client.sign_in_from(Store::open()?)?,
        }
        match connection.org.as_deref() {
            Some(org) if org.starts_with("org_") => client.org = Some(org.to_owned()),
            Some(name) => client.org = Some(client.org_called(name).await?),
            None => {}
        }
        Ok(client)
    }

    /// Speaks to a server as nobody yet.
    ///
    /// # Errors
    /// The URL is none.
    pub fn unsigned(url: &str) -> Result<Self, Failure> {
        let url = address::base(url)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("chancery-cli/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect could only send credentials elsewhere: the API has none.
            .redirect(reqwest::redirect::Policy::none());
        if address::is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::new(chain(&error)))?;
        Ok(Self {
            http,
            url,
            identity: Identity::Nobody,
            org: None,
            store: None,
            clock: Clock::system(),
            random: Random::system(),
        })
    }

    fn sign_in_from(&mut self, store: Store) -> Result<(), Failure> {
        if let Some(login) = store.login(&self.url)? {
            self.org.clone_from(&login.org);
            self.identity = match login.api_key.clone() {
                Some(key) => Identity::Key(key.into()),
                None => Identity::Login(login.into()),
            };
        }
        self.store = Some(store);
        Ok(())
    }

    async fn org_called(&self, name: &str) -> Result<String, Failure> {
        let orgs = self.list("/v1/orgs", &[], PAGE_MAX).await?;
        let found = orgs
            .items
            .iter()
            .find(|org| org["name"] == name || org["slug"] == name);
        let id = found.and_then(|org| org["id"].as_str());
        id.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("no organisation of yours is called `{name}`"))
                .fix("`chancery whoami` lists them")
        })
    }

    /// The server's URL, without a final slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The clock of this program.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        answer(self.send(&Call::new(Method::GET, path, None)).await?).await
    }

    /// Reads a list, as many items as wanted.
    pub async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        wanted: usize,
    ) -> Result<Listed, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        while items.len() < wanted {
            let limit = (wanted - items.len()).min(PAGE_MAX).to_string();
            let mut query = query.to_vec();
            query.push(("limit", &limit));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut page = self.get(&address::with_query(path, &query)).await?;
            let Value::Array(more) = page["items"].take() else {
                break;
            };
            items.extend(more);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let more = cursor.is_some();
        Ok(Listed { items, more })
    }

    /// Creates, starts or spends, under an idempotency key of its own. Null is no body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        answer(
            self.send(&Call::new(Method::POST, path, Some(body)))
                .await?,
        )
        .await
    }

    /// Like [`Self::post`], with the answer's headers, and without anything that is repeated.
    pub async fn post_once(&self, path: &str, body: &Value) -> Result<(HeaderMap, Value), Failure> {
        let call = Call::new(Method::POST, path, Some(body));
        let response = self
            .attempt(&call, None, None)
            .await
            .map_err(|it| self.unreachable(&it))?;
        let headers = response.headers().clone();
        if !response.status().is_success() {
            return Err(problem(response).await);
        }
        Ok((headers, answer(response).await?))
    }

    /// Sends a file.
    pub async fn upload(&self, path: &str, file: (&str, &[u8])) -> Result<Value, Failure> {
        let call = Call {
            file: Some(file),
            endless: true,
            ..Call::new(Method::POST, path, None)
        };
        answer(self.send(&call).await?).await
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        answer(self.send(&Call::new(Method::PUT, path, Some(body))).await?).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        answer(
            self.send(&Call::new(Method::PATCH, path, Some(body)))
                .await?,
        )
        .await
    }

    /// Removes.
    pub async fn delete(&self, path: &str) -> Result<Value, Failure> {
        answer(self.send(&Call::new(Method::DELETE, path, None)).await?).await
    }

    /// Reads something large, piece by piece.
    pub async fn download(&self, path: &str) -> Result<Response, Failure> {
        let call = Call::new(Method::GET, path, None);
        self.send(&Call {
            accept: "*/*",
            endless: true,
            ..call
        })
        .await
    }

    /// Opens a stream of events, after this one.
    pub async fn events(&self, path: &str, after: Option<&str>) -> Result<Response, Failure> {
        let call = Call::new(Method::GET, path, None);
        self.send(&Call {
            accept: "text/event-stream",
            after,
            endless: true,
            ..call
        })
        .await
    }

    async fn send(&self, call: &Call<'_>) -> Result<Response, Failure> {
        // The server takes keys with bodies that it holds anyway.
        let held = call
            .file
            .is_none_or(|(_, bytes)| bytes.len() <= BODY_BYTES_MAX);
        let key = (call.method == Method::POST && held).then(|| self.idempotency_key());
        // A PATCH may not be repeatable, and has no key.
        let repeatable = call.method != Method::PATCH && held;
        let mut renewed = false;
        let mut attempt = 1;
        loop {
            let token = self.token().await?;
            let result = self.attempt(call, token.as_ref(), key.as_deref()).await;
            let may_renew = !renewed && matches!(self.identity, Identity::Login(_));
            match response::next(result, may_renew, repeatable && attempt < ATTEMPTS_MAX) {
                Next::Done(response) => return Ok(response),
                Next::Renew => {
                    renewed = true;
                    self.renew(token.as_ref()).await?;
                }
                Next::Again(after) => {
                    let backoff = Duration::from_millis(200 << attempt);
                    attempt += 1;
                    tokio::time::sleep(after.unwrap_or(backoff)).await;
                }
                Next::Refused(response) => return Err(self.explain(problem(response).await)),
                Next::Unreachable(error) => return Err(self.unreachable(&error)),
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        token: Option<&SecretString>,
        key: Option<&str>,
    ) -> Result<Response, reqwest::Error> {
        let url = format!("{}{}", self.url, call.path);
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header(header::ACCEPT, call.accept);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(org) = &self.org {
            request = request.header("x-org-id", org);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(after) = call.after {
            request = request.header("last-event-id", after);
        }
        if let Some(body) = call.body.filter(|body| !body.is_null()) {
            request = request.json(body);
        }
        if let Some((media, bytes)) = call.file {
            let bytes = bytes.to_vec();
            request = request.header(header::CONTENT_TYPE, media).body(bytes);
        }
        if !call.endless {
            request = request.timeout(REQUEST_TIMEOUT);
        }
        request.send().await
    }

    fn idempotency_key(&self) -> String {
        let digits = self.random.bytes::<16>().map(|byte| format!("{byte:02x}"));
        digits.concat()
    }

    /// Says what to do about a problem, where this side knows more than the server.
    fn explain(&self, failure: Failure) -> Failure {
        match (failure.status(), &self.identity) {
            (Some(401), Identity::Nobody) => Failure {
                message: format!("you are not signed in to {}", self.url),
                ..failure.fix("run `chancery login`, or give an API key in CHANCERY_API_KEY")
            },
            (Some(401), Identity::Key(_)) => Failure {
                message: format!("{} does not know this API key, or it was revoked", self.url),
                ..failure.fix("check CHANCERY_API_KEY, or run `chancery login`")
            },
            (Some(401), Identity::Login(_)) => Failure {
                message: format!("your login at {} has ended", self.url),
                ..failure.fix("run `chancery login`")
            },
            (Some(403), Identity::Key(_)) if failure.code() == Some("PERSON_REQUIRED") => {
                failure.fix("sign in as yourself with `chancery login --email ADDRESS`")
            }
            (Some(422), _) if failure.code() == Some("ORG_REQUIRED") => {
                failure.fix("name the organisation with `--org` or CHANCERY_ORG")
            }
            _ => failure,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() {
            let failure = Failure::new(format!(
                "no server answers at {} ({})",
                self.url,
                chain(error)
            ));
            return failure.fix("start one with `chancery up`, or name another with `--url`");
        }
        if error.is_timeout() {
            let failure = Failure::new(format!("{} took too long to answer", self.url));
            return failure.fix("try again, and look at the server's log");
        }
        Failure::new(format!(
            "the connection to {} broke ({})",
            self.url,
            chain(error)
        ))
        .fix("try again")
    }
}

/// An error with its sources, innermost last; without the URL, which is said already.
fn chain(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
