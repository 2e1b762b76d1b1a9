//! Asking a site, as the app, what one of its users may do: `POST /rest/api/3/permissions/check`.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/>.
//!
//! The site is asked about one account and one permission at a time, in as many projects as need be, and only an answer that names them grants
//! it. An answer that is not of the documented form, or that says it is about somebody else, is none.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::site::{self, NotAnswered};
use super::{AccountId, Tenant};
use crate::connect::ProductType;
use crate::connect::site_call::SiteCall;

const PATH: &str = "/rest/api/3/permissions/check";

/// What a user may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Administer the whole site.
    Administer,
    /// Do this, by Jira's key, in this project.
    InProject(&'static str, ProjectId),
}

/// Jira's number of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(pub u64);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grants {
    global_permissions: Vec<String>,
    project_permissions: Vec<ProjectGrant>,
    /// Not documented; if it is there it must be right.
    account_id: Option<String>,
}

#[derive(Deserialize)]
struct ProjectGrant {
    permission: String,
    projects: Vec<u64>,
}

/// Whether the tenant's site allows it.
pub(super) async fn ask(tenant: &Tenant, account_id: &AccountId, permission: Permission) -> Result<bool, NotAnswered> {
    match permission {
        Permission::Administer => Ok(put(tenant, account_id, &administering(account_id)).await?.is_some_and(|grants| grants.administers())),
        Permission::InProject(key, project) => Ok(ask_in(tenant, account_id, key, &[project]).await?.contains(&project)),
    }
}

/// In which of these projects the tenant's site allows it.
pub(super) async fn ask_in(
    tenant: &Tenant,
    account_id: &AccountId,
    key: &str,
    projects: &[ProjectId],
) -> Result<BTreeSet<ProjectId>, NotAnswered> {
    let grants = put(tenant, account_id, &in_projects(account_id, key, projects)).await?;
    Ok(grants.map(|grants| grants.in_projects(key, projects)).unwrap_or_default())
}

/// Puts a question to the site; `None` where there is nobody to ask. Confluence knows no such permissions, and whoever is not known to be
/// allowed is not.
async fn put(tenant: &Tenant, account_id: &AccountId, question: &Value) -> Result<Option<Grants>, NotAnswered> {
    let account = tenant.account();
    if account.product_type != ProductType::Jira {
        return Ok(None);
    }
    let call = SiteCall { method: Method::POST, path: PATH, json: Some(question.to_string().into_bytes()) };
    let answer = site::ask(tenant, call).await?;
    if answer.status() != StatusCode::OK {
        return Err(NotAnswered::Status(answer.status()));
    }
    Grants::read(answer.body(), account_id).map(Some)
}

fn administering(account_id: &AccountId) -> Value {
    json!({"accountId": account_id.as_str(), "globalPermissions": ["ADMINISTER"]})
}

fn in_projects(account_id: &AccountId, key: &str, projects: &[ProjectId]) -> Value {
    let projects: Vec<u64> = projects.iter().map(|project| project.0).collect();
    json!({"accountId": account_id.as_str(), "projectPermissions": [{"permissions": [key], "projects": projects}]})
}

impl Grants {
    /// Reads the answer: absent from the lists is refused, anything but lists is no answer.
    fn read(body: &[u8], account_id: &AccountId) -> Result<Self, NotAnswered> {
        let grants: Self = serde_json::from_slice(body).map_err(|_| NotAnswered::Form)?;
        if grants.account_id.as_ref().is_some_and(|other| other != account_id.as_str()) {
            return Err(NotAnswered::SomebodyElse);
        }
        Ok(grants)
    }

    fn administers(&self) -> bool {
        self.global_permissions.iter().any(|granted| granted == "ADMINISTER")
    }

    /// Of the projects that were asked about, and of no other.
    fn in_projects(&self, key: &str, asked: &[ProjectId]) -> BTreeSet<ProjectId> {
        let granted = self.project_permissions.iter().filter(|grant| grant.permission == key);
        granted.flat_map(|grant| grant.projects.iter().copied().map(ProjectId)).filter(|project| asked.contains(project)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSE: &str = "BROWSE_PROJECTS";

    fn ada() -> AccountId {
        AccountId::parse("ada").unwrap()
    }

    fn read(answer: &Value) -> Result<Grants, String> {
        Grants::read(answer.to_string().as_bytes(), &ada()).map_err(|fault| fault.to_string())
    }

    fn administers(answer: &Value) -> bool {
        read(answer).unwrap().administers()
    }

    fn browses(answer: &Value) -> Vec<u64> {
        read(answer).unwrap().in_projects(BROWSE, &[ProjectId(10_000), ProjectId(10_001)]).into_iter().map(|project| project.0).collect()
    }

    #[test]
    fn only_the_permission_that_was_asked_for_is_granted() {
        let none = json!({"globalPermissions": [], "projectPermissions": []});
        let admin = json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": [], "links": {}});
        let other = json!({"globalPermissions": ["SYSTEM_ADMIN", "administer"], "projectPermissions": []});
        assert_eq!([&none, &admin, &other].map(administers), [false, true, false]);
        assert!(browses(&admin).is_empty());
        let project = |permission, projects| json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": [{"permission": permission, "projects": projects, "issues": []}]});
        assert_eq!(browses(&project("BROWSE_PROJECTS", json!([9_999, 10_000]))), [10_000]);
        assert_eq!(browses(&project("BROWSE_PROJECTS", json!([10_001]))), [10_001]);
        assert!(browses(&project("EDIT_ISSUES", json!([10_000]))).is_empty());
    }

    #[test]
    fn an_answer_of_another_form_is_none() {
        for answer in [
            json!(null),
            json!(true),
            json!([]),
            json!({}),
            json!({"globalPermissions": ["ADMINISTER"]}),
            json!({"globalPermissions": "ADMINISTER", "projectPermissions": []}),
            json!({"globalPermissions": {"ADMINISTER": true}, "projectPermissions": []}),
            json!({"globalPermissions": [["ADMINISTER"]], "projectPermissions": []}),
        ] {
            assert_eq!(read(&answer).err().as_deref(), Some("cannot ask the site: its answer is not of the documented form"));
        }
        for text in ["", "<html>", "{\"globalPermissions\":[\"ADMINISTER\"],\"globalPermissions\":[],\"projectPermissions\":[]}"] {
            assert!(Grants::read(text.as_bytes(), &ada()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_about_somebody_else_is_none() {
        let answer = json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": [], "accountId": "max"});
        assert_eq!(read(&answer).err().as_deref(), Some("cannot ask the site: its answer is about somebody else"));
        let answer = json!({"globalPermissions": ["ADMINISTER"], "projectPermissions": [], "accountId": "ada"});
        assert!(administers(&answer));
    }

    #[test]
    fn the_question_names_one_account_and_one_permission() {
        assert_eq!(administering(&ada()), json!({"accountId": "ada", "globalPermissions": ["ADMINISTER"]}));
        let project = json!({"accountId": "ada", "projectPermissions": [{"permissions": ["BROWSE_PROJECTS"], "projects": [10_000]}]});
        assert_eq!(in_projects(&ada(), BROWSE, &[ProjectId(10_000)]), project);
    }
}
