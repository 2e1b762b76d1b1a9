//! One setting: JSON that its admins chose, kept as they wrote it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::problem::Problem;
use shared::records::register::{self, KindRow};
use shared::records::{Kind, Life, Named};

use crate::json;

/// JSON text, kept as it was written but for white space around it: reading it into numbers and maps would round what the one and reorder what
/// the other holds.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Setting(Box<RawValue>);

impl Setting {
    /// The setting in a request's body.
    ///
    /// # Errors
    /// 400 if it is not one JSON value in UTF-8, is nested too deep, or names a member twice.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let text = json::check(body)?;
        let raw = RawValue::from_string(text.to_owned()).map_err(|_| Problem::malformed("body", "must be one JSON value"))?;
        Ok(Self(raw))
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// The JSON text, taken out.
    #[must_use]
    pub fn into_json(self) -> String {
        self.0.get().to_owned()
    }

    /// The JSON, to stand inside other JSON.
    #[must_use]
    pub fn into_raw(self) -> Box<RawValue> {
        self.0
    }
}

impl Kind for Setting {
    const ROW: &'static KindRow = &register::CONFIGURATION;
    const SCHEMA: u16 = 1;
    const LIFE: Life = Life::Tenancy;
}

impl Named for Setting {
    const PARAMETER: &'static str = "name";

    fn check_name(name: &str) -> Result<(), Problem> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        // Names that need no escapes hash the same for every signer.
        if (1..=128).contains(&name.len()) && plain {
            Ok(())
        } else {
            Err(Problem::malformed("name", "must be 1 to 128 letters, digits, hyphens, underscores or dots"))
        }
    }
}
