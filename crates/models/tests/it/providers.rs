//! `/v1/providers`

use std::time::{Duration, Instant};

use db::on_both_databases;
use fakes::Fake;
use models::GatewayConfig;
use serde_json::{Value, json};
use vocab::{ExposeSecret as _, ProviderId};

use crate::world::World;

on_both_databases! {
    /// From nothing to a provider, through its changes, to nothing.
    async fn a_provider_is_made_changed_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let (admin, member) = (world.as_role("admin"), world.as_role("member"));
        let secret = world.secret("sk-first-secret").await;
        let new = json!({"type": "anthropic", "name": "claude", "secret_id": secret});
        let keyed = admin.clone().key("k-1");
        let made = keyed.post("/v1/providers", new.clone()).await.expect(201);
        assert_eq!(keyed.post("/v1/providers", new).await.expect(201), made);
        assert_eq!((&made["name"], &made["type"], &made["version"]), (&json!("claude"), &json!("anthropic"), &json!(1)));
        assert_eq!((&made["base_url"], &made["secret_id"]), (&Value::Null, &json!(secret)));
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("prv_"), "{id}");
        let path = format!("/v1/providers/{id}");
        assert_eq!(member.get(&path).await.expect(200), made);
        let page = member.get("/v1/providers").await.expect(200);
        assert_eq!(page, json!({"items": [made], "next_cursor": null}));

        let changed = admin.patch(&path, json!({"base_url": "https://proxy.example/v1"})).await.expect(200);
        assert_eq!((&changed["version"], &changed["base_url"]), (&json!(2), &json!("https://proxy.example/v1")));
        assert_eq!(admin.patch(&path, json!({})).await.expect(200)["version"], 2);
        let usual = admin.patch(&path, json!({"base_url": null})).await.expect(200);
        assert_eq!((&usual["version"], &usual["base_url"]), (&json!(3), &Value::Null));
        assert_eq!(admin.delete(&path).await.status, 204);
        admin.get(&path).await.problem(404, "NOT_FOUND");
        let kinds: Vec<String> = world.events(id).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["provider.created", "provider.updated", "provider.updated", "provider.deleted"]);
    }

    /// A provider uses the secret that it names, from its commit on, and nothing else does.
    async fn naming_a_secret_grants_it_to_the_provider_alone(db: TestDb) {
        let world = World::new(db).await;
        let admin = world.as_role("admin");
        let (first, second) = (world.secret("sk-first-secret").await, world.secret("sk-second-secret").await);
        let new = json!({"type": "openai", "name": "gpt", "secret_id": first});
        let made = admin.post("/v1/providers", new).await.expect(201);
        let id: ProviderId = made["id"].as_str().unwrap().parse().unwrap();
        let used = || async {
            let all = world.vault.secrets.use_for_providers(&world.ctx).await.unwrap();
            let used = all.into_iter().find(|(provider, _)| *provider == id);
            used.map(|(_, used)| used.unwrap().value.expose_secret().to_owned())
        };
        assert_eq!(used().await.unwrap(), "sk-first-secret");
        // Granting it to tools anew leaves the provider alone.
        let mut tx = world.ctx.write().await.unwrap();
        let secret = first.parse().unwrap();
        let grants = world.vault.secrets.set_grants(&world.ctx, &mut tx, secret, &Default::default()).await;
        assert!(grants.unwrap().tools.is_empty());
        tx.commit().await.unwrap();
        assert_eq!(used().await.unwrap(), "sk-first-secret");
        // A new version is in force, and so is another secret.
        let mut tx = world.ctx.write().await.unwrap();
        world.vault.secrets.rotate(&world.ctx, &mut tx, secret, &"sk-rotated-secret".into()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(used().await.unwrap(), "sk-rotated-secret");
        let path = format!("/v1/providers/{id}");
        admin.patch(&path, json!({"secret_id": second})).await.expect(200);
        assert_eq!(used().await.unwrap(), "sk-second-secret");
        // A secret that is deleted is gone for the provider too.
        let mut tx = world.ctx.write().await.unwrap();
        world.vault.secrets.delete(&world.ctx, &mut tx, second.parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(used().await, None);
        assert_eq!(admin.get(&path).await.expect(200)["secret_id"], second);
        // No answer and no event ever had a value.
        let events = format!("{:?}", world.events(&id.to_string()).await);
        assert!(!events.contains("sk-"), "{events}");
    }

    /// Refusals have names and places.
    async fn what_does_not_fit_is_refused(db: TestDb) {
        let world = World::new(db).await;
        let (admin, member) = (world.as_role("admin"), world.as_role("member"));
        let secret = world.secret("sk-first-secret").await;
        let good = json!({"type": "openai", "name": "gpt", "secret_id": secret});
        member.post("/v1/providers", good.clone()).await.problem(403, "FORBIDDEN");
        world.client.post("/v1/providers", good.clone()).await.problem(401, "UNAUTHENTICATED");
        world.as_role("viewer").get("/v1/providers").await.problem(403, "FORBIDDEN");
        admin.post("/v1/providers", good.clone()).await.expect(201);
        admin.post("/v1/providers", good).await.problem(409, "PROVIDER_NAME_TAKEN");
        let nothing = "sec_01890000-0000-7000-8000-000000000000";
        for (body, pointer) in [
            (json!({"type": "openai", "name": "a"}), "/secret_id"),
            (json!({"type": "openai", "name": "a", "secret_id": nothing}), "/secret_id"),
            (json!({"type": "openai", "name": "a/b", "secret_id": secret}), "/name"),
            (json!({"type": "azure_openai", "name": "a", "secret_id": secret}), "/base_url"),
            (json!({"type": "bedrock", "name": "a", "secret_id": secret}), "/region"),
            (json!({"type": "openai_compatible", "name": "a", "base_url": "http://169.254.169.254/v1"}), "/base_url"),
            (json!({"type": "openai_compatible", "name": "a", "base_url": "http://models.example/v1"}), "/base_url"),
            (json!({"type": "telepathy", "name": "a"}), "/type"),
        ] {
            let problem = admin.post("/v1/providers", body.clone()).await.problem(422, "INVALID");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
        }
        let page = admin.get("/v1/providers").await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }

    /// A test says what is wrong, and whose fault it is.
    async fn a_test_says_what_is_wrong(db: TestDb) {
        let world = World::new(db).await;
        let admin = world.as_role("admin");
        let fake = Fake::start().await.unwrap();
        for kind in ["anthropic", "openai", "azure_openai", "gemini", "openai_compatible"] {
            let path = format!("/v1/providers/{}/test", world.fake(&fake, kind).await);
            let found = admin.raw("POST", &path, "").await.expect(200);
            assert_eq!((&found["ok"], &found["problem"]), (&json!(true), &Value::Null), "{kind}: {found}");
            assert!(!found["models"].as_array().unwrap().is_empty(), "{kind}: {found}");
        }
        let id = world.fake(&fake, "openrouter").await;
        let said = admin.post(&format!("/v1/providers/{id}/test"), json!({"model": "echo"})).await.expect(200);
        assert_eq!(said["ok"], true, "{said}");
        assert_eq!(fake.violations(), []);

        let wrong_key = world.secret("sk-not-the-key").await;
        for (new, code) in [
            (json!({"base_url": fake.url(""), "secret_id": wrong_key}), "PROVIDER_KEY_REFUSED"),
            (json!({"base_url": fake.url("/nothing/here")}), "PROVIDER_NOT_FOUND"),
            (json!({"base_url": "http://127.0.0.1:1/v1"}), "EGRESS_CONNECT_FAILED"),
        ] {
            let mut body = json!({"type": "openai_compatible", "name": format!("p{code}")});
            body.as_object_mut().unwrap().extend(new.as_object().unwrap().clone());
            if code == "PROVIDER_KEY_REFUSED" {
                body["type"] = json!("openai");
            }
            let made = admin.post("/v1/providers", body).await.expect(201);
            let path = format!("/v1/providers/{}/test", made["id"].as_str().unwrap());
            let found = admin.raw("POST", &path, "").await;
            let text = found.text();
            let found = found.expect(200);
            assert_eq!((&found["ok"], &found["problem"]["code"]), (&json!(false), &json!(code)), "{found}");
            assert!(!text.contains("sk-not-the-key"), "{text}");
        }
        let nobody = "/v1/providers/prv_01890000-0000-7000-8000-000000000000/test";
        admin.raw("POST", nobody, "").await.problem(404, "NOT_FOUND");
        world.as_role("member").raw("POST", nobody, "").await.problem(403, "FORBIDDEN");
    }

    /// A server that takes the connection and never says a word: the test says so within its time.
    async fn a_test_of_a_silent_server_says_that_it_is_silent(db: TestDb) {
        let patience = Duration::from_millis(250);
        let config = GatewayConfig {
            first_byte_timeout: patience,
            whole_timeout: patience,
            ..GatewayConfig::default()
        };
        let world = World::with(db, config).await;
        let admin = world.as_role("admin");
        // The system accepts for it; nobody reads.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", silent.local_addr().unwrap());
        let new = json!({"type": "openai_compatible", "name": "silent", "base_url": url});
        let made = admin.post("/v1/providers", new).await.expect(201);
        let path = format!("/v1/providers/{}/test", made["id"].as_str().unwrap());
        for (body, code) in [(json!({}), "PROVIDER_TIMEOUT"), (json!({"model": "any"}), "MODEL_TIMEOUT")] {
            let begun = Instant::now();
            let found = admin.post(&path, body).await.expect(200);
            assert_eq!((&found["ok"], &found["problem"]["code"]), (&json!(false), &json!(code)), "{found}");
            assert!(!found["problem"]["suggested_fix"].as_str().unwrap().is_empty(), "{found}");
            let took = begun.elapsed();
            // Far from the 20 seconds that a test takes at most.
            assert!(took >= patience && took < Duration::from_secs(10), "{took:?}");
        }
    }

    /// Another organisation's provider is not there.
    async fn organisations_do_not_see_each_other(db: TestDb) {
        let world = World::new(db).await;
        let admin = world.as_role("admin");
        let id = world.provider("local").await;
        let path = format!("/v1/providers/{id}");
        let other = admin.clone().org(world.other);
        assert_eq!(other.get("/v1/providers").await.expect(200)["items"], json!([]));
        other.get(&path).await.problem(404, "NOT_FOUND");
        other.patch(&path, json!({"name": "theirs"})).await.problem(404, "NOT_FOUND");
        other.delete(&path).await.problem(404, "NOT_FOUND");
        let target = json!({"name": "p", "targets": [{"provider_id": id, "model": "m"}]});
        other.post("/v1/model-profiles", target).await.problem(422, "INVALID");
        let secret = world.secret("sk-first-secret").await;
        let stolen = json!({"type": "openai", "name": "gpt", "secret_id": secret});
        other.post("/v1/providers", stolen).await.problem(422, "INVALID");
        assert_eq!(admin.get(&path).await.expect(200)["name"], "local");
    }
}
