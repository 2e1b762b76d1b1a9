//! The world that a course runs in: all its randomness is the seed's, and its time is paused.

use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use shared::platform::random::{Random, Unavailable};
use shared::problem::Problem;
use shared::tenant::{Anonymous, HostToken, rotation};

use crate::harness::World;
use crate::interleavings::Dice;

/// The host's randomness, from the seed too.
#[derive(Debug)]
struct Seeded(Mutex<Dice>);

impl fmt::Debug for Dice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Dice({})", self.0)
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Unavailable> {
        let mut dice = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|byte| *byte = u8::try_from(dice.throw(256)).unwrap());
        Ok(())
    }
}

async fn rotate(token: HostToken<Anonymous>) -> Result<String, Problem> {
    rotation::rotate(&token.tenant).await.map(|version| version.to_string())
}

/// A world that holds the install keys, because only real time can fetch them; from here on time is paused.
pub async fn world_of(seed: u64) -> World {
    let world = World::with_random(Arc::new(Seeded(Mutex::new(Dice(seed ^ 0x5eed))))).await;
    world.fetch_install_keys().await;
    tokio::time::pause();
    world
}

/// A `Tenant` is made by a token alone, so the rotation stands behind a route of its own.
pub fn rotation_of(world: &World) -> Router {
    let routes = Router::new().route("/{app}/rotate", post(rotate));
    world.host.platform("configuration").unwrap().serve("rotation", routes)
}
