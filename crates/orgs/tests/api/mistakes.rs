//! Whatever is sent, what comes back is an answer or a problem, and never an error of ours.

use db::on_both_databases;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

/// Every POST and PATCH of this crate that takes a body.
const WITH_BODY: &[(&str, &str)] = &[
    ("POST", "/v1/auth/register"),
    ("POST", "/v1/auth/login"),
    ("POST", "/v1/auth/refresh"),
    ("POST", "/v1/auth/logout"),
    ("POST", "/v1/auth/password/forgot"),
    ("POST", "/v1/auth/password/reset"),
    ("POST", "/v1/auth/link"),
    ("POST", "/v1/auth/device"),
    ("POST", "/v1/auth/device/token"),
    ("POST", "/v1/auth/device/approve"),
    ("POST", "/v1/me/password"),
    ("POST", "/v1/orgs"),
    ("POST", "/v1/invitations"),
    ("POST", "/v1/api-keys"),
];

fn suite() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/testdata/jsonts/test_parsing"
    );
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(path).unwrap(),
            )
        })
        .collect()
}

on_both_databases! {
    /// The JSONTestSuite, as the body of every operation and as the value of a field.
    async fn no_json_text_is_an_error_of_ours(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let client = ada.client.clone().header("content-type", "application/json");
        let nobody = world.client.clone().header("content-type", "application/json");
        let suite = suite();
        for (name, body) in &suite {
            for (method, path) in WITH_BODY {
                // `{}` is a valid way to sign out, and would be the end of this test.
                let client = if path.ends_with("/logout") { &nobody } else { &client };
                let answer = client.raw(method, path, body.clone()).await;
                let status = answer.status.as_u16();
                // The suite has no valid body of ours: `{}` is one for the optional ones alone.
                assert!(status < 500, "{name} {path}: {status} {}", answer.text());
                if name.starts_with("n_") && !body.is_empty() {
                    assert_eq!(status, 422, "{name} {path}: {}", answer.text());
                }
            }
            let mut field = br#"{"name":"#.to_vec();
            field.extend_from_slice(body);
            field.push(b'}');
            let answer = client.raw("POST", "/v1/orgs", field).await;
            assert!(matches!(answer.status.as_u16(), 201 | 422), "{name}: {}", answer.text());
        }
        println!("{} texts, {} operations", suite.len(), WITH_BODY.len());
    }

    /// Bodies that are wrong in other ways, each with its own answer.
    async fn each_mistake_has_its_own_answer(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let json = ada.client.clone().header("content-type", "application/json; charset=utf-8");
        let plain = ada.client.clone().header("content-type", "text/plain");
        plain.raw("POST", "/v1/orgs", r#"{"name":"x"}"#).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
        ada.client.raw("POST", "/v1/orgs", r#"{"name":"x"}"#).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
        let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(vocab::limits::BODY_BYTES_MAX));
        json.raw("POST", "/v1/orgs", large).await.problem(413, "BODY_TOO_LARGE");
        for (body, pointer) in [
            (r#"{"name":"a","name":"b"}"#, "/name"),
            (r#"{"name":"a\u0000b"}"#, "/name"),
            (r#"{"name":"a","colour":"red"}"#, ""),
            (r#"{"name":7}"#, "/name"),
            (r#"{"name":null}"#, "/name"),
            (r#"{"name":""}"#, "/name"),
            (r#"{"name":" "}"#, "/name"),
            (r#"{"name":"a\nb"}"#, "/name"),
            ("{}", ""),
            ("[]", ""),
            ("", ""),
            ("\u{feff}{}", ""),
        ] {
            let problem = json.raw("POST", "/v1/orgs", body).await.problem(422, "INVALID");
            let found = problem["errors"][0]["pointer"].as_str().unwrap();
            assert!(found == pointer || (pointer.is_empty() && found == "/colour"), "{body}: {problem}");
        }
        json.raw("POST", "/v1/orgs", vec![0xff, 0xfe]).await.problem(422, "INVALID");
        let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        json.raw("POST", "/v1/orgs", deep).await.problem(422, "INVALID");
        json.raw("POST", "/v1/orgs", "{\"name\":\"ünïcödé 🦀 ﷽ \u{202e}x\"}").await.expect(201);

        json.get("/v1/nothing").await.problem(404, "NOT_FOUND");
        let answer = json.put("/v1/orgs", json!({})).await;
        assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
        answer.problem(405, "METHOD_NOT_ALLOWED");
        json.get(&format!("/v1/orgs?{}", "x".repeat(9_000))).await.problem(414, "URI_TOO_LONG");
        for path in ["/v1/members/%00", "/v1/members/%ff", "/v1/members/usr_1", "/v1/invitations/%00", "/v1/api-keys/%2e%2e"] {
            json.delete(path).await.problem(404, "NOT_FOUND");
        }
        let owner_only = json!({"email": "not an address", "role": "king"});
        let problem = ada.client.post("/v1/invitations", owner_only).await.problem(422, "INVALID");
        assert_eq!(problem["errors"][0]["pointer"], "/role");
    }

    /// Each wrong registration names the field.
    async fn registration_names_the_wrong_field(db: TestDb) {
        let world = World::new(db).await;
        let good = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada"});
        for (field, value) in [
            ("email", json!("nonsense")),
            ("email", json!("mıke@example.org")),
            ("password", json!("short")),
            ("password", json!("password123")),
            ("password", json!("ada@example.org")),
            ("password", json!("x".repeat(300))),
            ("name", json!("")),
            ("name", json!("x".repeat(200))),
            ("org_name", json!("\u{7}")),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let problem = world.client.post("/v1/auth/register", body).await.problem(422, "INVALID");
            assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"), "{problem}");
            assert!(!problem.to_string().contains("password123"));
        }
        world.client.post("/v1/auth/register", good).await.expect(201);
    }

    /// The document names the least role of every operation, and every operation answers 401
    /// without an identity unless it is public.
    async fn every_operation_has_a_scope_and_keeps_to_it(db: TestDb) {
        let world = World::new(db).await;
        let mut operations = 0;
        for (path, item) in world.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let scope = operation["security"][0]["bearer"][0].as_str();
                assert!(scope.is_some(), "{method} {path} has no scope");
                let scope = scope.unwrap();
                assert!(edge::openapi::SCOPES.iter().any(|(name, _)| *name == scope), "{scope}");
                assert!(operation["operationId"].is_string() && operation["summary"].is_string());
                let concrete = path.replace("{org_id}", "org_x").replace(['{', '}'], "");
                for token in ["", "Bearer cat_nonsense", "Bearer chk_nonsense", "Basic YTpi"] {
                    let client = world.client.clone().header("content-type", "application/json");
                    let client = if token.is_empty() { client } else { client.header("authorization", token) };
                    let answer = client.raw(&method.to_uppercase(), &concrete, "{}").await;
                    if scope == "public" {
                        assert!(answer.status.as_u16() < 500);
                    } else {
                        answer.problem(401, "UNAUTHENTICATED");
                    }
                }
                operations += 1;
            }
        }
        assert!(operations >= 27, "{operations}");
    }

    /// Every schema that the document refers to is in it, and every operation has its own id.
    async fn the_document_is_whole(db: TestDb) {
        let world = World::new(db).await;
        let text = world.document.to_string();
        let mut refs = 0;
        for part in text.split("\"$ref\":\"").skip(1) {
            let target = part.split('"').next().unwrap();
            assert!(world.document.pointer(&target[1..]).is_some(), "{target}");
            refs += 1;
        }
        assert!(refs > 50, "{refs}");
        let mut ids = std::collections::BTreeSet::new();
        for item in world.document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} twice");
            }
        }
        let problem = &world.document["components"]["schemas"]["Problem"]["properties"];
        for member in ["type", "title", "status", "detail", "code", "retryable", "errors"] {
            assert!(problem[member].is_object(), "{member}");
        }
    }

    /// No browser of another site reads an answer, frames a page, or guesses a type.
    async fn every_answer_is_closed_to_browsers(db: TestDb) {
        let world = World::new(db).await;
        for path in ["/v1/me", "/v1/nothing", "/v1/openapi.json", "/docs"] {
            let answer = world.client.clone().header("origin", "https://evil.example").get(path).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("x-frame-options", "DENY"),
            ] {
                assert_eq!(answer.headers[name], value, "{path}");
            }
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
            assert_eq!(answer.headers["x-trace-id"].len(), 32);
        }
        let document: Value = world.client.get("/v1/openapi.json").await.expect(200);
        assert_eq!(document["openapi"].as_str().unwrap().split('.').next(), Some("3"));
        let page = world.client.get("/docs").await.text();
        assert!(page.contains("auth_register") && !page.contains("https://") && !page.contains("<script>"));
        for file in ["/docs/style.css", "/docs/filter.js"] {
            assert_eq!(world.client.get(file).await.status.as_u16(), 200);
        }
    }
}
