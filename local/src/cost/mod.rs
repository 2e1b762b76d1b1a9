//! `docs/COST.md`, made of what is counted: all functions run on the embedded AWS, each thing is done once, and what it asks for is multiplied by
//! prices and assumptions that stand on the page. A test compares the two.
//!
//! - [`scenes`]: what is done; [`issues`]: what of it begins with an issue; [`counting`]: what with a line of the log. - [`stage`], [`meter`]: where, and how it is counted. - [`size`]: what lies there then. - [`standing`],
//!   [`backups`]: what the template has. - [`prices`], [`assumptions`]: what nobody can count here. - [`bill`], [`month`], [`page`]: sums and words.

mod assumptions;
mod backups;
mod bill;
mod counting;
mod issues;
mod meter;
mod month;
mod page;
mod prices;
mod scenes;
mod size;
mod stage;
mod standing;

use std::io;

use crate::atlassian::TokenFault;
use crate::aws::StoreFault;
use crate::delivery::DeliveryFault;
use crate::host::HostFault;
use crate::template::TemplateFault;

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
pub enum CostFault {
    /// The functions do not start.
    #[error(transparent)]
    Host(#[from] HostFault),
    /// The template is not readable.
    #[error(transparent)]
    Template(#[from] TemplateFault),
    /// What is stored cannot be read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A message cannot be delivered.
    #[error(transparent)]
    Delivery(#[from] DeliveryFault),
    /// A token cannot be made.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// There is no key, or no port on this machine to publish it.
    #[error(transparent)]
    Machine(#[from] io::Error),
    /// A request is none.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// An answer ends early.
    #[error(transparent)]
    Answer(#[from] axum::Error),
    /// An answer is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A function refused what it should have done.
    #[error("{path} answered {status}: {said}")]
    Refused {
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The body.
        said: String,
    },
    /// A function that has a schedule failed.
    #[error("{0} failed: {1}")]
    RunFailed(String, String),
    /// An answer, or the template, lacks this.
    #[error("cannot find {0}")]
    Unlike(&'static str),
    /// A purge does not end.
    #[error("messages go round in a circle")]
    Circle,
    /// There is no app.
    #[error("cannot count without an app: the catalogue is empty")]
    NoApp,
}

/// The page.
///
/// # Errors
/// [`CostFault`] if something that should work does not.
pub async fn cost_page() -> Result<String, CostFault> {
    let (scenes, standing) = (scenes::measure().await?, standing::Standing::read()?);
    Ok(page::page(&scenes, &standing))
}

/// The functions whose idle runs are counted, by name: all that have a schedule, as a test sees to.
pub fn counted_schedules() -> impl Iterator<Item = &'static str> {
    scenes::SCHEDULED.iter().map(|(_, function)| *function)
}
