//! The part of the story that is about telemetry and usage.

use local::host::ORIGIN_SECRET;
use local::samples::Sample;
use shared::platform::door;

use super::Told;
use crate::sink_double::{Play, page_token, restarted, variables, with_sinks};
use crate::usage::{bring, close, line};

impl Told {
    /// Everything that is told of use: pages whose token was sealed under an old key, sinks that take nothing now or never, lines of the log that come
    /// twice, the end of their salt, and the report.
    pub(super) async fn tell_of_use(mut self) -> Self {
        let (world, sinks) = with_sinks(variables()).await;
        self.world = world;
        let token = page_token(&self.world, &self.world.acme).await;
        self.rotate().await;
        self.world = restarted(self.world, &sinks).await;
        for sample in Sample::all().unwrap() {
            if ["page-views", "browser-errors"].contains(&sample.function.as_str()) {
                let event = serde_json::from_value(sample.filled(&token, ORIGIN_SECRET)).unwrap();
                assert!(self.send(&sample.function, door::request(event).unwrap()).await.is_success());
            }
        }
        sinks.play([Play::Says(503, &[]), Play::Says(400, &[])]);
        let mark = self.world.aws().calls().mark();
        self.world.host.deliver().await.unwrap();
        self.note("telemetry-forwarder", mark);
        assert_eq!((sinks.seen().len(), self.world.host.dead_letters().await.unwrap().len()), (2, 1));
        self.count().await;
        self
    }

    async fn count(&mut self) {
        let lines = [line(1, self.world.now(), "page", 1)];
        let mark = self.world.aws().calls().mark();
        for _ in 0..2 {
            bring(&self.world, &lines).await.unwrap();
        }
        self.note("usage", mark);
        let mark = self.world.aws().calls().mark();
        assert_eq!(close(&self.world).await.count("destroyed"), 1);
        self.note("usage-salts", mark);
        let sample = Sample::of_operators().unwrap().into_iter().find(|sample| sample.function == "usage-report").unwrap();
        let mark = self.world.aws().calls().mark();
        let told = door::answer(self.world.host.function("usage-report").unwrap(), serde_json::from_value(sample.event).unwrap()).await;
        assert_eq!(told.status_code, 200, "{}", told.body);
        self.note("usage-report", mark);
    }
}
