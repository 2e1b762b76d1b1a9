//! The Atlassian Connect protocol: who calls us, with which proof, about which installation, and what we tell Atlassian about our apps.
//!
//! Everything here takes bytes and a time and gives a typed value or a named refusal. It knows nothing of AWS, of our tables or of the web
//! framework, so that it can be read, tested and fuzzed alone.
//!
//! Read in this order: [`qsh`] (what a request hashes to), [`jwt`] (tokens), [`install_token`] and [`install_keys`] (the proof of an
//! installation), [`lifecycle`] (what Atlassian tells us then), [`webhook`] (what it
//! tells us of issues), [`catalogue`] and [`descriptor`] (what we host, and how we announce it).

pub mod catalogue;
pub mod descriptor;
pub mod install_keys;
pub mod install_token;
pub mod jwt;
pub mod kid;
pub mod lifecycle;
mod members;
pub mod qsh;
pub mod secret;
pub mod site_call;
pub mod site_hosts;
pub mod webhook;

#[cfg(test)]
mod test_keys;
#[cfg(test)]
mod vectors;

pub use descriptor::Realm;
pub use install_keys::InstallKeys;
pub use lifecycle::{Disabled, Enabled, Installed, ProductType, Uninstalled};
pub use secret::Secret;
pub use site_hosts::SiteHosts;
pub use webhook::WebhookEvent;
