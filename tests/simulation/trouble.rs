//! Trouble: calls to AWS fail and functions die, as the dice have it; and those who try again until it is done, as Atlassian, browsers and operators
//! do.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use local::aws::Fault;
use serde_json::Value;

use super::course::{Course, Held};
use crate::harness::{Answer, World, answer};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    None,
    Faults(f64),
    Dies(u64, Fault),
}

impl Course {
    /// Runs something to its end, or until it dies; nothing is to stand still.
    pub async fn in_trouble<T>(&mut self, work: impl Future<Output = T>) -> Held<Option<T>> {
        let trouble = self.draw_trouble();
        self.with(trouble, work).await
    }

    pub fn draw_trouble(&mut self) -> Trouble {
        if self.dice.throw(100) >= self.plan.troubled {
            return Trouble::None;
        }
        match self.dice.throw(2) {
            0 => Trouble::Faults(self.dice.pick(&[0.1, 0.3, 0.6])),
            _ => Trouble::Dies(1 + self.dice.throw(9), self.dice.pick(&[Fault::DiesBefore, Fault::DiesAfter])),
        }
    }

    async fn with<T>(&mut self, trouble: Trouble, work: impl Future<Output = T>) -> Held<Option<T>> {
        let world = Arc::clone(&self.world);
        let (faults, mark) = (world.aws().faults(), world.aws().calls().mark());
        match trouble {
            Trouble::None => {}
            Trouble::Faults(probability) => faults.on_every(probability, self.dice.throw(u64::MAX)),
            Trouble::Dies(call, fault) => faults.on_call(call, fault),
        }
        let ended = tokio::select! {
            biased;
            ended = work => Some(Some(ended)),
            () = faults.death() => Some(None),
            () = tokio::time::sleep(Duration::from_secs(3_600)) => None,
        };
        // A death that was planned for later stays planned.
        if !matches!(trouble, Trouble::None) {
            faults.clear();
            self.totals.faults += world.aws().calls().since(mark).iter().filter(|call| call.fault.is_some()).count() as u64;
        }
        self.totals.crashes += u64::from(matches!(ended, Some(None)));
        match ended {
            Some(ended) => Ok(ended),
            None => self.broken("E-40", format!("something stands still under {trouble:?}"), None),
        }
    }

    /// A request that is made again until it is answered: first perhaps in trouble, then without.
    pub async fn insist(&mut self, index: usize, what: &str, make: impl Fn(&World) -> Request<Body>) -> Held<Answer> {
        self.insist_at(index, what, None, make).await
    }

    /// A request that is made once, perhaps in trouble; `None` if nobody answered.
    pub async fn try_once(&mut self, index: usize, what: &str, make: impl Fn(&World) -> Request<Body>) -> Held<Option<StatusCode>> {
        let (world, request) = (Arc::clone(&self.world), make(&self.world));
        let answered = self.in_trouble(async { world.send(request).await.status }).await?;
        self.tell_of(index, format!("{what}, tried once: {answered:?}"));
        Ok(answered)
    }

    pub async fn insist_at(
        &mut self,
        index: usize,
        what: &str,
        router: Option<Router>,
        make: impl Fn(&World) -> Request<Body>,
    ) -> Held<Answer> {
        for attempt in 0..2 {
            let trouble = if attempt == 0 { self.draw_trouble() } else { Trouble::None };
            let (world, request) = (Arc::clone(&self.world), make(&self.world));
            let sent = async {
                match router.clone() {
                    None => world.send(request).await,
                    Some(router) => answer(router, request).await,
                }
            };
            let answered = self.with(trouble, sent).await?;
            let said = answered.as_ref().map_or("died".to_owned(), |answered| answered.status.as_u16().to_string());
            let under = if matches!(trouble, Trouble::None) { String::new() } else { format!(" under {trouble:?}") };
            self.tell_of(index, format!("{what}{under}: {said}"));
            match answered {
                Some(answered) if !answered.status.is_server_error() => return Ok(answered),
                Some(answered) if attempt == 1 => {
                    let text = format!("{what} cannot be done although nothing fails: {} {}", answered.status, answered.text());
                    return self.broken("E-35", text, Some(index));
                }
                _ => {}
            }
        }
        self.broken("E-35", format!("{what} died although nothing fails"), Some(index))
    }

    /// An operator's call, insisted on likewise.
    pub async fn operate(&mut self, index: usize, what: &str, body: &Value) -> Held<StatusCode> {
        const ADA: &str = "arn:aws:sts::111122223333:assumed-role/lethe-support/ada";
        for attempt in 0..2 {
            let trouble = if attempt == 0 { self.draw_trouble() } else { Trouble::None };
            let world = Arc::clone(&self.world);
            let request = Request::post(format!("/test-management/erasure/{what}")).header("content-type", "application/json");
            let asked = world.host.as_operator(ADA, request.body(Body::from(body.to_string())).unwrap());
            let answered = self.with(trouble, asked).await?.map(|answered| answered.status());
            self.tell_of(index, format!("operator's {what} {body} under {trouble:?}: {answered:?}"));
            match answered {
                Some(status) if !status.is_server_error() => return Ok(status),
                _ => {}
            }
        }
        self.broken("E-36", format!("an operator's {what} cannot be done although nothing fails"), Some(index))
    }
}
