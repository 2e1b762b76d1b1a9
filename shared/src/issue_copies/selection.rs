//! What a tenant's administrators have selected: of which projects issues are copied, and which of their fields. It is the setting
//! `issue-copies` of the app's configuration; where there is none, nothing is kept (promise A-05).

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::copies::IssueCopies;
use crate::problem::Problem;
use crate::records::reading::{Opening, Rider, Wanted};
use crate::records::register::{self, KindRow};
use crate::records::{Kind, Life, Record, Records};
use crate::tenant::Tenant;

/// The name of the setting.
pub const SETTING: &str = "issue-copies";

/// How many projects may be selected.
const MOST_PROJECTS: usize = 200;

/// How many fields may be selected.
const MOST_FIELDS: usize = 100;

/// How long the name of a field may be.
const LONGEST_FIELD: usize = 64;

/// What is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    projects: BTreeSet<u64>,
    fields: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    projects: Vec<String>,
    fields: Vec<String>,
}

impl Selection {
    /// The selection that a setting's JSON makes.
    ///
    /// # Errors
    /// 400 that names the member.
    pub fn parse(json: &str) -> Result<Self, Problem> {
        let written: Written = serde_json::from_str(json)
            .map_err(|_| Problem::malformed("body", "must be an object of two lists of texts: projects and fields"))?;
        if written.projects.len() > MOST_PROJECTS {
            return Err(Problem::malformed("projects", "must be 200 at most"));
        }
        if written.fields.len() > MOST_FIELDS {
            return Err(Problem::malformed("fields", "must be 100 at most"));
        }
        let number = |id: &String| id.parse().ok().filter(|number: &u64| number.to_string() == *id);
        let projects = written.projects.iter().map(number).collect::<Option<_>>();
        let projects = projects.ok_or_else(|| Problem::malformed("projects", "must be numbers of projects, as texts like \"10000\""))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !written.fields.iter().all(|field| (1..=LONGEST_FIELD).contains(&field.len()) && field.bytes().all(plain)) {
            return Err(Problem::malformed("fields", "must be names of fields as Jira's JSON has them, of up to 64 plain letters"));
        }
        Ok(Self { projects, fields: written.fields.into_iter().collect() })
    }

    /// Whether nothing is kept at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.projects.is_empty() || self.fields.is_empty()
    }

    /// Whether issues of this project are copied; of one that is not known none is.
    #[must_use]
    pub fn has_project(&self, project: Option<u64>) -> bool {
        !self.fields.is_empty() && project.is_some_and(|project| self.projects.contains(&project))
    }

    /// Whether this field is copied.
    #[must_use]
    pub fn has_field(&self, field: &str) -> bool {
        self.fields.contains(field)
    }
}

/// The setting as its record holds it. One that was made before it had a form, and has another, selects nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Setting(Value);

impl Kind for Setting {
    const ROW: &'static KindRow = &register::CONFIGURATION;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::Tenancy;
}

/// What the tenant has chosen, read in the same round trip as the tenant.
#[derive(Debug, Default)]
pub struct ChosenByTenant(pub Selection);

impl ChosenByTenant {
    fn of(record: Option<Record<Setting>>) -> Self {
        Self(record.and_then(|record| Selection::parse(&record.value.0.to_string()).ok()).unwrap_or_default())
    }

    /// What is chosen at this moment.
    ///
    /// # Errors
    /// 503 if DynamoDB or KMS is away.
    pub async fn now(tenant: &Tenant) -> Result<Self, Problem> {
        tenant.records::<Setting>().get(SETTING).await.map(Self::of)
    }

    /// Of a record what is chosen.
    #[must_use]
    pub fn of_record(&self, record: Record<IssueCopies>) -> Record<IssueCopies> {
        Record { value: record.value.selected(&self.0), ..record }
    }
}

impl Rider for ChosenByTenant {
    fn wanted(_: &HashMap<String, String>) -> Result<Option<Wanted>, Problem> {
        let key = |keyring, name: &str| {
            let records = Records::<Setting>::of(keyring);
            (records.table().to_owned(), records.key(name))
        };
        Ok(Some(Wanted { name: SETTING.to_owned(), key }))
    }

    async fn open(opening: Opening) -> Result<Self, Problem> {
        Records::<Setting>::of(opening.keyring).open(opening.item).await.map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_two_lists() {
        let selection = Selection::parse(r#"{"projects":["10000","2"],"fields":["summary","customfield_10010"]}"#).unwrap();
        assert!(selection.has_project(Some(2)) && !selection.has_project(Some(3)) && !selection.has_project(None));
        assert!(selection.has_field("summary") && !selection.has_field("description"));
    }

    /// Promise A-05.
    #[test]
    fn without_projects_or_without_fields_nothing_is_selected() {
        assert!(Selection::default().is_empty());
        for json in [r#"{"projects":[],"fields":["summary"]}"#, r#"{"projects":["1"],"fields":[]}"#] {
            let selection = Selection::parse(json).unwrap();
            assert!(selection.is_empty() && !selection.has_project(Some(1)), "{json}");
        }
    }

    #[test]
    fn another_form_is_refused_by_its_member() {
        let many = |count: usize| (0..count).map(|number| format!("\"{number}\"")).collect::<Vec<_>>().join(",");
        for (json, field) in [
            ("[]".to_owned(), "body"),
            (r#"{"projects":["1"]}"#.to_owned(), "body"),
            (r#"{"projects":["1"],"fields":["a"],"more":1}"#.to_owned(), "body"),
            (r#"{"projects":[1],"fields":["a"]}"#.to_owned(), "body"),
            (r#"{"projects":["DEMO"],"fields":["a"]}"#.to_owned(), "projects"),
            (r#"{"projects":["01"],"fields":["a"]}"#.to_owned(), "projects"),
            (format!(r#"{{"projects":[{}],"fields":["a"]}}"#, many(201)), "projects"),
            (format!(r#"{{"projects":["1"],"fields":[{}]}}"#, many(101)), "fields"),
            (r#"{"projects":["1"],"fields":["*"]}"#.to_owned(), "fields"),
            (r#"{"projects":["1"],"fields":[""]}"#.to_owned(), "fields"),
            (format!(r#"{{"projects":["1"],"fields":["{}"]}}"#, "f".repeat(65)), "fields"),
        ] {
            let reason = Selection::parse(&json).unwrap_err().reason().0;
            assert!(reason.starts_with(field), "{json}: {reason}");
        }
    }
}
