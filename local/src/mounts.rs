//! Which code runs behind which function: the one list that a new HTTP function is added to here. Each is the very value that its Lambda runs.

use axum::Router;
use shared::platform::Platform;

/// A function's name and its routes.
pub type Mount = (&'static str, fn(Platform) -> Router);

/// Every HTTP function.
pub const MOUNTS: &[Mount] = &[
    ("account", account::routes),
    ("configuration", configuration::routes),
    ("descriptor", descriptor::routes),
    ("disabled", disabled::routes),
    ("enabled", enabled::routes),
    ("installed", installed::routes),
    ("uninstalled", uninstalled::routes),
];
