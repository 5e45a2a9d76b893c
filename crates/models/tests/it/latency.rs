//! How long calls took, as `/v1/usage/latency` tells it.

use db::on_both_databases;
use fakes::{Answer, Fake, Fault};
use serde_json::{Value, json};
use vocab::Timestamp;

use crate::world::World;

const CHAT: &str = "/gateway/openai/v1/chat/completions";
const LATENCY: &str = "/v1/usage/latency";

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

on_both_databases! {
    /// Answers and failures are counted apart, by model; what is summed by the day is what the hours add up to.
    async fn calls_are_counted_by_how_long_they_took(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        let member = world.as_role("member");
        let ask = async |model: &str| {
            let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]});
            member.post(CHAT, body).await.status.as_u16()
        };
        let before = world.ctx.now();
        for _ in 0..3 {
            assert_eq!(ask("openai/echo").await, 200);
        }
        fake.script(Answer::fault(Fault::Status { status: 400, retry_after: None, message: None }));
        assert_eq!(ask("openai/echo").await, 400);
        assert_eq!(ask("openai/echo-2").await, 200);
        assert!(world.gateway.write_down().await);
        let longest = world.ctx.now().since(before).as_secs_f64() * 1e3;

        let by_day = member.get(&format!("{LATENCY}?step=day&from={}", &before.to_string()[..10])).await.expect(200);
        let of = |model: &str| items(&by_day).iter().filter(|it| it["model"] == model).cloned().collect::<Vec<_>>();
        let sum = |items: &[Value], name: &str| items.iter().map(|it| it[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum(&of("openai/echo"), "answered"), 3, "{by_day}");
        assert_eq!(sum(items(&by_day), "failed"), 1, "{by_day}");
        assert_eq!(sum(&of("openai/echo-2"), "answered"), 1, "{by_day}");
        let ms = |name: &str| of("openai/echo")[0][name].as_f64().unwrap();
        assert!(0.0 < ms("p50_ms") && ms("p50_ms") <= ms("p95_ms") && ms("p95_ms") <= ms("p99_ms"), "{by_day}");
        assert!(ms("p99_ms") <= longest * 1.2, "{by_day}: no call took longer than {longest} ms");

        let by_hour = member.get(LATENCY).await.expect(200);
        assert_eq!(sum(items(&by_hour), "answered"), 4, "{by_hour}");
        let began: Timestamp = items(&by_hour)[0]["from"].as_str().unwrap().parse().unwrap();
        assert!(began <= before && before.since(began).as_secs() < 3_600, "{by_hour}");
        let one = member.get(&format!("{LATENCY}?model=openai/echo-2")).await.expect(200);
        assert_eq!((sum(items(&one), "answered"), sum(items(&one), "failed")), (1, 0), "{one}");

        let elsewhere = member.clone().header("x-org-id", world.other.to_string());
        assert_eq!(items(&elsewhere.get(LATENCY).await.expect(200)), &Vec::<Value>::new());
    }

    /// A range that is no range, and one that is too long, are refused.
    async fn a_range_has_an_end(db: TestDb) {
        let world = World::new(db).await;
        let member = world.as_role("member");
        for query in ["from=2026-01-01&to=2026-02-01", "from=yesterday", "step=minute", "from=2024-01-01&to=2026-01-01&step=day"] {
            member.get(&format!("{LATENCY}?{query}")).await.problem(422, "INVALID");
        }
        for query in ["from=2026-01-01&to=2026-01-31", "from=2025-02-01&to=2026-01-31&step=day", "from=2026-02-01&to=2026-01-01"] {
            assert_eq!(items(&member.get(&format!("{LATENCY}?{query}")).await.expect(200)), &Vec::<Value>::new());
        }
    }
}
