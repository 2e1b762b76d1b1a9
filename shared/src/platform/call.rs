//! What a call learns of whom it is for, on its way from the door to the handler, so that the door can tell it afterwards.
//!
//! Of a tenant it is the app and a mark, and the mark is another one each day (promise A-12): enough to count, and nothing that names anybody. It is
//! made when the call is told, so that line and mark are always of the same day.

use std::sync::{Arc, OnceLock};

use axum::http::Extensions;

/// Where whoever proves a tenant writes down for whom the call is. The door puts one into each request.
#[derive(Clone, Default)]
pub struct CallNote(Arc<OnceLock<ForTenant>>);

/// For whom a call is.
#[derive(Clone)]
pub struct ForTenant {
    /// The app, as paths name it.
    pub app: &'static str,
    /// What stands for the tenant on a day (`YYYY-MM-DD`) alone: 32 hexadecimal digits.
    pub mark: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl CallNote {
    /// Writes down for whom the call is; what was written down first stays. Without a door there is no note, and nothing happens.
    pub fn put(extensions: &Extensions, tenant: impl FnOnce() -> ForTenant) {
        if let Some(Self(note)) = extensions.get::<Self>() {
            note.get_or_init(tenant);
        }
    }

    /// For whom the call was, if anybody has proved it.
    #[must_use]
    pub fn tenant(&self) -> Option<&ForTenant> {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_first_stays() {
        let (note, mut extensions) = (CallNote::default(), Extensions::new());
        extensions.insert(note.clone());
        for app in ["first", "second"] {
            CallNote::put(&extensions, || ForTenant { app, mark: Arc::new(str::to_owned) });
        }
        assert_eq!(note.tenant().map(|tenant| tenant.app), Some("first"));
    }

    #[test]
    fn without_a_door_nothing_is_noted() {
        CallNote::put(&Extensions::new(), || unreachable!());
    }
}
