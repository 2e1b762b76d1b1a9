//! A record of some 200 bytes over the embedded `DynamoDB`, by a kind of our own: written by the store, and read as every route reads one, with the
//! token, the tenant and the right; against `PutItem` and `GetItem` of the same item by the same SDK.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use benches::{Found, Pair, World, cpu};
use http::{Method, Request};
use local::host::ORIGIN_SECRET;
use serde::{Deserialize, Serialize};
use shared::platform::clock::SystemClock;
use shared::problem::{Problem, Refusal};
use shared::records::register::{self, KindRow};
use shared::records::{Kind, Life, Named, Precondition, Reading};
use shared::tenant::{ContextToken, Member};
use tower::ServiceExt as _;

use super::{ROUNDS, Told};

const TABLE: &str = "ConfigurationTable";
const TIMES: u32 = 100;

#[derive(Serialize, Deserialize)]
struct Note(String);

impl Kind for Note {
    const ROW: &'static KindRow = &KindRow { name: "note", ..register::CONFIGURATION };
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::Tenancy;
}

impl Named for Note {
    const PARAMETER: &'static str = "name";

    fn check_name(_: &str) -> Result<(), Problem> {
        Ok(())
    }
}

fn note() -> Note {
    Note("one of some two hundred letters, ".repeat(6))
}

/// How long one of many writings takes: only a token gives a tenant, so they are done in a route.
async fn write(token: ContextToken<Member>, State(_): State<shared::platform::Platform>) -> Result<String, Problem> {
    let began = cpu();
    for number in 0..TIMES {
        token.tenant.records().put(&format!("note-{}", number % 10), &note(), &Precondition::None).await?;
    }
    Ok(((cpu() - began) / TIMES).as_nanos().to_string())
}

async fn read(token: ContextToken<Member, Reading<Note>>) -> Result<String, Problem> {
    token.along.0.map(|record| record.value.0).ok_or_else(|| Problem::new(Refusal::NotFound, "no such note"))
}

/// Everything about records.
pub(super) fn all(found: &mut Found) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let world = World::start(folder.path(), Arc::new(SystemClock::start()), None).await;
        world.lifecycle("installed").await;
        let routes = Router::new().route("/{app}/notes", post(write)).route("/{app}/notes/{name}", get(read));
        let router = world.host.platform("configuration").unwrap().serve("notes", routes);
        let client = Client::new(&world.host.aws().sdk_config());
        let token = world.site.context_token(world.now()).unwrap();
        let call = async |method: Method, target: &str| {
            let request = Request::builder().method(method).uri(format!("/{}/{target}", world.site.app.slug));
            let request = request.header("authorization", format!("JWT {token}")).header("x-lethe-origin", ORIGIN_SECRET);
            let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert!(answer.status().is_success(), "{target}: {}", answer.status());
            axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap()
        };
        call(Method::POST, "notes").await;
        let stored = client.query().table_name(TABLE).key_condition_expression("#p = :p").expression_attribute_names("#p", "partition");
        let partition = dump_partition(&world);
        let item =
            stored.expression_attribute_values(":p", AttributeValue::S(partition)).limit(1).send().await.unwrap().items.unwrap().remove(0);
        let key: HashMap<_, _> = ["partition", "id"].map(|name| (name.to_owned(), item[name].clone())).into();

        let (mut writes, mut bare_writes, mut reads, mut bare_reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let nanoseconds = String::from_utf8(call(Method::POST, "notes").await.to_vec()).unwrap().parse().unwrap();
            writes.push(Duration::from_nanos(nanoseconds));
            let began = cpu();
            for _ in 0..TIMES {
                client.put_item().table_name(TABLE).set_item(Some(item.clone())).send().await.unwrap();
            }
            bare_writes.push((cpu() - began) / TIMES);
            let began = cpu();
            for _ in 0..TIMES {
                call(Method::GET, "notes/note-1").await;
            }
            reads.push((cpu() - began) / TIMES);
            let began = cpu();
            for _ in 0..TIMES {
                client.get_item().table_name(TABLE).set_key(Some(key.clone())).consistent_read(true).send().await.unwrap();
            }
            bare_reads.push((cpu() - began) / TIMES);
        }
        let put = Told { scene: "record.put", what: "put a record", limit_is: "PutItem alone" };
        put.note(found, Pair::of_rounds(writes, bare_writes));
        let read = Told { scene: "record.read", what: "read a record, with token, tenant and right", limit_is: "GetItem alone" };
        read.note(found, Pair::of_rounds(reads, bare_reads));
    });
}

/// The partition of the only records there are.
fn dump_partition(world: &World) -> String {
    let stored = world.host.aws().dump().unwrap();
    stored[TABLE][0]["partition"]["S"].as_str().unwrap().to_owned()
}
