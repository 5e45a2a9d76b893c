//! Invitations.

use db::on_both_databases;
use serde_json::json;

use crate::world::World;

on_both_databases! {
    /// Invited, accepted, in: with the role of the invitation, by the invited alone, once.
    async fn an_invitation_leads_in_once(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.register("bob").await;
        let eve = world.register("eve").await;
        let body = json!({"email": "BOB@example.org", "role": "member"});
        let made = ada.client.post("/v1/invitations", body.clone()).await.expect(201);
        let token = made["token"].as_str().unwrap().to_owned();
        assert_eq!(world.mailed_token(&bob.email), Some(token.clone()));
        let listed = ada.client.get("/v1/invitations").await.expect(200);
        assert_eq!(listed["items"][0]["id"], made["id"]);
        assert!(!listed.to_string().contains(&token));

        let accept = format!("/v1/invitations/{token}/accept");
        eve.client.post(&accept, json!({})).await.problem(403, "INVITATION_FOR_ANOTHER");
        let inside = bob.client.clone().org(&ada.org);
        inside.get("/v1/members").await.problem(404, "NOT_FOUND");
        let joined = bob.client.raw("POST", &accept, "").await.expect(200);
        assert_eq!((&joined["id"], &joined["role"]), (&json!(ada.org), &json!("member")));
        inside.get("/v1/members").await.expect(200);
        inside.get("/v1/invitations").await.problem(403, "FORBIDDEN");
        let again = bob.client.raw("POST", &accept, "").await.problem(404, "NOT_FOUND");
        assert!(!again.to_string().contains(&token), "{again}");
        ada.client.post("/v1/invitations", body).await.problem(409, "ALREADY_MEMBER");
        assert_eq!(bob.client.get("/v1/orgs").await.expect(200)["items"].as_array().unwrap().len(), 2);
    }

    /// A revoked invitation, and those of somebody who is no admin any more, lead nowhere.
    async fn invitations_end_with_the_right_to_make_them(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.join(&ada, "bob", "admin").await;
        let eve = world.register("eve").await;
        let body = json!({"email": eve.email, "role": "admin"});
        let own = ada.client.post("/v1/invitations", body.clone()).await.expect(201);
        let of_bob = bob.client.post("/v1/invitations", body).await.expect(201);
        let above = json!({"email": eve.email, "role": "owner"});
        bob.client.post("/v1/invitations", above).await.problem(403, "FORBIDDEN");

        let path = format!("/v1/invitations/{}", own["id"].as_str().unwrap());
        ada.client.delete(&path).await.expect(204);
        ada.client.delete(&path).await.problem(404, "NOT_FOUND");
        ada.client.patch(&format!("/v1/members/{}", bob.user), json!({"role": "member"})).await.expect(200);
        for made in [own, of_bob] {
            let path = format!("/v1/invitations/{}/accept", made["token"].as_str().unwrap());
            eve.client.post(&path, json!({})).await.problem(404, "NOT_FOUND");
        }
        assert_eq!(ada.client.get("/v1/invitations").await.expect(200)["items"], json!([]));
    }
}
