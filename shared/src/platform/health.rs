//! Whether we are well: DynamoDB answers, and the wrapping key is there and enabled. An environment asks at most every ten seconds, whoever
//! asks it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::sync::Mutex;

use super::clock::Moment;
use super::{Platform, aws};
use crate::problem::Problem;

/// How long an answer stands.
const STANDS_FOR: Duration = Duration::from_secs(10);

/// The last answer and when it was found.
#[derive(Debug, Default)]
pub struct Health {
    last: Mutex<Option<(Moment, bool)>>,
}

impl Health {
    /// Asks, or repeats the answer of the last ten seconds.
    ///
    /// # Errors
    /// 503 if something that every tenant needs is away.
    pub async fn check(&self, platform: &Platform) -> Result<(), Problem> {
        // Held while asking: of many callers one asks, and the others hear the same.
        let mut last = self.last.lock().await;
        let now = platform.clock().now();
        match *last {
            Some((found, well)) if now.since(found) < STANDS_FOR => {
                well.then_some(()).ok_or_else(|| Problem::unavailable("still not well"))
            }
            _ => {
                let found = ask(platform).await;
                *last = Some((now, found.is_ok()));
                found
            }
        }
    }
}

async fn ask(platform: &Platform) -> Result<(), Problem> {
    // No digest is a word, so this finds nothing and costs half a read unit.
    let call = platform.dynamodb().get_item().table_name(&platform.config().tables.tenants);
    let asked = call.key("digest", AttributeValue::S("health".to_owned())).send().await;
    asked.map_err(|error| aws::problem("dynamodb GetItem tenants", &error))?;
    platform.wrapping_key().check().await
}
