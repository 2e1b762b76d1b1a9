//! Behaviour over the embedded AWS, by area. One binary for all of it: one link instead of many.
//!
//! The world of a test is in [`harness`], the reference model of a tenant's life in [`model`], odd tokens are made in [`forger`], and [`siege`]
//! is what every refusal is held to.

mod account;
mod asking;
mod attached_objects;
mod attachment_faults;
mod attachments;
mod attacks;
mod bad_input;
mod configuration;
mod conventions;
mod dependency_faults;
mod descriptor;
mod doors;
mod dormancy;
mod doubts;
mod erasure;
mod erasure_faults;
mod erasure_holds;
mod forger;
mod harness;
mod incidents;
mod interleavings;
mod lifecycle;
mod losses;
mod model;
mod noise;
mod odd_tokens;
mod operators;
mod owners;
mod page;
mod page_tokens;
mod permissions;
mod purge_incidents;
mod purge_roles;
mod purging;
mod races;
mod reconciling;
mod records;
mod restoring;
mod rights;
mod rotation;
mod round_trips;
mod sealing;
mod secrets;
mod shared_secrets;
mod siege;
mod simulation;
mod switches;
mod targets;
mod template;
mod time_passing;
mod timeline;
mod triggers;
mod uploads;
