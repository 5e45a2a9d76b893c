//! Device codes.

use db::on_both_databases;
use serde_json::{Value, json};

use crate::world::World;

async fn ask(world: &World, code: &Value) -> edge::testing::Answer {
    world
        .client
        .post(
            "/v1/auth/device/token",
            json!({"device_code": code["device_code"]}),
        )
        .await
}

on_both_databases! {
    /// The whole way of RFC 8628: waiting, too fast, approved, in, once.
    async fn a_device_comes_in_once_a_person_approves(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let body = json!({"client_name": "a robot"});
        let code = world.client.post("/v1/auth/device", body).await.expect(200);
        assert_eq!(code["interval"], 5);
        assert_eq!(code["user_code"].as_str().unwrap().len(), 9);
        let waiting = ask(&world, &code).await.problem(400, "AUTHORIZATION_PENDING");
        assert_eq!(waiting["error"], "authorization_pending");
        assert_eq!(ask(&world, &code).await.problem(400, "SLOW_DOWN")["error"], "slow_down");

        let typed = code["user_code"].as_str().unwrap().to_lowercase().replace('-', " ");
        let approve = json!({"user_code": typed, "org_id": ada.org});
        world.client.post("/v1/auth/device/approve", approve.clone()).await.problem(401, "UNAUTHENTICATED");
        let decided = ada.client.post("/v1/auth/device/approve", approve.clone()).await.expect(200);
        assert_eq!(decided["client_name"], "a robot");
        ada.client.post("/v1/auth/device/approve", approve).await.problem(404, "NOT_FOUND");

        let body = ask(&world, &code).await.expect(200);
        assert_eq!(body["org_id"], ada.org.as_str());
        let device = world.client.clone().bearer(body["access_token"].as_str().unwrap());
        device.clone().org(&ada.org).get("/v1/members").await.expect(200);
        let renew = json!({"refresh_token": body["refresh_token"]});
        world.client.post("/v1/auth/refresh", renew).await.expect(200);
        assert_eq!(ask(&world, &code).await.problem(400, "INVALID_GRANT")["error"], "invalid_grant");
        let list = ada.client.get("/v1/me/sessions").await.expect(200);
        assert_eq!(list["items"][0]["client"], "a robot");
        assert!(world.kinds(&ada.org).await.contains(&"device.approved".to_owned()));
    }

    /// A person says no, or the organisation is somebody else's.
    async fn a_device_is_turned_away(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.register("bob").await;
        let code = world.client.raw("POST", "/v1/auth/device", "").await.expect(200);
        let foreign = json!({"user_code": code["user_code"], "org_id": bob.org});
        ada.client.post("/v1/auth/device/approve", foreign).await.problem(404, "NOT_FOUND");
        let deny = json!({"user_code": code["user_code"], "decision": "deny"});
        ada.client.post("/v1/auth/device/approve", deny).await.expect(200);
        assert_eq!(ask(&world, &code).await.problem(400, "ACCESS_DENIED")["error"], "access_denied");
        let unknown = json!({"device_code": "cdc_nonsense"});
        world.client.post("/v1/auth/device/token", unknown).await.problem(400, "INVALID_GRANT");
        let unknown = json!({"user_code": "BBBB-BBBB"});
        ada.client.post("/v1/auth/device/approve", unknown).await.problem(404, "NOT_FOUND");
    }
}
