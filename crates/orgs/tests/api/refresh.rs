//! Renewing tokens.

use db::on_both_databases;
use futures::future::{join, join_all};
use serde_json::json;

use crate::world::World;

on_both_databases! {
    /// Each token works once, and each renewal gives an access token that works.
    async fn tokens_rotate(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let mut token = ada.refresh.clone();
        for _ in 0..3 {
            let answer = world.refresh(&token).await;
            let next = answer.cookie("chancery_refresh").unwrap();
            assert_ne!(next, token);
            let body = answer.expect(200);
            assert!(body.get("refresh_token").is_none());
            let client = world.client.clone().bearer(body["access_token"].as_str().unwrap());
            client.get("/v1/me").await.expect(200);
            token = next;
        }
        ada.client.get("/v1/me").await.expect(200);
    }

    /// A spent token ends the login for whoever shows it and for whoever spent it.
    async fn showing_a_spent_token_ends_the_family(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let answer = world.refresh(&ada.refresh).await;
        let newer = answer.cookie("chancery_refresh").unwrap();
        let access = answer.expect(200)["access_token"].as_str().unwrap().to_owned();
        let client = world.client.clone().bearer(&access);
        client.get("/v1/me").await.expect(200);
        let reuse = world.refresh(&ada.refresh).await;
        assert_eq!(reuse.cookie("chancery_refresh").as_deref(), Some(""));
        reuse.problem(401, "CREDENTIALS_REFUSED");
        client.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        ada.client.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        world.refresh(&newer).await.problem(401, "CREDENTIALS_REFUSED");
        assert!(world.kinds(&ada.org).await.contains(&"login.reuse_detected".to_owned()));
    }

    /// Of requests with one token at the same time, one gets the new pair; the others get none,
    /// and the login goes on.
    async fn a_double_submit_renews_once_and_ends_nothing(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        // The row is held until all of them are there.
        let actor = vocab::Actor::system("test");
        let mut held = world.db.authority.system_write(actor).await.unwrap();
        held.execute("UPDATE refresh_tokens SET login_id = login_id", &[]).await.unwrap();
        let requests = join_all((0..8).map(|_| world.refresh(&ada.refresh)));
        let (answers, ()) = join(requests, async move { drop(held) }).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status.as_u16() == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            assert_eq!(answer.cookie("chancery_refresh"), None);
            answer.problem(409, "REFRESH_RACED");
        }
        let newer = won[0].cookie("chancery_refresh").unwrap();
        let newest = world.refresh(&newer).await.cookie("chancery_refresh").unwrap();
        // Afterwards it is spent like any other.
        world.refresh(&ada.refresh).await.problem(401, "CREDENTIALS_REFUSED");
        world.refresh(&newest).await.problem(401, "CREDENTIALS_REFUSED");
    }

    /// A client without cookies carries the token in the body.
    async fn a_token_in_the_body_comes_back_in_the_body(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let body = json!({"refresh_token": ada.refresh});
        let answer = world.client.post("/v1/auth/refresh", body.clone()).await;
        assert_eq!(answer.cookie("chancery_refresh"), None);
        let newer = answer.expect(200)["refresh_token"].as_str().unwrap().to_owned();
        world.client.post("/v1/auth/refresh", json!({"refresh_token": newer})).await.expect(200);
        for nonsense in ["", "crt_", &ada.refresh[..20], "chk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            let body = json!({"refresh_token": nonsense});
            world.client.post("/v1/auth/refresh", body).await.problem(401, "CREDENTIALS_REFUSED");
        }
    }
}
