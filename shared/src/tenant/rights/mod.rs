//! Rights: what a caller must be allowed, named by every route in its type. A token proves the tenant and perhaps the user, never what the
//! user may do; that is for the site to say.
//!
//! | right | the token | the site is asked |
//! |---|---|---|
//! | [`Anonymous`] | any of the tenant | nothing |
//! | [`Member`] | names a user | nothing |
//! | [`Admin`] | names a user | whether they administer the site |
//! | [`OnOwner`] | names a user | what they may do in the project that the record belongs to |
//! | [`Author`] | names a user who made the record | the same, where it belongs to a project |
//! | [`Remover`] | names a user | the same, and whether they administer the site, unless a record of no project is their own |
//!
//! There is no default. Answers of the site are kept for a minute; when it gives none the request is 503, never allowed.

mod cache;
mod permissions;

use std::collections::BTreeSet;
use std::future::Future;
use std::marker::PhantomData;

use super::Tenant;
use crate::platform::signal::Signal;
use crate::problem::Problem;
use crate::records::{Named, Reading};

pub use cache::PermissionCache;
pub use permissions::{Permission, ProjectId};

/// An Atlassian account, as a token named it: 1 to 128 letters, digits, `-` and `:`.
/// Source: <https://developer.atlassian.com/platform/forge/user-privacy-guidelines/>.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// The account, if the text can be one. `unknown` is what Atlassian writes for accounts that are gone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':'));
        ((1..=128).contains(&text.len()) && plain && text != "unknown").then(|| Self(text.to_owned()))
    }

    /// As Atlassian writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a right is decided by: the tenant, and the `sub` of its token.
pub struct Asking<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) subject: Option<&'a str>,
}

