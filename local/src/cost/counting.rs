//! What counting costs: every call leaves a line, the lines of a log group come together, and each customer's row of the day is written.

use serde_json::json;
use shared::platform::clock::rfc3339;

use super::CostFault;
use super::size::Stored;
use super::stage::{Stage, Step, Traffic};

/// How many lines come at once here, each of another customer.
pub(super) const LINES: u16 = 20;

/// The table that they are counted in.
pub(super) const TABLE: &str = "UsageTable";

/// One delivery.
pub(super) struct Counting {
    pub(super) step: Step,
    /// What it leaves behind of each line, in bytes, its part of the note included.
    pub(super) row_bytes: f64,
}

/// Measured where the day's salt is there, and the customers' rows too.
pub(super) async fn measure() -> Result<Counting, CostFault> {
    let stage = Stage::start().await?;
    count(&stage).await?;
    let step = stage.measure("20 calls of as many customers are counted", &["usage"], count(&stage)).await?;
    let stored = Stored::of(stage.aws())?;
    let bytes = stored.tables.get(TABLE).copied().unwrap_or_default();
    Ok(Counting { step, row_bytes: bytes / f64::from(LINES) })
}

async fn count(stage: &Stage) -> Result<Traffic, CostFault> {
    let lines: Vec<String> = (0..LINES).map(|tenant| line(stage.now(), tenant)).collect();
    let failed = |problem: shared::problem::Problem| CostFault::RunFailed("usage".to_owned(), problem.reason().0.into_owned());
    stage.host.count_lines(&lines).await.map_err(failed)?;
    Ok(Traffic::default())
}

/// The line of a call, as far as it is read.
fn line(now: i64, tenant: u16) -> String {
    json!({
        "@timestamp": rfc3339(now), "faas": {"name": "configuration"}, "event": {"outcome": "success", "duration": 12_000_000},
        "http": {"response": {"status_code": 200}}, "labels": {"app": "test-management", "tenant": format!("{tenant:032x}")},
    })
    .to_string()
}
