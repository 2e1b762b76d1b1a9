//! The ways in that are for operators, walked from the template, the sample events and the list of their routes: neither public nor any tenant's.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use local::host::ORIGIN_SECRET;
use local::samples::Sample;
use local::template::{Template, at};
use serde_json::{Value, json};
use shared::platform::door;

use crate::erasure::{ask, tenant_id};
use crate::harness::World;
use crate::permissions::Told;
use crate::template::{RIGHTS, assert_problem, listed, operators, public_routes, route};

const LIST: &str = include_str!("operator-routes.txt");

/// In place of the id of a tenant, in the sample events.
const NO_TENANT: &str = "00000000-0000-4000-8000-000000000000";

fn samples() -> Vec<Sample> {
    Sample::of_operators().unwrap()
}

#[test]
fn every_route_of_operators_is_on_their_list_and_on_no_other() {
    assert_eq!(samples().iter().map(|sample| sample.function.clone()).collect::<BTreeSet<_>>(), operators());
    let routes: BTreeSet<String> = samples().iter().map(route).collect();
    assert_eq!(listed(LIST).keys().map(|route| (*route).to_owned()).collect::<BTreeSet<_>>(), routes);
    for (route, reason) in listed(LIST) {
        assert!(reason.len() > 20, "{route} needs a reason");
        assert!(!public_routes().contains_key(route) && !listed(RIGHTS).contains_key(route), "{route}");
    }
}

/// Promises: no pattern leads there, and without IAM's word nothing opens it, not even the front door's secret.
#[tokio::test]
async fn every_route_of_operators_refuses_whoever_comes_by_another_way() {
    let world = World::of_samples().await;
    let before = world.aws().dump().unwrap();
    for sample in samples() {
        let mut event = sample.filled("", ORIGIN_SECRET);
        event["requestContext"].as_object_mut().unwrap().remove("authorizer");
        let call = || door::request(serde_json::from_value(event.clone()).unwrap()).unwrap();
        let refused = world.send_to(&sample.function, call()).await;
        assert_problem(&refused, StatusCode::FORBIDDEN, "forbidden", &route(&sample));
        assert_eq!(world.send(call()).await.status, StatusCode::NOT_FOUND, "{}", route(&sample));
    }
    assert!(world.aws().dump().unwrap() == before);
}

#[tokio::test]
async fn every_sample_event_of_operators_succeeds_through_the_lambda_door() {
    for sample in samples() {
        let world = World::of_samples().await;
        match sample.case.as_str() {
            "status" | "dry-run" | "mark" | "day" => {}
            "unmark" => assert_eq!(ask(&world, "mark", json!({"reason": "site-gone"})).await.status, StatusCode::OK),
            _ => {
                world.clock.advance(Duration::from_secs(2 * 86_400));
                assert_eq!(world.uninstall(&world.acme).await.status, StatusCode::NO_CONTENT);
            }
        }
        let mut event = sample.event.clone();
        if let Some(body) = sample.body() {
            event["body"] = body.replace(NO_TENANT, &tenant_id(&world, &world.acme)).into();
        }
        let event = serde_json::from_value(event).unwrap();
        let answer = door::answer(world.host.function(&sample.function).unwrap(), event).await;
        assert_eq!(answer.status_code, 200, "{} {}: {answer:?}", sample.function, sample.case);
    }
}

/// Promise A-36: whoever may invoke the function past its URL writes the whole event, and so names whomever they like.
#[test]
fn operators_may_call_the_url_and_nothing_past_it() {
    let [(_, policy)] = Template::deployed().unwrap().resources("AWS::IAM::ManagedPolicy").try_into().unwrap();
    let statements = at(&policy, &["Properties", "PolicyDocument", "Statement"]).and_then(|all| all.as_sequence().cloned()).unwrap();
    let told: Vec<_> = statements.iter().map(|statement| ["Action", "Resource", "Condition"].map(|name| json!(statement[name]))).collect();
    let called =
        |resource: &Value| Template::deployed().unwrap().operators().iter().all(|id| resource.to_string().contains(&format!("{id}.Alias")));
    assert!(told.iter().all(|[_, resource, _]| called(resource)), "{told:?}");
    let conditions: Vec<_> = told.iter().map(|[action, _, condition]| (action.clone(), condition.clone())).collect();
    let expected = [
        (json!(["lambda:InvokeFunctionUrl"]), json!({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}})),
        (json!(["lambda:InvokeFunction"]), json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})),
    ];
    assert_eq!(conditions, expected);
}

impl Told {
    /// What an operator asks, of the first site.
    async fn operate(&mut self, route: &str, more: Value) {
        let mark = self.world.aws().calls().mark();
        let answer = ask(&self.world, route, more).await;
        self.note("erasure", mark);
        assert_eq!(answer.status, StatusCode::OK, "{route}: {}", answer.text());
    }

    /// Everything that operators do, also two at once, also what was a mistake, and of one whose keys are lost.
    pub async fn erase(&mut self) {
        let (hold, reason) = (json!({"reason": "dispute", "days": 1}), json!({"reason": "contract-end"}));
        self.world = World::installed().await;
        self.operate("mark", reason.clone()).await;
        self.operate("unmark", json!({})).await;
        self.operate("mark", reason.clone()).await;
        // A day in which a mistake shows.
        self.world.clock.advance(Duration::from_secs(86_400));
        let named = json!({"reason": "contract-end", "tenantId": tenant_id(&self.world, &self.world.acme)});
        let mark = self.world.aws().calls().mark();
        futures::join!(ask(&self.world, "hold", hold.clone()), ask(&self.world, "hold", hold));
        self.note("erasure", mark);
        for (route, more) in [("lift", json!({})), ("early-deletion", named), ("status", json!({})), ("dry-run", json!({}))] {
            self.operate(route, more).await;
        }
        self.world = World::installed().await;
        self.lose("TenantKeysTable", &["digest"]).await;
        self.operate("mark", reason).await;
    }
}