/// A right: made only by having been checked. `R` is what the route reads along, which a right on the owner looks at.
pub trait Right<R>: Sized + Send {
    /// Checks it.
    ///
    /// # Errors
    /// 403 that says what is missing; 503 if the site does not answer.
    #[doc(hidden)]
    fn check(asking: &Asking<'_>, along: &R) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Whoever holds a token of the tenant, a user or not.
pub struct Anonymous {
    /// The user, if the token names one.
    pub account_id: Option<AccountId>,
}

impl<R: Sync> Right<R> for Anonymous {
    async fn check(asking: &Asking<'_>, _: &R) -> Result<Self, Problem> {
        Ok(Self { account_id: asking.subject.and_then(AccountId::parse) })
    }
}

/// A user of the site.
pub struct Member {
    /// Who.
    pub account_id: AccountId,
}

impl Member {
    fn of(asking: &Asking<'_>) -> Result<Self, Problem> {
        let account_id = asking.subject.and_then(AccountId::parse);
        account_id.map(|account_id| Self { account_id }).ok_or_else(|| Problem::forbidden("only for users who are logged in to the site"))
    }

    /// Whether this user administers the tenant's site: for what is shown, where [`Admin`] would refuse.
    ///
    /// # Errors
    /// 503 if the site does not answer.
    pub async fn administers(&self, tenant: &Tenant) -> Result<bool, Problem> {
        tenant.permits(&self.account_id, Permission::Administer).await
    }

    /// In which of these projects of the tenant's site this user may do `P`; the site is asked once about all that are not remembered.
    ///
    /// # Errors
    /// 503 if the site does not answer.
    pub async fn may_in<P: ProjectPermission>(
        &self,
        tenant: &Tenant,
        projects: &BTreeSet<ProjectId>,
    ) -> Result<BTreeSet<ProjectId>, Problem> {
        tenant.permits_in(&self.account_id, P::KEY, projects).await
    }

    /// Whether this user may do `P` in a project of the tenant's site.
    ///
    /// # Errors
    /// 503 if the site does not answer.
    pub async fn may<P: ProjectPermission>(&self, tenant: &Tenant, project: ProjectId) -> Result<bool, Problem> {
        tenant.permits(&self.account_id, Permission::InProject(P::KEY, project)).await
    }
}

impl<R: Sync> Right<R> for Member {
    async fn check(asking: &Asking<'_>, _: &R) -> Result<Self, Problem> {
        Self::of(asking)
    }
}

/// A user who administers the site.
pub struct Admin {
    /// Who.
    pub account_id: AccountId,
}

impl<R: Sync> Right<R> for Admin {
    async fn check(asking: &Asking<'_>, _: &R) -> Result<Self, Problem> {
        let member = Member::of(asking)?;
        if member.administers(asking.tenant).await? {
            return Ok(Self { account_id: member.account_id });
        }
        Err(Problem::forbidden("only for administrators of the site"))
    }
}

/// What may be done in a project, as Jira names it.
/// Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/>.
pub trait ProjectPermission: Send + Sync {
    /// Jira's key of it.
    const KEY: &'static str;
}

/// See the project and its issues.
#[derive(Debug)]
pub struct Browse;

/// Change its issues.
#[derive(Debug)]
pub struct Edit;

impl ProjectPermission for Browse {
    const KEY: &'static str = "BROWSE_PROJECTS";
}

impl ProjectPermission for Edit {
    const KEY: &'static str = "EDIT_ISSUES";
}

/// A record that belongs to a project of the site, or to none: then it is everybody's who uses the site.
pub trait Owned: Named {
    /// The project.
    fn project(&self) -> Option<ProjectId>;
}

/// A user who may do `P` in the project that the record belongs to.
pub struct OnOwner<P> {
    /// Who.
    pub account_id: AccountId,
    permission: PhantomData<P>,
}

impl<P: ProjectPermission, K: Owned + Sync> Right<Reading<K>> for OnOwner<P> {
    async fn check(asking: &Asking<'_>, along: &Reading<K>) -> Result<Self, Problem> {
        let Member { account_id } = Member::of(asking)?;
        // A record that is not there belongs to nobody; what the route says of it, it says to everybody.
        let project = along.0.as_ref().and_then(|record| record.value.project());
        if let Some(project) = project
            && !asking.tenant.permits(&account_id, Permission::InProject(P::KEY, project)).await?
        {
            return Err(Problem::forbidden("only for users whom the project's permissions allow it"));
        }
        Ok(Self { account_id, permission: PhantomData })
    }
}

/// A record that somebody made.
pub trait Authored: Named {
    /// Who, by Atlassian's account id.
    fn author(&self) -> &str;
}

/// The user who made the record, and may still [`Edit`] in the project that it belongs to.
pub struct Author {
    /// Who.
    pub account_id: AccountId,
}

impl<K: Owned + Authored + Sync> Right<Reading<K>> for Author {
    async fn check(asking: &Asking<'_>, along: &Reading<K>) -> Result<Self, Problem> {
        let member = Member::of(asking)?;
        if let Some(record) = &along.0 {
            if record.value.author() != member.account_id.as_str() {
                return Err(Problem::forbidden("only for its author"));
            }
            if let Some(project) = record.value.project()
                && !member.may::<Edit>(asking.tenant, project).await?
            {
                return Err(Problem::forbidden("only for users whom the project's permissions allow it"));
            }
        }
        Ok(Self { account_id: member.account_id })
    }
}

/// A user who may remove a record: whoever administers the site, and who may [`Edit`] in the project that it belongs to; where it belongs to
/// none, its author.
pub struct Remover {
    /// Who.
    pub account_id: AccountId,
}

impl<K: Owned + Authored + Sync> Right<Reading<K>> for Remover {
    async fn check(asking: &Asking<'_>, along: &Reading<K>) -> Result<Self, Problem> {
        let member = Member::of(asking)?;
        let allowed = match along.0.as_ref().map(|record| (record.value.project(), record.value.author())) {
            None => true,
            // A project that is archived or gone allows nobody anything, and what belongs to it must not stay for ever.
            Some((Some(project), _)) => member.may::<Edit>(asking.tenant, project).await? || member.administers(asking.tenant).await?,
            Some((None, author)) => author == member.account_id.as_str() || member.administers(asking.tenant).await?,
        };
        if allowed {
            return Ok(Self { account_id: member.account_id });
        }
        Err(Problem::forbidden("only for its author, and for those whom the site allows it"))
    }
}

impl Tenant {
    /// Whether the site allows a user something: as it said within the last minute, or says now.
    async fn permits(&self, account_id: &AccountId, permission: Permission) -> Result<bool, Problem> {
        let (platform, now) = (self.platform(), self.platform().clock().now());
        if let Some(said) = platform.permissions().look(self.id(), account_id, permission, now) {
            return Ok(said);
        }
        let granted = permissions::ask(self, account_id, permission).await.map_err(not_said)?;
        platform.permissions().keep(self.id(), account_id, permission, granted, now);
        Ok(granted)
    }

    /// In which of these projects the site allows a user something.
    async fn permits_in(
        &self,
        account_id: &AccountId,
        key: &'static str,
        projects: &BTreeSet<ProjectId>,
    ) -> Result<BTreeSet<ProjectId>, Problem> {
        let (platform, now) = (self.platform(), self.platform().clock().now());
        let (mut granted, mut unknown) = (BTreeSet::new(), Vec::new());
        for project in projects {
            match platform.permissions().look(self.id(), account_id, Permission::InProject(key, *project), now) {
                Some(true) => drop(granted.insert(*project)),
                Some(false) => {}
                None => unknown.push(*project),
            }
        }
        if !unknown.is_empty() {
            let said = permissions::ask_in(self, account_id, key, &unknown).await.map_err(not_said)?;
            for project in unknown {
                platform.permissions().keep(self.id(), account_id, Permission::InProject(key, project), said.contains(&project), now);
            }
            granted.extend(said);
        }
        Ok(granted)
    }
}

fn not_said(fault: super::site::NotAnswered) -> Problem {
    let problem = Problem::unavailable(fault.to_string()).raising(Signal::AtlassianAway);
    problem.told("the site did not say whether you may do this; try again in a moment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_plain_and_of_bounded_length() {
        for id in ["5be24ad8b1653240376955d2", "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077", "qm:1:2", &"a".repeat(128)] {
            assert_eq!(AccountId::parse(id).unwrap().as_str(), id);
        }
        for id in ["", "unknown", "a b", "a\"b", "ä", "a/b", "a,b", &"a".repeat(129)] {
            assert_eq!(AccountId::parse(id), None, "{id}");
        }
    }
}
