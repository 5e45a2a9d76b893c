//! A server process of the test's own, and a client for it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// How long anything may take here, on a machine that does other things as well.
pub const PATIENCE: Duration = Duration::from_secs(90);

const EMAIL: &str = "owner@example.org";
const PASSWORD: &str = "correct horse battery staple";

pub fn program() -> PathBuf {
    let built = || {
        let ours = std::env::current_exe().unwrap();
        ours.parent().unwrap().parent().unwrap().join("chancery")
    };
    let program = std::env::var_os("CHANCERY_BIN").map_or_else(built, PathBuf::from);
    assert!(
        program.exists(),
        "`{}` is missing: build it with `cargo build -p chancery-cli`",
        program.display()
    );
    program
}

/// How to start a server: every start has the same data and the same port.
pub struct Installation {
    pub folder: tempfile::TempDir,
    data: PathBuf,
    port: u16,
    database: Option<String>,
    wrap: Vec<String>,
    variables: Vec<(&'static str, String)>,
    server: Option<Child>,
}

impl Installation {
    /// With its data in a folder of its own; on an SQLite file there, or in a Postgres database.
    pub fn new(database: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self {
            data,
            folder,
            port: free_port(),
            database,
            wrap: Vec::new(),
            variables: Vec::new(),
            server: None,
        }
    }

    /// Started by this command, with the data in that folder.
    pub fn within(mut self, wrap: &[String], data: &Path) -> Self {
        self.wrap = wrap.to_vec();
        self.data = data.to_owned();
        self
    }

    /// With this variable in its environment.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The program on this installation's data and nobody else's.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut line = self.wrap.clone();
        line.push(program().to_str().unwrap().to_owned());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).args(args);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHANCERY_") {
                command.env_remove(name);
            }
        }
        command
            .env("CHANCERY_DATA_DIR", &self.data)
            .env("CHANCERY_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("CHANCERY_URL", self.url())
            .env("CHANCERY_OWNER_EMAIL", EMAIL)
            .env("CHANCERY_OWNER_PASSWORD", PASSWORD)
            .env("CHANCERY_DEMO", "false")
            .env("CHANCERY_NODE_LOCAL", "false")
            .env("CHANCERY_RATE_LIMITS_AUTH_PER_MINUTE", "0")
            .env("CHANCERY_RATE_LIMITS_API_PER_MINUTE", "0")
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command.envs(self.variables.iter().cloned());
        if let Some(url) = &self.database {
            command.env("CHANCERY_DATABASE_URL", url);
        }
        command
    }

    /// Runs a command to its end.
    pub fn cli(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Starts the server, and waits until it is ready.
    pub async fn up(&mut self) -> Api {
        self.spawn();
        let api = Api::new(self.url());
        let begun = Instant::now();
        loop {
            if let Ok(answer) = api.try_get("/readyz").await
                && answer.status == StatusCode::OK
            {
                return api.signed_in().await.with_a_policy().await;
            }
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "not ready: {}", self.log());
            pause().await;
        }
    }

    /// Starts the server and waits until it ends by itself; what it said.
    pub fn up_in_vain(&self) -> (bool, String) {
        let output = self.cli(&["up"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), text)
    }

    fn spawn(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let mut command = self.command(&["up"]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.server = Some(command.spawn().unwrap());
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether the process that was started last is still the one that runs.
    pub fn is_running(&mut self) -> bool {
        let server = self.server.as_mut();
        server.is_some_and(|it| it.try_wait().unwrap().is_none())
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().unwrap();
        let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
        kill_process(id.unwrap(), signal).unwrap();
    }

    /// Ends the server in order.
    pub async fn stop(&mut self) {
        self.signal(Signal::TERM);
        let mut server = self.server.take().unwrap();
        let begun = Instant::now();
        while server.try_wait().unwrap().is_none() {
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not end: {}",
                self.log()
            );
            pause().await;
        }
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let from = log.floor_char_boundary(log.len().saturating_sub(4000));
            eprintln!("the end of the server's log:\n{}", &log[from..]);
        }
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Between two looks at what another process does.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: String,
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// An honest refusal: 503, a problem, one of these codes, and when to come back.
    #[track_caller]
    pub fn is_an_honest_outage(&self, codes: &[&str]) {
        assert_eq!(self.status, StatusCode::SERVICE_UNAVAILABLE, "{self:?}");
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        assert!(codes.contains(&self.code()), "{self:?}");
        let again = self
            .retry_after
            .is_some_and(|seconds| (1..=60).contains(&seconds));
        assert!(again, "{self:?}");
    }
}

