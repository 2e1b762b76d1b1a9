//! Every statement of every policy in the template, wherever it stands: roles, keys, buckets, queues, topics, vaults.

use local::template::at;
use yaml_serde::Value;

use super::deployed::{Deployed, Resource, items, names_in, resources_of};

/// Who a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Whoever has the role or policy that it stands in.
    Identity,
    /// Whom it names, on the resource that it stands at.
    Resource,
    /// Who may become the role that it stands in.
    Trust,
}

/// One statement.
pub struct Statement<'d> {
    /// The resource that it stands in.
    pub holder: Resource<'d>,
    pub place: Place,
    pub sid: &'d str,
    pub allows: bool,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    pub principals: Vec<String>,
    /// Which of `NotAction`, `NotResource` and `NotPrincipal` it has.
    pub inverted: Vec<&'static str>,
    /// Operator, key, values.
    pub conditions: Vec<(String, String, Vec<String>)>,
}

impl Statement<'_> {
    /// How findings name it.
    pub fn name(&self) -> String {
        format!("{} ({})", self.holder.id, self.sid)
    }

    /// The values that a condition demands of this key, by this operator.
    pub fn demands(&self, operator: &str, key: &str) -> Vec<&str> {
        let found = self.conditions.iter().filter(|(by, of, _)| by == operator && of == key);
        found.flat_map(|(_, _, values)| values.iter().map(String::as_str)).collect()
    }

    /// Whether it is about this resource, or what lies in it.
    pub fn is_about(&self, id: &str) -> bool {
        self.resources.iter().any(|resource| resource.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':'])))
    }

    /// Whether it allows this action, by name.
    pub fn grants(&self, action: &str) -> bool {
        self.allows && self.actions.iter().any(|granted| granted == action)
    }
}

impl Deployed {
    /// All of `template.yaml`.
    pub fn statements(&self) -> Vec<Statement<'_>> {
        statements_of(&self.main)
    }

    /// What a role may do.
    pub fn allowed_to(&self, role: &str) -> Vec<Statement<'_>> {
        let own = self.resource(role).map(statements_in).unwrap_or_default().into_iter();
        own.filter(|statement| statement.place == Place::Identity && statement.allows).collect()
    }

    /// The role that a function runs as.
    pub fn role_of(&self, function: &Resource<'_>) -> Option<String> {
        self.setting(function, &["Role"]).and_then(|role| names_in(Some(role)).pop())
    }

    /// Whether a role may do this to this resource.
    pub fn may(&self, role: &str, action: &str, resource: &str) -> bool {
        self.allowed_to(role).iter().any(|statement| statement.grants(action) && statement.is_about(resource))
    }
}

/// All of a document.
pub fn statements_of(document: &Value) -> Vec<Statement<'_>> {
    resources_of(document).into_iter().flat_map(statements_in).collect()
}

/// All that stand in a resource.
pub fn statements_in(holder: Resource<'_>) -> Vec<Statement<'_>> {
    let is_identity = holder.kind == "AWS::Serverless::Function" || holder.kind.starts_with("AWS::IAM::");
    let mut found = Vec::new();
    collect(holder, if is_identity { Place::Identity } else { Place::Resource }, holder.whole, &mut found);
    found
}

/// Depth first; what decides who may become a role is told from what the role may do by the name that it stands under.
fn collect<'d>(holder: Resource<'d>, place: Place, value: &'d Value, found: &mut Vec<Statement<'d>>) {
    match value {
        Value::Mapping(mapping) if mapping.contains_key("Effect") => found.push(statement(holder, place, value)),
        Value::Mapping(mapping) => {
            for (name, value) in mapping {
                let place = if name.as_str() == Some("AssumeRolePolicyDocument") { Place::Trust } else { place };
                collect(holder, place, value, found);
            }
        }
        Value::Sequence(values) => values.iter().for_each(|value| collect(holder, place, value, found)),
        Value::Tagged(tagged) => collect(holder, place, &tagged.value, found),
        _ => {}
    }
}

fn statement<'d>(holder: Resource<'d>, place: Place, value: &'d Value) -> Statement<'d> {
    let list = |name: &str| items(value.get(name)).into_iter().flat_map(|item| names_in(Some(item))).collect::<Vec<_>>();
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let mut conditions = Vec::new();
    for (operator, keys) in at(value, &["Condition"]).and_then(Value::as_mapping).into_iter().flatten() {
        for (key, values) in keys.as_mapping().into_iter().flatten() {
            conditions.push((operator.as_str().unwrap().to_owned(), key.as_str().unwrap().to_owned(), names_in(Some(values))));
        }
    }
    Statement {
        holder,
        place,
        sid: text("Sid").unwrap_or_default(),
        allows: text("Effect") == Some("Allow"),
        actions: list("Action"),
        resources: list("Resource"),
        principals: list("Principal"),
        inverted: ["NotAction", "NotResource", "NotPrincipal"].into_iter().filter(|name| value.get(*name).is_some()).collect(),
        conditions,
    }
}
