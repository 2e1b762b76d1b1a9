//! What the small Jira's page asks of operators: the function's own answers, and the proof as it was signed.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::purge::certificate::{Salt, SubjectClaim, verify};

use super::super::leaving::OPERATOR;
use super::{Method, Player};

impl Player {
    async fn operate(&self, deed: &str, reason: Option<&str>) -> (StatusCode, Value) {
        // As the page does: the life that it shows.
        let tenant_id = self.leaving().await["tenantId"].clone();
        let answer = self.post(&format!("sites/acme/leaving/{deed}"), &json!({"reason": reason, "tenantId": tenant_id})).await;
        (answer.status(), super::json(answer).await)
    }

    async fn done(&self, deed: &str, reason: Option<&str>) -> Value {
        let (status, answer) = self.operate(deed, reason).await;
        assert_eq!(status, StatusCode::OK, "{deed}: {answer}");
        answer
    }

    /// The last leaving, if there is one.
    async fn leaving(&self) -> Value {
        self.get("sites/acme/leaving").await["departures"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default()
    }

    async fn file(&self, path: &str) -> (StatusCode, String, Vec<u8>) {
        let answer = self.play(Method::GET, path).send().await.unwrap();
        let disposition = answer.headers().get("content-disposition").map(|value| value.to_str().unwrap().to_owned());
        (answer.status(), disposition.unwrap_or_default(), answer.bytes().await.unwrap().to_vec())
    }
}

/// With a setting, and in use long enough that leaving is not in doubt.
async fn left() -> Player {
    let player = Player::new().await;
    player.act("acme", "install").await;
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 201);
    player.advance(2).await;
    player.act("acme", "leave").await;
    player
}

#[tokio::test]
async fn an_operator_is_shown_a_leaving_by_the_function_itself() {
    let player = Player::new().await;
    let (status, refused) = player.operate("dry-run", None).await;
    assert_eq!((status, refused["said"].is_string()), (StatusCode::NOT_FOUND, true), "nobody of that name was ever here");
    player.act("acme", "install").await;
    assert_eq!(player.leaving().await, Value::Null);
    player.act("acme", "leave").await;
    let marked = player.leaving().await;
    assert_eq!((&marked["stage"], &marked["cause"]), (&json!("marked"), &json!("uninstalled")));

    let calls = player.get("calls").await;
    let asked = calls.as_array().unwrap().iter().find(|call| call["path"] == "/test-management/erasure/…").unwrap();
    assert!(asked["for_view"] == true && asked["round_trips"].as_array().unwrap().contains(&json!("DynamoDB.PutItem")), "{asked}");
    let lying = player.get("sites/acme/stored").await.to_string();
    assert!(lying.contains("AuditTable") && lying.contains(OPERATOR), "each call is in the audit");
}

/// Promise E-36.
#[tokio::test]
async fn what_was_deleted_early_is_proved_by_the_very_bytes_that_were_signed() {
    let player = left().await;
    let (status, ..) = player.file("sites/acme/leaving/certificate.json").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let run = player.done("dry-run", None).await;
    let what = run["lives"][0]["what"].as_array().unwrap();
    assert!(what.contains(&json!({"what": "configuration", "how": "deleted", "count": 1})), "{run}");
    let receipt = player.done("early-deletion", Some("customer-request")).await;
    player.advance(1).await;
    assert_eq!(player.done("early-deletion", Some("customer-request")).await, receipt);

    let (_, name, certificate) = player.file("sites/acme/leaving/certificate.json").await;
    assert_eq!(name, "attachment; filename=\"certificate.json\"");
    let (_, name, keys) = player.file("certificate-keys.json").await;
    assert_eq!(name, "attachment; filename=\"certificate-keys.json\"");
    let purged = player.leaving().await;
    let site = player.machine.sites().site("acme").unwrap().site;
    let salt = Salt::from_hex(purged["purge"]["salt"].as_str().unwrap()).unwrap();
    let claim = SubjectClaim { app: site.app.slug.to_owned(), client_key: site.client_key, salt };
    let verified = verify(&certificate, &keys, Some(&claim)).unwrap();
    assert!(verified.deleted.iter().any(|deleted| (deleted.what.as_str(), deleted.count) == ("configuration", 1)));
    let changed = String::from_utf8(certificate).unwrap().replacen("\"count\":1", "\"count\":2", 1);
    assert!(verify(changed.as_bytes(), &keys, None).is_err());
    assert!(player.act("acme", "install").await["said"].as_str().unwrap().contains("begins anew"), "a day is not too late, but it is gone");
}

#[tokio::test]
async fn a_hold_outlasts_the_grace_and_keeps_the_way_back_open() {
    let player = left().await;
    player.advance(100).await;
    let held = player.done("hold", Some("dispute")).await;
    assert_eq!((&held["hold"]["placedBy"], &held["hold"]["reason"]), (&json!(OPERATOR), &json!("dispute")));
    let (status, refused) = player.operate("early-deletion", Some("regulator")).await;
    assert_eq!((status, refused["said"].as_str().unwrap()), (StatusCode::CONFLICT, "Refused: a hold stands; it must be lifted first"));
    player.advance(15).await;
    assert_eq!(player.get("sites/acme/stored").await["gone"], false);
    assert!(player.act("acme", "install").await["said"].as_str().unwrap().contains("has come back"));
    assert_eq!(player.configuration("acme", "max", Method::GET, "/theme").await, 200);

    player.act("acme", "leave").await;
    player.advance(100).await;
    player.done("hold", Some("investigation")).await;
    player.advance(15).await;
    assert!(player.done("lift", None).await["hold"].is_null());
    player.advance(1).await;
    assert_eq!((&player.get("sites/acme/stored").await["gone"], &player.leaving().await["stage"]), (&json!(true), &json!("purged")));
}

#[tokio::test]
async fn a_site_that_vanished_is_marked_and_comes_back_with_its_next_word() {
    let player = Player::new().await;
    player.act("acme", "install").await;
    assert_eq!(player.configuration("acme", "ada", Method::PUT, "/theme").await, 201);
    assert_eq!(player.done("mark", Some("site-gone")).await["cause"], "operator");
    assert_eq!(player.configuration("acme", "ada", Method::GET, "/theme").await, 401);
    player.act("acme", "upgrade").await;
    assert_eq!(
        (player.leaving().await["stage"].as_str(), player.configuration("acme", "ada", Method::GET, "/theme").await),
        (Some("returned"), 200)
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nobody_else_may_ask() {
    let player = left().await;
    for (deed, reason, status) in [
        ("hold", Some("because"), StatusCode::BAD_REQUEST),
        ("hold", None, StatusCode::BAD_REQUEST),
        ("lift", Some("dispute"), StatusCode::BAD_REQUEST),
        ("mark", Some("site-gone"), StatusCode::CONFLICT),
    ] {
        let (refused, answer) = player.operate(deed, reason).await;
        assert!(refused == status && answer["said"].as_str().unwrap().starts_with("Refused: "), "{deed} {reason:?}: {refused} {answer}");
    }
    assert_eq!(player.post("sites/acme/leaving/status", &json!({})).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(player.post("sites/nobody/leaving/lift", &json!({})).await.status(), StatusCode::NOT_FOUND);
    let foreign = player.play(Method::POST, "sites/acme/leaving/lift").header("content-type", "application/json");
    let foreign = foreign.header("origin", player.machine.functions().to_owned()).body("{}").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(player.leaving().await["stage"], "marked");
}