/// A client that is signed in as the owner.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
    org: String,
}

impl Api {
    fn new(url: String) -> Self {
        // The first one in this process wins; they are all the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self {
            http,
            url,
            token: String::new(),
            org: String::new(),
        }
    }

    async fn signed_in(mut self) -> Self {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let answer = self.post("/v1/auth/login", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        self.token = answer.body["access_token"].as_str().unwrap().to_owned();
        let orgs = self.get("/v1/orgs").await;
        self.org = orgs.body["items"][0]["id"].as_str().unwrap().to_owned();
        self
    }

    /// Without one nothing is allowed.
    async fn with_a_policy(self) -> Self {
        let body = json!({ "cedar": "permit (principal, action, resource);" });
        let sent = self.send(Method::PUT, "/v1/policies/everything", Some(&body));
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        self
    }

    /// The same client with another token.
    pub fn holding(&self, token: &str) -> Self {
        let token = token.to_owned();
        Self {
            token,
            ..self.clone()
        }
    }

    /// The same client, as nobody.
    pub fn anonymous(&self) -> Self {
        Self::new(self.url.clone())
    }

    pub fn org(&self) -> &str {
        &self.org
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.try_get(path).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).await.unwrap()
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await.unwrap()
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await.unwrap()
    }

    pub async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// A stream of events that is read as it comes.
    pub async fn stream(&self, path: &str) -> Stream {
        let request = self.http.get(format!("{}{path}", self.url));
        let request = request
            .bearer_auth(&self.token)
            .header("X-Org-Id", &self.org);
        let response = request
            .header("Accept", "text/event-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Stream {
            response,
            read: String::new(),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !self.org.is_empty() {
            request = request.header("X-Org-Id", &self.org);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let content_type = header("content-type").unwrap_or_default();
        let retry_after = header("retry-after").map(|seconds| seconds.parse().unwrap());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            content_type,
            retry_after,
            body,
        })
    }

    /// Waits until a run is over, and answers its state.
    pub async fn ended(&self, run: &str) -> String {
        let begun = Instant::now();
        loop {
            let answer = self.get(&format!("/v1/runs/{run}")).await;
            let state = answer.body["state"].as_str().unwrap_or_default().to_owned();
            if ["succeeded", "failed", "cancelled"].contains(&state.as_str()) {
                return state;
            }
            assert!(begun.elapsed() < PATIENCE, "{answer:?}");
            pause().await;
        }
    }
}

/// A stream of events.
pub struct Stream {
    response: reqwest::Response,
    read: String,
}

impl Stream {
    /// Reads until a frame of this kind has data that fits; answers it.
    pub async fn until(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let reading = async {
            loop {
                while let Some((frame, rest)) = self.read.split_once("\n\n") {
                    let (frame, rest) = (frame.to_owned(), rest.to_owned());
                    self.read = rest;
                    let line = |name| frame.lines().find_map(|line| line.strip_prefix(name));
                    let (event, data) = (line("event: "), line("data: "));
                    let data = data.and_then(|data| serde_json::from_str(data).ok());
                    if let (Some(event), Some(data)) = (event, data)
                        && event == kind
                        && fits(&data)
                    {
                        return data;
                    }
                }
                let chunk = self.response.chunk().await.unwrap().expect("more to come");
                self.read.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap()
    }
}
