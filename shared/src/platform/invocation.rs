//! The door of functions that a person invokes by hand (`aws lambda invoke`): the event is a small JSON object, read strictly, because a
//! mistyped name must not become a run that does something else. What the run did is the answer.

use futures::FutureExt as _;
use lambda_runtime::LambdaEvent;
use serde_json::{Map, Value};

use super::Platform;
use super::schedule::{Deadline, Report};
use crate::problem::Problem;

/// One invocation: what was asked, and when Lambda ends it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// As it was sent.
    pub event: Value,
    /// When the run is ended.
    pub deadline: Deadline,
}

/// What a function is invoked with.
pub trait Event: Sized {
    /// Takes what the event holds; what is not taken is refused.
    ///
    /// # Errors
    /// 400 that names the field at fault.
    fn take(fields: &mut Fields<'_>) -> Result<Self, Problem>;
}

impl Invocation {
    /// The event, typed.
    ///
    /// # Errors
    /// 400 that names the first field that is not of its form, or the object that has one which nobody knows.
    pub fn read<E: Event>(&self) -> Result<E, Problem> {
        let mut fields = Fields::of(String::new(), &self.event)?;
        let event = E::take(&mut fields)?;
        fields.end()?;
        Ok(event)
    }
}

/// The fields of an object in an event, taken one by one.
#[derive(Debug)]
pub struct Fields<'v> {
    /// Where the object stands; empty: it is the event itself.
    path: String,
    fields: &'v Map<String, Value>,
    taken: Vec<&'static str>,
}

impl<'v> Fields<'v> {
    fn of(path: String, value: &'v Value) -> Result<Self, Problem> {
        let malformed = || Problem::malformed(if path.is_empty() { "event".to_owned() } else { path.clone() }, "must be an object");
        let fields = value.as_object().ok_or_else(malformed)?;
        Ok(Self { path, fields, taken: Vec::new() })
    }

    /// How a field of this object is called in what is said of it: `tables.tenants`.
    #[must_use]
    pub fn path_of(&self, name: &'static str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a text, if it is there.
    ///
    /// # Errors
    /// 400 if it is something else.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'v str>, Problem> {
        self.taken.push(name);
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| Problem::malformed(self.path_of(name), "must be a text"))
    }

    /// Takes an object, if it is there.
    ///
    /// # Errors
    /// 400 if it is something else.
    pub fn object(&mut self, name: &'static str) -> Result<Option<Self>, Problem> {
        self.taken.push(name);
        self.fields.get(name).map(|value| Self::of(self.path_of(name), value)).transpose()
    }

    /// Nothing is left that was not taken.
    ///
    /// # Errors
    /// 400 that names what may be there. What is there stays unsaid: its name is text that somebody typed, and refusals are logged.
    pub fn end(self) -> Result<(), Problem> {
        if self.fields.keys().all(|name| self.taken.contains(&name.as_str())) {
            return Ok(());
        }
        let detail = format!("must have no fields but {}", self.taken.join(", "));
        Err(Problem::malformed(if self.path.is_empty() { "event".to_owned() } else { self.path }, detail))
    }
}

/// Serves `handle` to the Lambda runtime until the environment ends.
///
/// # Errors
/// If the runtime's API fails; a failing run does not, but whoever invoked it is told.
pub(super) async fn run<F>(platform: Platform, handle: fn(Platform, Invocation) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Report, Problem>>,
{
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<Value>| {
        let deadline = Deadline::at(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        // Boxed: a future of so many layers is more than the compiler lays out at once.
        let ran = handle(platform.clone(), Invocation { event: event.payload, deadline }).boxed_local();
        async move { ran.await.map_err(|problem| lambda_runtime::Error::from(problem.reason().0.into_owned())) }
    }))
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Asked(Option<String>);

    impl Event for Asked {
        fn take(fields: &mut Fields<'_>) -> Result<Self, Problem> {
            let Some(mut tables) = fields.object("tables")? else { return Ok(Self(None)) };
            let tenants = tables.text("tenants")?.map(ToOwned::to_owned);
            tables.end()?;
            Ok(Self(tenants))
        }
    }

    fn read(event: Value) -> Result<Asked, String> {
        let read = Invocation { event, deadline: Deadline::at(0) }.read();
        read.map_err(|problem| problem.reason().0.into_owned())
    }

    #[test]
    fn an_event_is_read_whole() {
        assert_eq!(read(json!({"tables": {"tenants": "a"}})), Ok(Asked(Some("a".to_owned()))));
        assert_eq!(read(json!({"tables": {}})), Ok(Asked(None)));
        assert_eq!(read(json!({})), Ok(Asked(None)));
    }

    #[test]
    fn a_bad_event_is_refused_by_the_field_at_fault() {
        for (event, said) in [
            (json!([]), "event must be an object"),
            (json!({"tables": "tenants"}), "tables must be an object"),
            (json!({"tables": {"tenants": 1}}), "tables.tenants must be a text"),
            (json!({"tables": {"acme": "a", "tenants": "b"}}), "tables must have no fields but tenants"),
            (json!({"acme": {}}), "event must have no fields but tables"),
        ] {
            // Whole, so that no name which was typed, as acme is, goes to the log.
            assert_eq!(read(event), Err(said.to_owned()));
        }
    }
}
