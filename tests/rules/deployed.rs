//! The templates as rules read them: resources, statements wherever they stand, and values behind parameters and conditions. It reads what
//! the local host has no use for; functions, routes, queues and tables are read by [`Template`].

use std::fs;
use std::path::{Path, PathBuf};

use local::template::{Template, at};
use yaml_serde::Value;

/// What is deployed.
pub struct Deployed {
    /// `template.yaml` as the local host reads it.
    pub template: Template,
    /// The same, as it stands.
    pub main: Value,
    /// `backup-region.yaml`, as it stands.
    pub backup_region: Value,
}

/// A resource of `template.yaml`.
#[derive(Clone, Copy)]
pub struct Resource<'d> {
    pub id: &'d str,
    pub kind: &'d str,
    /// With its conditions and policies about its deletion.
    pub whole: &'d Value,
}

impl<'d> Resource<'d> {
    /// What stands under these names of its properties.
    pub fn property(&self, names: &[&str]) -> Option<&'d Value> {
        at(self.whole, &["Properties"]).and_then(|properties| at(properties, names))
    }

    /// A text among its properties.
    pub fn text(&self, names: &[&str]) -> Option<&'d str> {
        self.property(names)?.as_str()
    }

    /// What these names of its properties lead to, by name.
    pub fn names(&self, names: &[&str]) -> Vec<String> {
        names_in(self.property(names))
    }
}

impl Deployed {
    /// As it lies in the repository.
    pub fn here() -> Self {
        Self::of(&file("template.yaml"), &file("backup-region.yaml"))
    }

    /// Of these two texts.
    pub fn of(main: &str, backup_region: &str) -> Self {
        let read = |text: &str| yaml_serde::from_str(text).unwrap();
        Self { template: Template::parse(main).unwrap(), main: read(main), backup_region: read(backup_region) }
    }

    /// All resources, in the template's order.
    pub fn all(&self) -> Vec<Resource<'_>> {
        resources_of(&self.main)
    }

    /// Those of one type.
    pub fn resources(&self, kind: &str) -> Vec<Resource<'_>> {
        self.all().into_iter().filter(|resource| resource.kind == kind).collect()
    }

    /// The one of this logical id.
    pub fn resource(&self, id: &str) -> Option<Resource<'_>> {
        self.all().into_iter().find(|resource| resource.id == id)
    }

    /// All functions.
    pub fn functions(&self) -> Vec<Resource<'_>> {
        self.resources("AWS::Serverless::Function")
    }

    /// A function's own property, or what it has from `Globals`.
    pub fn setting<'d>(&'d self, function: &Resource<'d>, names: &[&str]) -> Option<&'d Value> {
        function.property(names).or_else(|| at(at(&self.main, &["Globals", "Function"])?, names))
    }

    /// What starts a function: type and properties of each.
    pub fn events<'d>(&self, function: &Resource<'d>) -> Vec<(&'d str, &'d Value)> {
        let events = function.property(&["Events"]).and_then(Value::as_mapping).into_iter().flatten();
        let read = |event: &'d Value| Some((at(event, &["Type"])?.as_str()?, at(event, &["Properties"])?));
        events.filter_map(|(_, event)| read(event)).collect()
    }

    /// What is said of a parameter under this name.
    pub fn parameter(&self, parameter: &str, name: &str) -> Option<&Value> {
        at(&self.main, &["Parameters", parameter, name])
    }

    /// A number as it is if nobody says otherwise.
    pub fn usual(&self, value: &Value) -> Option<u64> {
        self.number(value, "Default")
    }

    /// A number as large as anybody may make it; `None` if nothing bounds it.
    pub fn most(&self, value: &Value) -> Option<u64> {
        self.number(value, "MaxValue")
    }

    fn number(&self, value: &Value, of_a_parameter: &str) -> Option<u64> {
        match branches(value) {
            Some(branches) => branches.iter().map(|branch| self.number(branch, of_a_parameter)).max().flatten(),
            None => match value {
                Value::Tagged(_) => self.parameter(names_in(Some(value)).first()?, of_a_parameter)?.as_u64(),
                _ => value.as_u64(),
            },
        }
    }
}

/// The resources of a document, in its order.
pub fn resources_of(document: &Value) -> Vec<Resource<'_>> {
    let all = at(document, &["Resources"]).and_then(Value::as_mapping).into_iter().flatten();
    all.map(|(id, whole)| Resource { id: id.as_str().unwrap(), kind: at(whole, &["Type"]).and_then(Value::as_str).unwrap(), whole })
        .collect()
}

/// The repository's top folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub fn file(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// A finding for each of these that is not so.
pub fn lacks(id: &str, needs: &[(&str, bool)]) -> Vec<String> {
    needs.iter().filter(|(_, is_so)| !is_so).map(|(what, _)| format!("{id} lacks {what}")).collect()
}

/// Both ends of an `!If`.
pub fn branches(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "!If" => tagged.value.as_sequence()?.get(1..),
        _ => None,
    }
}

/// The items of a list, or the one that stands for a list of it; of an `!If` those of both ends.
pub fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Sequence(values)) => values.iter().flat_map(|value| items(Some(value))).collect(),
        Some(value) => match branches(value) {
            Some(branches) => branches.iter().flat_map(|branch| items(Some(branch))).collect(),
            None if names_in(Some(value)) == [NOTHING] => Vec::new(),
            None => vec![value],
        },
    }
}

/// What a reference to nothing names.
const NOTHING: &str = "AWS::NoValue";

/// `!Ref Table` and `!GetAtt Table.Arn` as the logical id, `!Ref Function.Alias` with `:live` behind it; a `!Sub` as its text with logical ids
/// in the place of references, those to pseudo parameters left as they are; anything else as its text.
pub fn names_in(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Tagged(tagged)) if tagged.tag == "!Sub" => {
            let text = tagged.value.as_str().or_else(|| tagged.value.get(0)?.as_str());
            text.map(substituted).into_iter().collect()
        }
        Some(Value::Tagged(tagged)) if matches!(tagged.tag.to_string().as_str(), "!Ref" | "!GetAtt") => {
            tagged.value.as_str().map(referred).into_iter().collect()
        }
        Some(Value::Tagged(tagged)) => names_in(Some(&tagged.value)),
        Some(Value::Sequence(values)) => values.iter().flat_map(|value| names_in(Some(value))).collect(),
        Some(Value::Mapping(mapping)) => mapping.iter().flat_map(|(_, value)| names_in(Some(value))).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Bool(is)) => vec![is.to_string()],
        Some(Value::Null) | None => Vec::new(),
    }
}

fn referred(text: &str) -> String {
    match text.split_once('.') {
        Some((id, "Alias")) => format!("{id}:live"),
        Some((id, _)) => id.to_owned(),
        None => text.to_owned(),
    }
}

fn substituted(text: &str) -> String {
    let mut pieces = text.split("${");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let named = if name.starts_with("AWS::") { format!("${{{name}}}") } else { referred(name) };
        whole.push_str(&named);
        whole.push_str(rest);
    }
    whole
}
