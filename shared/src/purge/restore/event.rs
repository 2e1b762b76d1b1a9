//! What was restored, as whoever invokes the filter says it. A restored table or bucket has a name of its own, which begins with `restored-`: so
//! has everything that the function's role may change.

use crate::platform::config::Config;
use crate::platform::invocation::{Event, Fields};
use crate::problem::Problem;
use crate::records::register::Service;

/// What every restored table and bucket is called in the beginning.
const BEGINNING: &str = "restored-";

/// What was restored; each is optional, and what is not named is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The table of tenants. Without it the live one says who stays.
    pub(super) tenants: Option<String>,
    /// The wrapped keys.
    pub(super) tenant_keys: Option<String>,
    /// The tables of services, by the names that the event gives them.
    pub(super) records: Vec<(&'static str, String)>,
    /// The sealed bucket.
    pub(super) sealed: Option<String>,
}

/// The tables of services.
const SERVICES: [&str; 4] =
    [Service::Configuration.name(), Service::Attachments.name(), Service::Licences.name(), Service::IssueCopies.name()];

impl Event for Restored {
    fn take(fields: &mut Fields<'_>) -> Result<Self, Problem> {
        let (mut restored, mut named) = (Self::default(), Vec::new());
        if let Some(mut tables) = fields.object("tables")? {
            restored.tenants = name(&mut tables, "tenants", &mut named)?;
            restored.tenant_keys = name(&mut tables, "tenant-keys", &mut named)?;
            for service in SERVICES {
                restored.records.extend(name(&mut tables, service, &mut named)?.map(|name| (service, name)));
            }
            tables.end()?;
        }
        if let Some(mut buckets) = fields.object("buckets")? {
            restored.sealed = name(&mut buckets, "sealed", &mut named)?;
            buckets.end()?;
        }
        Ok(restored)
    }
}

/// The name of one that was restored, unless it is another's too.
fn name(fields: &mut Fields<'_>, field: &'static str, named: &mut Vec<String>) -> Result<Option<String>, Problem> {
    let Some(name) = fields.text(field)?.map(ToOwned::to_owned) else { return Ok(None) };
    if !name.starts_with(BEGINNING) {
        return Err(Problem::malformed(fields.path_of(field), "must begin with restored-"));
    }
    if named.contains(&name) {
        return Err(Problem::malformed(fields.path_of(field), "is named twice"));
    }
    named.push(name.clone());
    Ok(Some(name))
}

impl Restored {
    /// Whether something is named, and nothing that is in use: what came from a backup once may be, and keeps its name.
    ///
    /// # Errors
    /// 400 otherwise.
    pub(super) fn check(&self, config: &Config) -> Result<(), Problem> {
        if *self == Self::default() {
            return Err(Problem::malformed("tables", "or buckets must name what was restored"));
        }
        let (tables, buckets) = (&config.tables, &config.buckets);
        let in_use = [
            &tables.tenants,
            &tables.tenant_keys,
            &tables.departures,
            &tables.configuration,
            &tables.attachments,
            &tables.licences,
            &tables.issue_copies,
            &tables.audit,
        ];
        let records = self.records.iter().map(|(service, name)| (*service, name));
        let restored = [("tenants", &self.tenants), ("tenant-keys", &self.tenant_keys)];
        let restored = restored.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?))).chain(records);
        for (field, name) in restored {
            if in_use.contains(&name) {
                return Err(Problem::malformed(format!("tables.{field}"), "is in use"));
            }
        }
        match &self.sealed {
            Some(sealed) if [&buckets.sealed, &buckets.incoming].contains(&sealed) => {
                Err(Problem::malformed("buckets.sealed", "is in use"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::platform::invocation::Invocation;
    use crate::platform::schedule::Deadline;

    fn read(event: Value) -> Result<Restored, String> {
        let read = Invocation { event, deadline: Deadline::at(0) }.read();
        read.map_err(|problem| problem.reason().0.into_owned())
    }

    #[test]
    fn each_table_and_the_bucket_are_optional() {
        let read = read(json!({"tables": {"attachments": "restored-a"}, "buckets": {"sealed": "restored-b"}})).unwrap();
        let records = vec![("attachments", "restored-a".to_owned())];
        assert_eq!(read, Restored { records, sealed: Some("restored-b".to_owned()), ..Restored::default() });
    }

    #[test]
    fn an_event_that_could_reach_what_is_in_use_is_refused() {
        for (event, said) in [
            (json!({"tables": {"tenants": "TenantsTable"}}), "tables.tenants must begin with restored-"),
            (json!({"buckets": {"sealed": "sealed"}}), "buckets.sealed must begin with restored-"),
            (json!({"tables": {"tenants": "restored-a", "tenant-keys": "restored-a"}}), "tables.tenant-keys is named twice"),
            (json!({"tables": {"licences": "restored-a"}, "buckets": {"sealed": "restored-a"}}), "buckets.sealed is named twice"),
            (
                json!({"tables": {"departures": "restored-a"}}),
                "tables must have no fields but tenants, tenant-keys, configuration, attachments, licences, issue-copies",
            ),
        ] {
            assert_eq!(read(event), Err(said.to_owned()));
        }
    }
}
