//! What a type must say of itself before it can be stored. A kind without a row in the register, and so without a data class, does not
//! compile.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::register::KindRow;
use crate::problem::Problem;

/// A type of record.
pub trait Kind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its row in the register: name, class, service.
    const ROW: &'static KindRow;
    /// The version of its fields' meaning, stored in every record.
    const SCHEMA: u16;
    /// How long a record lives after it is written.
    const LIFE: Life;
    /// How its name stands in its item's key.
    const KEYED: Keyed = Keyed::ByDigest;
}

/// How a record's name stands in its item's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// As a digest under the tenant's index key, because customers choose the names.
    ByDigest,
    /// As it is: the names are made by us and say nothing. Only these can be listed by their beginning.
    ByName,
}

/// How long a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// As long as its tenant.
    Tenancy,
    /// This long after its last writing, and never longer than its tenant.
    After(Duration),
}

/// A kind whose records are named by a route.
pub trait Named: Kind {
    /// The route's parameter that names a record.
    const PARAMETER: &'static str;

    /// Checks that a name is one.
    ///
    /// # Errors
    /// 400 that names the parameter.
    fn check_name(name: &str) -> Result<(), Problem>;
}
