//! Providers, profiles, budgets and usage from the command line alone, with a small server that plays
//! one which is compatible with OpenAI's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::commands::given;
use crate::installation::{Installation, Printed};

const KEY: &str = "a-good-key";

/// Answers until the test ends; its base URL.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1);
    let length = length
        .and_then(|it| it.lines().next()?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let json = "application/json";
    let (status, kind, text) = if !lower.contains(&format!("authorization: bearer {KEY}\r")) {
        (
            "401 Unauthorized",
            json,
            r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        )
    } else if head.starts_with("GET /v1/models ") {
        (
            "200 OK",
            json,
            r#"{"object":"list","data":[{"id":"small","object":"model"}]}"#,
        )
    } else if head.starts_with("POST /v1/chat/completions ") && body.contains("\"small\"") {
        let events = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"small\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"ok\"},\"finish_reason\":null}]}\n\n\
            data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"small\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
            data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"small\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n\n\
            data: [DONE]\n\n";
        ("200 OK", "text/event-stream", events)
    } else {
        (
            "404 Not Found",
            json,
            r#"{"error":{"message":"The model does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
        )
    };
    let length = text.len();
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    );
}

fn add<'a>(name: &'a str, url: &'a str) -> Vec<&'a str> {
    vec![
        "providers",
        "add",
        name,
        "--type",
        "openai_compatible",
        "--base-url",
        url,
    ]
}

/// A test that finds something wrong says its code, and ends with 1.
fn flawed(installation: &Installation, args: &[&str], code: &str) {
    let words = [&["providers", "test"], args].concat();
    installation.cli(&words).exits(1).says(code);
    let json = installation
        .cli(&[words, vec!["--json"]].concat())
        .exits(1)
        .json();
    assert_eq!(
        (&json["ok"], &json["problem"]["code"]),
        (&false.into(), &code.into()),
        "{json}"
    );
    assert!(
        !json["problem"]["suggested_fix"]
            .as_str()
            .unwrap()
            .is_empty()
    );
}

fn unseen(printed: &Printed) {
    assert!(
        !printed.out.contains(KEY) && !printed.err.contains(KEY),
        "{printed:?}"
    );
}

