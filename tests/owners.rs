//! The right on the owner record: whoever may see or change a record is who may see or change the issues of the project that it belongs to.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::{Method, StatusCode};
use local::host::ORIGIN_SECRET;
use local::jira::user::{ADMIN, ANONYMOUS, MEMBER, PROJECT, User};
use serde::{Deserialize, Serialize};
use shared::problem::{Problem, Refusal};
use shared::records::register::{self, KindRow};
use shared::records::{Kind, Life, Named, Precondition, Reading};
use shared::tenant::rights::{Browse, Edit, OnOwner, Owned, ProjectId};
use shared::tenant::{Anonymous, ContextToken};

use crate::harness::{World, answer};

/// A record that belongs to a project, or to none.
#[derive(Serialize, Deserialize)]
struct Case {
    project: Option<u64>,
}

impl Kind for Case {
    const ROW: &'static KindRow = &register::CONFIGURATION;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::Tenancy;
}

impl Named for Case {
    const PARAMETER: &'static str = "name";

    fn check_name(_: &str) -> Result<(), Problem> {
        Ok(())
    }
}

impl Owned for Case {
    fn project(&self) -> Option<ProjectId> {
        self.project.map(ProjectId)
    }
}

async fn read(token: ContextToken<OnOwner<Browse>, Reading<Case>>) -> Result<String, Problem> {
    token.along.0.map(|_| token.caller.account_id.as_str().to_owned()).ok_or_else(|| Problem::new(Refusal::NotFound, "no such case"))
}

async fn change(token: ContextToken<OnOwner<Edit>, Reading<Case>>) -> Result<StatusCode, Problem> {
    token.along.0.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| Problem::new(Refusal::NotFound, "no such case"))
}

async fn make(token: ContextToken<Anonymous>, Path((_, name)): Path<(String, String)>, project: String) -> Result<StatusCode, Problem> {
    token.tenant.records().put(&name, &Case { project: project.parse().ok() }, &Precondition::None).await?;
    Ok(StatusCode::CREATED)
}

struct Cases {
    world: World,
    routes: Router,
}

impl Cases {
    async fn begin() -> Self {
        let world = World::installed().await;
        let routes = Router::new().route("/{app}/cases/{name}", get(read).put(change).post(make));
        let routes = world.host.platform("configuration").unwrap().serve("cases", routes);
        let cases = Self { world, routes };
        for (name, project) in [("seen", PROJECT.to_string()), ("unseen", (PROJECT + 1).to_string()), ("nobodys", String::new())] {
            assert_eq!(cases.call(ADMIN, Method::POST, name, project).await, StatusCode::CREATED);
        }
        cases
    }

    async fn call(&self, user: User, method: Method, name: &str, body: String) -> StatusCode {
        let token = self.world.acme.context_token_for(user, self.world.now()).unwrap();
        let request = http::Request::builder().method(method).uri(format!("/test-management/cases/{name}"));
        let request = request.header("authorization", format!("JWT {token}")).header("x-lethe-origin", ORIGIN_SECRET);
        answer(self.routes.clone(), request.body(Body::from(body)).unwrap()).await.status
    }
}

/// Promise A-43.
#[tokio::test]
async fn a_record_is_seen_and_changed_by_those_who_may_see_and_change_its_project() {
    let cases = Cases::begin().await;
    let (ok, done, refused, missing) = (StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND);
    for (name, user, sees, changes) in [
        ("seen", ADMIN, ok, done),
        ("seen", MEMBER, ok, refused),
        ("seen", ANONYMOUS, refused, refused),
        ("unseen", ADMIN, refused, refused),
        ("unseen", MEMBER, refused, refused),
        ("nobodys", MEMBER, ok, done),
        ("nobodys", ANONYMOUS, refused, refused),
        ("none", MEMBER, missing, missing),
        ("none", ANONYMOUS, refused, refused),
    ] {
        let (read, changed) =
            (cases.call(user, Method::GET, name, String::new()).await, cases.call(user, Method::PUT, name, String::new()).await);
        assert_eq!((read, changed), (sees, changes), "{name} by {}", user.name);
    }
}

#[tokio::test]
async fn each_project_and_permission_is_asked_for_by_itself_and_remembered() {
    let cases = Cases::begin().await;
    for (name, method, asked) in [
        ("seen", Method::GET, 1),
        ("seen", Method::GET, 1),
        ("unseen", Method::GET, 2),
        ("seen", Method::PUT, 3),
        ("nobodys", Method::GET, 3),
        ("none", Method::GET, 3),
    ] {
        cases.call(MEMBER, method.clone(), name, String::new()).await;
        assert_eq!(cases.world.jira.asked().len(), asked, "{method} {name}");
    }
}
