//! What a site said of the app's licence there: kept for a day, so that no site is asked twice in one (promise E-12).
//!
//! Only whether it is active is kept. A site that names no licence says nothing of it: so do sites on which the app was installed for a trial of
//! its developers.

use serde::{Deserialize, Serialize};

use super::super::Tenant;
use super::super::site::NotAnswered;
use super::asking::{Answer, ask};
use crate::problem::Problem;
use crate::records::kind::Keyed;
use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, Precondition, retention};

/// The licence that a site named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Licence {
    /// Whether it is active; `None` if the site named none.
    pub(super) active: Option<bool>,
}

impl Kind for Licence {
    const ROW: &'static KindRow = &register::LICENCE;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::After(retention::LICENCE.target);
    const KEYED: Keyed = Keyed::ByName;
}

/// The name of the one record: a tenant has one app.
const NAME: &str = "app";

/// What the site says, or has said within the last day.
///
/// # Errors
/// 503 if DynamoDB or KMS is away.
pub(super) async fn asked(tenant: &Tenant) -> Result<Result<Answer, NotAnswered>, Problem> {
    let licences = tenant.records::<Licence>();
    if let Some(kept) = licences.get(NAME).await? {
        return Ok(Ok(Answer::Known(kept.value)));
    }
    let answer = ask(tenant).await;
    if let Ok(Answer::Known(licence)) = &answer {
        licences.put(NAME, licence, &Precondition::None).await?;
    }
    Ok(answer)
}
