//! How cost grows: it does not. What one tenant's request asks of AWS, in calls and in bytes, is the same whether there is one tenant or
//! hundreds, and one record or a thousand. The sizes here are those that a test has time for; `cargo bench --bench growth` asks the same of ten
//! thousand tenants and a hundred thousand records. What looks through a whole table grows with it, and is not meant: `issue-copies-sweep`, a segment at a
//! time, and `dormant`.

#[path = "../benches/growth/scales.rs"]
mod scales;

use std::time::Duration;

use axum::body::Body;
use http::Method;
use local::atlassian::Site;
use local::aws::Service;
use shared::envelope::Limits;

use crate::attachments::{PATH, as_bytes};
use crate::harness::{Answer, CONFIGURATION, World, page_request, site};
use scales::{Weight, weigh};

const ACCOUNT: &str = "/test-management/account";

/// As long as every other setting here.
const JSON: &str = "{\"colour\":\"a shade of blue\"}";

/// Calls to DynamoDB and to KMS: of a read of a tenant whose keys are at hand, and of one whose keys are not.
const WARM: (usize, usize) = (1, 0);
const COLD: (usize, usize) = (2, 1);

/// What was done, what it answered, and what it asked of AWS.
type Price = (&'static str, u16, Weight);

/// A world, and on how many sites the app is in it.
struct Scene {
    world: World,
    tenants: usize,
}

/// All names are of one length, so that bytes can be compared.
fn numbered(number: usize) -> Site {
    site(&format!("site-{number:06}"))
}

fn name(number: usize) -> String {
    format!("name-{number:06}")
}

fn calls(weight: &Weight) -> (usize, usize) {
    let (dynamodb, kms) = (weight.count(Service::DynamoDb), weight.count(Service::Kms));
    assert_eq!(dynamodb + kms, weight.calls.values().sum::<usize>(), "{weight}");
    (dynamodb, kms)
}

impl Scene {
    async fn new() -> Self {
        Self { world: World::new().await, tenants: 0 }
    }

    /// Installs the app on further sites, until it is on so many.
    async fn grow_to(&mut self, tenants: usize) {
        for number in self.tenants..tenants {
            assert_eq!(self.world.install(&numbered(number)).await.status.as_u16(), 204);
        }
        self.tenants = tenants;
    }

    async fn restarted(self) -> Self {
        Self { world: self.world.restarted().await, ..self }
    }

    async fn weigh(&self, what: &'static str, request: impl Future<Output = Answer>) -> Price {
        let (answer, weight) = weigh(self.world.aws(), request).await;
        (what, answer.status.as_u16(), weight)
    }

    async fn configuration(&self, site: &Site, method: Method, rest: &str) -> Answer {
        self.world.as_page(site, method, &format!("{CONFIGURATION}{rest}"), JSON).await
    }

    /// What is done with one record, each thing once, beginning with caches that know nothing; the record is gone in the end.
    async fn a_record(&self, site: &Site) -> Vec<Price> {
        let all = [
            ("a first writing, cold", Method::PUT),
            ("a read", Method::GET),
            ("a second writing", Method::PUT),
            ("a read of that", Method::GET),
            ("a deletion", Method::DELETE),
            ("a read of nothing", Method::GET),
        ];
        let mut prices = Vec::new();
        for (what, method) in all {
            prices.push(self.weigh(what, self.configuration(site, method, "/probe")).await);
        }
        prices
    }

    async fn attach(&self, site: &Site) -> Answer {
        let request = page_request(site, Method::POST, &format!("{PATH}?name=plan.txt&owner=case-1"), self.world.now());
        self.world.send(as_bytes(request.body(Body::from("one plan")).unwrap())).await
    }

    /// Every page of a list, by following its cursors.
    async fn pages(&self, site: &Site, list: &str) -> Vec<Price> {
        let (mut prices, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = format!("{list}{cursor}");
            let (answer, weight) = weigh(self.world.aws(), self.world.as_page(site, Method::GET, &page, Body::empty())).await;
            prices.push(("a page", answer.status.as_u16(), weight));
            match answer.json()["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return prices,
            }
        }
    }
}

#[track_caller]
fn assert_same(prices: &[Price], first: &[Price], among: &str) {
    assert_eq!(prices.len(), first.len(), "{among}");
    for (price, first) in prices.iter().zip(first) {
        assert_eq!(price, first, "{}, {among}", price.0);
    }
}

#[tokio::test]
async fn a_read_asks_as_little_of_aws_among_many_tenants_as_alone() {
    let mut scene = Scene::new().await;
    let mut alone = None;
    for tenants in [1, 30, 300] {
        scene.grow_to(tenants).await;
        scene = scene.restarted().await;
        // Neither the first tenant nor the last, as soon as there are others.
        let site = numbered(tenants / 2);
        let account = |what| scene.weigh(what, scene.world.as_host(&site, Method::GET, ACCOUNT));
        let mut prices = vec![account("the account, cold").await, account("the account").await];
        prices.extend(scene.a_record(&site).await);
        assert_eq!((calls(&prices[1].2), calls(&prices[3].2)), (WARM, WARM), "among {tenants}");
        assert_same(&prices, alone.get_or_insert_with(|| prices.clone()), &format!("among {tenants} tenants"));
    }
}

#[tokio::test]
async fn coming_leaving_and_the_runs_over_what_is_due_cost_the_same_among_many_tenants() {
    let mut scene = Scene::new().await;
    let mut alone = None;
    for tenants in [1, 200] {
        scene.grow_to(tenants).await;
        scene = scene.restarted().await;
        // A newcomer each time; it stays, and is one of the tenants of the next round.
        let site = numbered(tenants);
        let mut prices = Vec::new();
        for (what, event) in
            [("an installation", "installed"), ("an upgrade", "installed"), ("leaving", "uninstalled"), ("a return", "installed")]
        {
            scene.world.clock.advance(Duration::from_secs(1));
            let payload = site.payload(event);
            prices.push(scene.weigh(what, scene.world.lifecycle(&site, event, scene.world.now(), &payload)).await);
            assert_eq!(prices.last().map(|price| price.1), Some(204), "{what}");
        }
        scene.tenants += 1;
        for run in ["purge", "doubtful"] {
            let (report, weight) = weigh(scene.world.aws(), scene.world.host.run_schedule(run)).await;
            assert!(report.unwrap().is_ok(), "{run}");
            assert!(calls(&weight).0 > 0, "{run} asks who is due");
            prices.push((run, 0, weight));
        }
        assert_same(&prices, alone.get_or_insert_with(|| prices.clone()), &format!("among {tenants} tenants"));
    }
}

/// What the others here rest on: a byte more is felt, both ways, because DynamoDB answers a writing with what it has written.
#[tokio::test]
async fn a_setting_that_is_longer_by_three_bytes_weighs_four_more_on_its_way() {
    let mut scene = Scene::new().await;
    scene.grow_to(1).await;
    let site = numbered(0);
    scene.configuration(&site, Method::GET, "/none").await;
    let put = async |json| scene.weigh("a writing", scene.world.put(&site, "colour", json)).await.2;
    let (short, long) = (put("\"abc\"").await, put("\"abcdef\"").await);
    assert_eq!((&long.calls, long.sent, long.received), (&short.calls, short.sent + 4, short.received + 4));
    assert_eq!(weigh(scene.world.aws(), async {}).await.1, Weight::default());
}

/// What a function holds is bounded, so there are more tenants than it holds. They cost what they cost when it has just started, and no more.
#[tokio::test]
async fn a_tenant_in_the_working_set_is_found_without_kms_and_one_beyond_it_for_the_price_of_a_start() {
    const BEYOND: usize = 20;
    let (mut scene, held) = (Scene::new().await, Limits::default().tenants);
    scene.grow_to(held + BEYOND).await;
    let scene = scene.restarted().await;
    let (mut cold, mut warm) = (None, None);
    let mut read = async |numbers: std::ops::Range<usize>, price: (usize, usize), when: &str| {
        for number in numbers {
            let site = numbered(number);
            let (_, status, weight) = scene.weigh("a read", scene.configuration(&site, Method::GET, "/none")).await;
            assert_eq!((status, calls(&weight)), (404, price), "{when}: tenant {number}");
            let like = if price == COLD { &mut cold } else { &mut warm };
            assert_eq!(&weight, like.get_or_insert_with(|| weight.clone()), "{when}: tenant {number}");
        }
    };
    read(0..held, COLD, "nobody is known").await;
    read(0..held, WARM, "as many are known as are held").await;
    read(held..held + BEYOND, COLD, "these were not known").await;
    read(BEYOND..held + BEYOND, WARM, "so many are still known").await;
    read(0..BEYOND, COLD, "these were unused the longest").await;
    read(2 * BEYOND..held + BEYOND, WARM, "and no others were forgotten for them").await;
}

#[tokio::test]
async fn a_record_costs_the_same_calls_and_bytes_among_a_thousand_as_alone() {
    let mut scene = Scene::new().await;
    scene.grow_to(1).await;
    let (site, mut alone, mut written) = (numbered(0), None, 0);
    for records in [1, 100, 1000] {
        for number in written..records {
            assert_eq!(scene.world.put(&site, &name(number), JSON).await.status.as_u16(), 201);
        }
        written = records;
        scene = scene.restarted().await;
        let mut prices = scene.a_record(&site).await;
        prices.push(
            scene.weigh("a read of one in the middle", scene.configuration(&site, Method::GET, &format!("/{}", name(records / 2)))).await,
        );
        assert_eq!(prices.iter().map(|price| price.1).collect::<Vec<_>>(), [201, 200, 204, 200, 204, 404, 200]);
        assert_eq!(calls(&prices[6].2), WARM);
        assert_same(&prices, alone.get_or_insert_with(|| prices.clone()), &format!("among {records} records"));
    }
    let items = scene.world.aws().aside().items("ConfigurationTable").unwrap();
    let lengths: std::collections::BTreeSet<usize> = items.iter().map(|item| item.to_string().len()).collect();
    assert_eq!((items.len(), lengths.len()), (1000, 1), "{lengths:?}");
}

#[tokio::test]
async fn a_page_of_a_listing_costs_the_same_however_many_records_there_are() {
    let mut scene = Scene::new().await;
    scene.grow_to(1).await;
    let (site, mut written, mut first) = (numbered(0), 0, None);
    let (settings, files) = (format!("{CONFIGURATION}?limit=10"), format!("{PATH}?owner=case-1&limit=10"));
    for records in [20, 120] {
        for number in written..records {
            assert_eq!(scene.world.put(&site, &name(number), JSON).await.status.as_u16(), 201);
            assert_eq!(scene.attach(&site).await.status.as_u16(), 201);
        }
        written = records;
        scene = scene.restarted().await;
        for list in [&settings, &files] {
            // So that no page is the one that finds the keys.
            scene.world.as_page(&site, Method::GET, list, Body::empty()).await;
        }
        let pages = [scene.pages(&site, &settings).await, scene.pages(&site, &files).await];
        // A full page may be the last, so there is an empty one behind it.
        assert_eq!(pages.each_ref().map(Vec::len), [records / 10 + 1; 2]);
        let first = first.get_or_insert_with(|| pages.clone().map(|pages| [pages[0].clone(), pages[1].clone()]));
        for (pages, [beginning, further]) in pages.iter().zip(first) {
            assert!(pages.iter().all(|(_, status, weight)| (*status, calls(weight)) == (200, (2, 0))), "{pages:?}");
            assert_alike(&pages[0].2, &beginning.2, records);
            for page in &pages[1..records / 10] {
                assert_alike(&page.2, &further.2, records);
            }
        }
        assert_eq!(pages[0][1], pages[0][records / 10 - 1], "settings are not packed, so no byte differs");
    }
}

/// The record of a file is long enough to be packed, which takes a byte more or less as its random names have it: so half a percent is left.
#[track_caller]
fn assert_alike(page: &Weight, first: &Weight, records: usize) {
    assert_eq!((&page.calls, page.sent), (&first.calls, first.sent), "of {records}");
    assert!(page.received.abs_diff(first.received) * 200 <= first.received, "of {records}: {page} and not {first}");
}