pub fn providers_profiles_budgets_usage(installation: &Installation) {
    let url = server();
    // From standard input; from a variable; a wrong one; none at all.
    let added = given(installation, &add("good", &url), &format!("{KEY}\n"))
        .exits(0)
        .says("providers test good");
    unseen(&added);
    let mut command = installation.command();
    command
        .args(add("varied", &url))
        .args(["--key-env", "SOME_KEY"])
        .env("SOME_KEY", KEY);
    assert!(command.output().unwrap().status.success());
    given(installation, &add("wrong", &url), "not-the-key").exits(0);
    installation
        .cli(&[add("bare", &url), vec!["--no-key"]].concat())
        .exits(0);
    installation
        .cli(&[add("unset", &url), vec!["--key-env", "NOT_SET_AT_ALL"]].concat())
        .exits(2);
    // What can't be added leaves no key behind; what is right works afterwards.
    given(installation, &add("twice", "not a url"), KEY).exits(1);
    given(installation, &add("twice", &url), KEY).exits(0);
    given(installation, &add("twice", &url), KEY).exits(1);
    installation
        .cli(&[add("shared", &url), vec!["--secret", "good-key"]].concat())
        .exits(0);
    let listed = installation.cli(&["providers", "--json"]).exits(0);
    unseen(&listed);
    let listed = listed.json();
    let names: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    for name in ["good", "varied", "wrong", "bare", "twice", "shared"] {
        assert!(names.contains(&name), "{names:?}");
    }

    for name in ["good", "varied", "twice", "shared"] {
        installation
            .cli(&["providers", "test", name])
            .exits(0)
            .says("small");
    }
    installation
        .cli(&["providers", "test", "good", "--model", "small"])
        .exits(0)
        .says("answers");
    flawed(installation, &["wrong"], "PROVIDER_KEY_REFUSED");
    flawed(installation, &["bare"], "PROVIDER_KEY_REFUSED");
    flawed(
        installation,
        &["good", "--model", "large"],
        "PROVIDER_NOT_FOUND",
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let elsewhere = [
        (
            "closed",
            format!("http://{closed}/v1"),
            "EGRESS_CONNECT_FAILED",
        ),
        ("secure", url.replace("http://", "https://"), "EGRESS_TLS"),
        (
            "unnamed",
            "https://no-such-host.invalid/v1".to_owned(),
            "EGRESS_DNS_FAILED",
        ),
        ("beside", url.replace("/v1", "/v2"), "PROVIDER_NOT_FOUND"),
    ];
    for (name, url, code) in &elsewhere {
        given(installation, &add(name, url), KEY).exits(0);
        flawed(installation, &[name], code);
    }

    let set = [
        "profiles",
        "set",
        "main",
        "--target",
        "good/small=3",
        "--target",
        "varied/small",
    ];
    installation.cli(&set).exits(0).says("is made");
    installation
        .cli(&[
            "profiles",
            "set",
            "main",
            "--strategy",
            "weighted",
            "--max-output-tokens",
            "64",
        ])
        .exits(0)
        .says("is changed");
    installation
        .cli(&["profiles", "show", "main"])
        .exits(0)
        .says("good/small, varied/small");
    let shown = installation
        .cli(&["profiles", "show", "main", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&shown["strategy"], &shown["targets"][0]["weight"]),
        (&"weighted".into(), &3.into()),
        "{shown}"
    );
    assert_eq!(shown["params"]["max_output_tokens"], 64);
    installation.cli(&["profiles"]).exits(0).says("good/small");
    installation.cli(&["profiles", "set", "none"]).exits(2);
    installation
        .cli(&["profiles", "set", "none", "--target", "nobody/small"])
        .exits(1);
    // A provider that a profile leads to stays.
    installation.cli(&["providers", "remove", "good"]).exits(1);

    // From nothing to an answer: a provider, a profile, an agent, a run.
    let script = r#"{"rules": [{"steps": [{"say": "Good day."}]}]}"#;
    std::fs::write(installation.path("script.json"), script).unwrap();
    let stage = ["providers", "add", "stage", "--type", "scripted"];
    let stage = [&stage[..], &["--script", "script.json"]].concat();
    installation.cli(&stage).exits(0);
    installation
        .cli(&["providers", "add", "empty", "--type", "scripted"])
        .exits(2);
    installation
        .cli(&["profiles", "set", "calm", "--target", "stage/any"])
        .exits(0);
    let butler = [
        "agents",
        "create",
        "butler",
        "--profile",
        "calm",
        "--instructions",
        "Be polite.",
    ];
    installation.cli(&butler).exits(0).says("butler");
    installation
        .cli(&["run", "hello", "--agent", "butler"])
        .exits(0)
        .says("Good day.");

    let set = [
        "budgets",
        "set",
        "org",
        "--daily",
        "2.5",
        "--requests-per-minute",
        "600",
        "--model",
        "main",
        "--model",
        "good/*",
    ];
    installation.cli(&set).exits(0).says("is set");
    let listed = installation.cli(&["budgets", "--json"]).exits(0).json();
    let budget = &listed["items"][0];
    assert_eq!(
        (&budget["scope"], &budget["daily_usd_micros"]),
        (&"org".into(), &2_500_000.into()),
        "{listed}"
    );
    assert_eq!(budget["models"], serde_json::json!(["main", "good/*"]));
    installation.cli(&["budgets"]).exits(0).says("2.5");
    installation
        .cli(&["budgets", "set", "org", "--daily", "much"])
        .exits(2);
    installation
        .cli(&["budgets", "remove", "org"])
        .exits(0)
        .says("is removed");
    installation.cli(&["budgets", "remove", "org"]).exits(1);

    installation.cli(&["usage", "--by", "day,model"]).exits(0);
    installation.cli(&["usage", "--by", "nothing"]).exits(1);
    let csv = installation
        .cli(&["usage", "--by", "model", "--csv"])
        .exits(0);
    assert!(
        csv.out.lines().next().unwrap().contains("model,"),
        "{csv:?}"
    );

    installation
        .cli(&["profiles", "remove", "main"])
        .exits(0)
        .says("is removed");
    installation
        .cli(&["providers", "remove", "good"])
        .exits(0)
        .says("is removed");
    installation.cli(&["providers", "test", "good"]).exits(1);
}
