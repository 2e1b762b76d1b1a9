//! One deed of an operator: found, noted in the audit, done, and its end noted too.

use shared::audit::{self, Entry, Noted, What};
use shared::platform::Platform;
use shared::problem::{Problem, Refusal};
use shared::tenant::Operator;
use shared::tenant::operator::Case;

use crate::asked::Asked;

/// How often a deed is decided anew when the tenant moves meanwhile.
pub(crate) const ATTEMPTS: u32 = 5;

/// A deed that is in the audit and may begin.
pub(crate) struct Act<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) operator: &'a Operator,
    asked: &'a Asked,
    found: Option<Case>,
    noted: Noted,
}

impl<'a> Act<'a> {
    /// Finds whom it is about and writes the entry; nothing is changed or shown before. Who asks about nobody is noted, too.
    pub(crate) async fn begin(
        platform: &'a Platform,
        operator: &'a Operator,
        asked: &'a Asked,
        what: What,
        reason: Option<&'static str>,
    ) -> Result<Self, Problem> {
        let found = Case::find(platform, operator, &asked.digest).await?;
        let tenant_id = found.as_ref().and_then(Case::tenant_id);
        let entry = Entry { who: operator.principal(), what, ticket: asked.ticket, reason, digest: &asked.digest, tenant_id };
        let noted = audit::note(platform, &entry).await?;
        Ok(Self { platform, operator, asked, found, noted })
    }

    /// Whom it is about, as found at the beginning.
    pub(crate) fn case(&self) -> Result<Case, Problem> {
        self.meant(self.found.clone())
    }

    /// The same, as it is by now.
    pub(crate) async fn look_again(&self) -> Result<Case, Problem> {
        self.meant(Case::find(self.platform, self.operator, &self.asked.digest).await?)
    }

    /// Only the life that was meant, if one was named: what is repeated late never strikes the next.
    fn meant(&self, found: Option<Case>) -> Result<Case, Problem> {
        let case = found.ok_or_else(|| Problem::new(Refusal::NotFound, "nobody of that name was ever here"))?;
        if self.asked.tenant_id.as_deref().is_some_and(|meant| case.tenant_id() != Some(meant)) {
            return Err(not_now("another life of this installation is the present one, or the last; status names it"));
        }
        Ok(case)
    }

    /// Notes how it ended, and passes that on.
    pub(crate) async fn end<T>(self, ended: Result<T, Problem>) -> Result<T, Problem> {
        self.noted.ended(self.platform, &ended).await;
        ended
    }
}

/// 409 that says why.
pub(crate) fn not_now(detail: &'static str) -> Problem {
    Problem::new(Refusal::WrongState, detail).told(detail)
}

/// 503: it moved as often as it was looked at, or its items do not belong together.
pub(crate) fn torn() -> Problem {
    Problem::unavailable("the tenant's items keep moving, or do not belong together")
}
