//! Where a tenant stands: its state, every leaving of every life with its dates, and after a purge the certificate.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::audit::What;
use shared::platform::Platform;
use shared::platform::clock::rfc3339;
use shared::problem::Problem;
use shared::tenant;
use shared::tenant::Operator;
use shared::tenant::operator::Case;

use crate::act::Act;
use crate::asked::Asked;
use crate::shown::Shown;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// As the tenants item says; absent once that is gone, which is after a finished purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<tenant::State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_at: Option<String>,
    /// The last life's last.
    departures: Vec<Shown>,
}

/// Shows where it stands.
pub(crate) async fn status(State(platform): State<Platform>, operator: Operator, asked: Asked) -> Result<Json<Status>, Problem> {
    asked.no_days()?;
    asked.no_reason()?;
    let act = Act::begin(&platform, &operator, &asked, What::Status, None).await?;
    let looked = look(&act);
    act.end(looked).await.map(Json)
}

fn look(act: &Act<'_>) -> Result<Status, Problem> {
    let Case { present, departures, .. } = act.case()?;
    Ok(Status {
        state: present.as_ref().map(|life| life.state),
        tenant_id: present.as_ref().map(|life| life.tenant_id.clone()),
        epoch: present.as_ref().map(|life| life.epoch),
        installed_at: present.as_ref().map(|life| rfc3339(life.installed_at)),
        departures: departures.iter().map(|departure| Shown::of(departure, act.platform)).collect(),
    })
}
