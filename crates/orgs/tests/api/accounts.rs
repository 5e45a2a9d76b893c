//! Registering, signing in and out, passwords, links.

use db::on_both_databases;
use serde_json::json;
use vocab::SecretString;

use crate::world::{PASSWORD, World, unlimited};

on_both_databases! {
    /// Registration gives a person, an organisation that the person owns, and tokens that work.
    async fn registering_leads_to_an_organisation_of_ones_own(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"email": " Ada@Example.org", "password": PASSWORD, "name": " Ada "});
        let answer = world.client.post("/v1/auth/register", body).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        for part in ["chancery_refresh=crt_", "HttpOnly", "SameSite=Strict", "Path=/v1/auth"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let body = answer.expect(201);
        assert_eq!(body["user"]["email"], "ada@example.org");
        assert_eq!(body["user"]["name"], "Ada");
        assert_eq!(body["org"]["role"], "owner");
        assert_eq!(body["expires_in"], 900);
        let client = world.client.clone().bearer(body["access_token"].as_str().unwrap());
        let me = client.get("/v1/me").await.expect(200);
        assert_eq!(me["memberships"][0]["id"], body["org"]["id"]);
        assert_eq!(me["credential"]["type"], "login");
        let kinds = world.kinds(body["org"]["id"].as_str().unwrap()).await;
        assert_eq!(kinds, ["user.registered", "org.created", "member.joined", "login.started"]);
    }

    /// Events hold ids; addresses and names stand in tables alone.
    async fn no_event_holds_an_address_or_a_name(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        world.join(&ada, "bob", "admin").await;
        ada.client.post("/v1/api-keys", json!({"name": "secret-project"})).await.expect(201);
        let mut tx = world.db.authority.system_read().await.unwrap();
        let rows = tx.all("SELECT data, subject, actor FROM events", &[]).await.unwrap();
        assert!(rows.len() > 8);
        for row in rows {
            let text: String = (0..3).map(|at| row.get::<String>(at).unwrap()).collect();
            for personal in ["ada", "bob", "example.org", "secret-project", "chk_", "cat_", "cin_"] {
                assert!(!text.contains(personal), "{text}");
            }
        }
    }

    /// One address has one account, in any spelling.
    async fn an_address_is_taken_once(db: TestDb) {
        let world = World::new(db).await;
        world.register("ada").await;
        let body = json!({"email": "ADA@example.org ", "password": PASSWORD, "name": "Eve"});
        world.client.post("/v1/auth/register", body).await.problem(409, "EMAIL_TAKEN");
    }

    /// A wrong password, an unknown address and nonsense answer alike.
    async fn signing_in_tells_nothing_about_accounts(db: TestDb) {
        let world = World::new(db).await;
        world.register("ada").await;
        let wrong = world.log_in("ada@example.org", "wrong horse battery").await;
        let unknown = world.log_in("eve@example.org", PASSWORD).await;
        let nonsense = world.log_in("\u{1F980}", PASSWORD).await;
        let texts = [wrong, unknown, nonsense].map(|answer| {
            let mut body = answer.problem(401, "CREDENTIALS_REFUSED");
            body["trace_id"].take();
            body.to_string()
        });
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        let body = world.log_in(" ADA@example.org", PASSWORD).await.expect(200);
        assert_eq!(body["orgs"].as_array().unwrap().len(), 1);
        assert_eq!(body["token_type"], "Bearer");
    }

    /// Signing out ends the access token and the refresh token at once.
    async fn signing_out_is_at_once(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let other = world.log_in(&ada.email, PASSWORD).await;
        let answer = ada.client.raw("POST", "/v1/auth/logout", "").await;
        assert_eq!(answer.cookie("chancery_refresh").as_deref(), Some(""));
        answer.expect(204);
        ada.client.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        world.refresh(&ada.refresh).await.problem(401, "CREDENTIALS_REFUSED");
        ada.client.raw("POST", "/v1/auth/logout", "").await.expect(204);
        let token = other.expect(200)["access_token"].as_str().unwrap().to_owned();
        world.client.clone().bearer(&token).get("/v1/me").await.expect(200);
    }

    /// A person sees where the account is in use, and ends what should not be.
    async fn sessions_are_listed_and_revoked(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.register("bob").await;
        let client = world.client.clone().header("user-agent", "telephone");
        let body = json!({"email": ada.email, "password": PASSWORD});
        let phone = client.post("/v1/auth/login", body).await.expect(200);
        let phone = world.client.clone().bearer(phone["access_token"].as_str().unwrap());
        let list = ada.client.get("/v1/me/sessions").await.expect(200);
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["client"], "telephone");
        assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(false), &json!(true)));
        let path = format!("/v1/me/sessions/{}", items[0]["id"].as_str().unwrap());
        bob.client.delete(&path).await.problem(404, "NOT_FOUND");
        phone.get("/v1/me").await.expect(200);
        ada.client.delete(&path).await.expect(204);
        phone.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        ada.client.delete(&path).await.problem(404, "NOT_FOUND");
        ada.client.delete("/v1/me/sessions/usr_nonsense").await.problem(404, "NOT_FOUND");
        let first = ada.client.get("/v1/me/sessions?limit=1").await.expect(200);
        assert_eq!(first["next_cursor"], json!(null));
    }

    /// Changing the password takes the old one, and signs out everywhere else.
    async fn changing_a_password_ends_other_logins(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let other = world.log_in(&ada.email, PASSWORD).await.expect(200);
        let other = world.client.clone().bearer(other["access_token"].as_str().unwrap());
        let change = |current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            let client = ada.client.clone();
            async move { client.post("/v1/me/password", body).await }
        };
        change("wrong horse battery", "another good one").await.problem(422, "INVALID");
        let short = change(PASSWORD, "short").await.problem(422, "INVALID");
        assert_eq!(short["errors"][0]["pointer"], "/new_password");
        change(PASSWORD, "another good one").await.expect(204);
        other.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        ada.client.get("/v1/me").await.expect(200);
        world.log_in(&ada.email, PASSWORD).await.problem(401, "CREDENTIALS_REFUSED");
        world.log_in(&ada.email, "another good one").await.expect(200);
    }

    /// A forgotten password: one mail, one use, every login ended, and no word about who exists.
    async fn a_password_is_reset_by_mail_once(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let ask = |email: &str| {
            let (client, body) = (world.client.clone(), json!({"email": email}));
            async move { client.post("/v1/auth/password/forgot", body).await }
        };
        ask("nobody@example.org").await.expect(202);
        assert_eq!(world.mailed_token("nobody@example.org"), None);
        ask(&ada.email).await.expect(202);
        let first = world.mailed_token(&ada.email).unwrap();
        ask(&ada.email).await.expect(202);
        let second = world.mailed_token(&ada.email).unwrap();
        assert_ne!(first, second);
        let reset = |token: &str, password: &str| {
            let (client, body) = (world.client.clone(), json!({"token": token, "password": password}));
            async move { client.post("/v1/auth/password/reset", body).await }
        };
        reset(&second, &ada.email).await.problem(422, "INVALID");
        reset(&second, "another good one").await.expect(204);
        reset(&second, "yet another good one").await.problem(401, "CREDENTIALS_REFUSED");
        // The other mail can't undo it.
        reset(&first, "yet another good one").await.problem(401, "CREDENTIALS_REFUSED");
        reset("cpr_nonsense", "yet another good one").await.problem(401, "CREDENTIALS_REFUSED");
        ada.client.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        world.log_in(&ada.email, "another good one").await.expect(200);
    }

    /// The first owner comes in by a link that works once; a second first owner is not made.
    async fn an_installation_begins_with_one_owner_and_one_link(db: TestDb) {
        let world = World::new(db).await;
        let owner = || orgs::NewOwner {
            email: "root@localhost".into(),
            name: "Root".into(),
            org_name: "Home".into(),
            password: None,
        };
        let made = world.orgs.bootstrap(owner()).await.unwrap().unwrap();
        assert!(world.orgs.bootstrap(owner()).await.unwrap().is_none());
        let (first, org) = world.orgs.first_owner().await.unwrap().unwrap();
        assert_eq!((first.id, org.id), (made.user.id, made.org.id));
        let redeem = |token: &SecretString| {
            let token = vocab::ExposeSecret::expose_secret(token).to_owned();
            let (client, body) = (world.client.clone(), json!({"token": token}));
            async move { client.post("/v1/auth/link", body).await }
        };
        let link = made.link.unwrap();
        let body = redeem(&link).await.expect(200);
        assert_eq!(body["orgs"][0]["name"], "Home");
        redeem(&link).await.problem(401, "CREDENTIALS_REFUSED");
        let older = world.orgs.sign_in_link(made.user.id).await.unwrap();
        let newer = world.orgs.sign_in_link(made.user.id).await.unwrap();
        redeem(&older).await.problem(401, "CREDENTIALS_REFUSED");
        redeem(&newer).await.expect(200);
        world.log_in("root@localhost", "").await.problem(401, "CREDENTIALS_REFUSED");
    }

    /// Guessing somebody's password gets slow soon, and nobody else is kept out by it.
    async fn guesses_are_limited_by_place_and_address(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.register("bob").await;
        let mut refused = 0;
        for _ in 0..12 {
            let answer = world.log_in(&ada.email, "wrong horse battery").await;
            if answer.status.as_u16() == 429 {
                assert!(answer.headers.contains_key("retry-after"));
                answer.problem(429, "RATE_LIMITED");
                refused += 1;
            }
        }
        assert!(refused >= 1, "{refused}");
        world.log_in(&bob.email, PASSWORD).await.expect(200);
    }

    /// Where registration is closed, an invitation opens it.
    async fn closed_registration_takes_an_invitation(db: TestDb) {
        let config = orgs::OrgsConfig { open_registration: false, ..Default::default() };
        let world = World::with(db, config, unlimited()).await;
        let owner = orgs::NewOwner {
            email: "root@localhost".into(),
            name: "Root".into(),
            org_name: "Home".into(),
            password: Some(PASSWORD.into()),
        };
        world.orgs.bootstrap(owner).await.unwrap().unwrap();
        let mut body = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada"});
        let closed = world.client.post("/v1/auth/register", body.clone()).await;
        closed.problem(403, "REGISTRATION_CLOSED");
        let root = world.log_in("root@localhost", PASSWORD).await.expect(200);
        let client = world.client.clone().bearer(root["access_token"].as_str().unwrap());
        let org = root["orgs"][0]["id"].as_str().unwrap();
        let invitation = json!({"email": "ada@example.org", "role": "member"});
        client.org(org).post("/v1/invitations", invitation).await.expect(201);
        body["invitation_token"] = world.mailed_token("ada@example.org").unwrap().into();
        let ada = world.client.post("/v1/auth/register", body.clone()).await.expect(201);
        assert_eq!((&ada["org"]["id"], &ada["org"]["role"]), (&json!(org), &json!("member")));
        body["email"] = "eve@example.org".into();
        world.client.post("/v1/auth/register", body).await.problem(404, "NOT_FOUND");
    }

    /// Under HTTPS the cookie is bound to the host.
    async fn the_cookie_is_bound_to_the_host_under_https(db: TestDb) {
        let config = orgs::OrgsConfig { https: true, ..Default::default() };
        let edge = edge::EdgeConfig { https: true, ..unlimited() };
        let world = World::with(db, config, edge).await;
        let body = json!({"email": "ada@example.org", "password": PASSWORD, "name": "Ada"});
        let answer = world.client.post("/v1/auth/register", body).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("__Host-chancery_refresh=crt_"), "{cookie}");
        assert!(cookie.contains("; Path=/; Secure"), "{cookie}");
        assert!(answer.headers.contains_key("strict-transport-security"));
        let value = cookie.split(';').next().unwrap();
        let client = world.client.clone().header("cookie", value);
        let foreign = client.clone().header("sec-fetch-site", "cross-site");
        foreign.raw("POST", "/v1/auth/refresh", "").await.problem(401, "CREDENTIALS_REFUSED");
        client.raw("POST", "/v1/auth/refresh", "").await.expect(200);
    }
}
