//! A record that a route reads, fetched in the same round trip as its tenant: a handler that names [`Reading`] beside its token gets both
//! for one call to DynamoDB.

use std::collections::HashMap;
use std::future::Future;

use super::item::Item;
use super::keyring::Keyring;
use super::kind::Named;
use super::store::{Record, Records};
use crate::problem::Problem;

/// What may be fetched along with a tenant.
pub trait Rider: Sized + Send {
    /// Which record the request asks for, out of the route's parameters; `None` where nothing rides along.
    ///
    /// # Errors
    /// 400 for a name that cannot be one; told only to a caller whose token held.
    fn wanted(parameters: &HashMap<String, String>) -> Result<Option<Wanted>, Problem>;

    /// Opens what was fetched.
    #[doc(hidden)]
    fn open(opening: Opening) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// The name of a record to fetch along, and how its key is made.
pub struct Wanted {
    pub(crate) name: String,
    pub(crate) key: fn(Keyring, &str) -> (String, Item),
}

/// What a [`Rider`] is made of: the tenant's keys, and the item if there was one.
#[doc(hidden)]
pub struct Opening {
    pub(crate) keyring: Keyring,
    pub(crate) item: Option<Item>,
}

/// Nothing rides along.
impl Rider for () {
    fn wanted(_: &HashMap<String, String>) -> Result<Option<Wanted>, Problem> {
        Ok(None)
    }

    async fn open(_: Opening) -> Result<Self, Problem> {
        Ok(())
    }
}

/// The record of kind `K` that the route names, or `None` if there is none.
pub struct Reading<K>(pub Option<Record<K>>);

impl<K: Named> Rider for Reading<K> {
    fn wanted(parameters: &HashMap<String, String>) -> Result<Option<Wanted>, Problem> {
        let name = parameters.get(K::PARAMETER).cloned().unwrap_or_default();
        K::check_name(&name)?;
        let key = |keyring: Keyring, name: &str| {
            let records = Records::<K>::of(keyring);
            (records.table().to_owned(), records.key(name))
        };
        Ok(Some(Wanted { name, key }))
    }

    async fn open(opening: Opening) -> Result<Self, Problem> {
        Records::<K>::of(opening.keyring).open(opening.item).await.map(Self)
    }
}
