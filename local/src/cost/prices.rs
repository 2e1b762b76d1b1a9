//! What AWS asks: one table, two regions, each row with where it comes from. Free tiers, discounts and taxes are left out.

/// A region that prices are given for; its place in [`Price::dollars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// N. Virginia.
    UsEast1,
    /// Ireland.
    EuWest1,
}

/// Both, in the order of the page.
pub(super) const REGIONS: [Region; 2] = [Region::UsEast1, Region::EuWest1];

/// A price.
#[derive(Debug)]
pub(super) struct Price {
    /// Whose it is: lines of one service are added up under this name.
    pub(super) service: &'static str,
    /// What is paid for.
    pub(super) what: &'static str,
    /// How many of it one price buys.
    pub(super) units: f64,
    /// The same in words.
    pub(super) per: &'static str,
    /// In US dollars: N. Virginia, Ireland.
    pub(super) dollars: [f64; 2],
    /// Where it was read, and when that was said.
    pub(super) source: &'static str,
}

impl Price {
    /// What so much of it costs, in US dollars.
    pub(super) fn of(&self, quantity: f64, region: Region) -> f64 {
        let [us_east, eu_west] = self.dollars;
        let dollars = match region {
            Region::UsEast1 => us_east,
            Region::EuWest1 => eu_west,
        };
        dollars * quantity / self.units
    }
}

const MILLION: f64 = 1_000_000.0;

/// Somebody's copy of the Price List API of August 2026, for Ireland; N. Virginia from articles of 2026 that agree.
const LISTED: &str = "Price List API, 2026-08";
/// AWS's own page, from a stored copy whose day is not known.
const PAGE: &str = "AWS's page, stored copy";
/// Articles of 2026 that quote AWS's pages.
const QUOTED: &str = "articles quoting AWS, 2026";
/// Known, and not looked up for this table.
const KNOWN: &str = "not looked up again";

const fn price(
    service: &'static str,
    what: &'static str,
    (units, per): (f64, &'static str),
    dollars: [f64; 2],
    source: &'static str,
) -> Price {
    Price { service, what, units, per, dollars, source }
}

const PER_MILLION: (f64, &str) = (MILLION, "million");
const PER_GB_MONTH: (f64, &str) = (1.0, "GB-month");
const PER_GB: (f64, &str) = (1.0, "GB");
const PER_MONTH: (f64, &str) = (1.0, "month");

pub(super) static LAMBDA_CALLS: Price = price("Lambda", "requests", PER_MILLION, [0.20, 0.20], QUOTED);
pub(super) static LAMBDA_TIME: Price = price("Lambda", "duration, arm64", (MILLION, "million GB-s"), [13.3334, 13.3334], QUOTED);
pub(super) static CLOUDFRONT_CALLS: Price = price("CloudFront", "HTTPS requests", PER_MILLION, [1.00, 1.20], KNOWN);
pub(super) static CLOUDFRONT_OUT: Price = price("CloudFront", "to viewers", PER_GB, [0.085, 0.085], PAGE);
pub(super) static CLOUDFRONT_IN: Price = price("CloudFront", "to the functions", PER_GB, [0.020, 0.020], KNOWN);
pub(super) static READ_UNITS: Price = price("DynamoDB", "read request units", PER_MILLION, [0.125, 0.1415], LISTED);
pub(super) static WRITE_UNITS: Price = price("DynamoDB", "write request units", PER_MILLION, [0.625, 0.705], LISTED);
pub(super) static TABLE_STORAGE: Price = price("DynamoDB", "storage", PER_GB_MONTH, [0.25, 0.283], LISTED);
pub(super) static RECOVERY: Price = price("DynamoDB", "point-in-time recovery", PER_GB_MONTH, [0.20, 0.2264], KNOWN);
pub(super) static KMS_CALLS: Price = price("KMS", "symmetric requests", PER_MILLION, [3.00, 3.00], QUOTED);
pub(super) static KMS_SIGNING: Price = price("KMS", "signatures and public keys (ECC)", PER_MILLION, [15.00, 15.00], KNOWN);
pub(super) static KMS_KEYS: Price = price("KMS", "keys", PER_MONTH, [1.00, 1.00], QUOTED);
pub(super) static S3_WRITES: Price = price("S3", "puts, parts and lists", PER_MILLION, [5.00, 5.00], LISTED);
pub(super) static S3_READS: Price = price("S3", "gets", PER_MILLION, [0.40, 0.40], KNOWN);
pub(super) static S3_STORAGE: Price = price("S3", "storage, Standard", PER_GB_MONTH, [0.023, 0.023], LISTED);
pub(super) static SQS_CALLS: Price = price("SQS", "requests", PER_MILLION, [0.40, 0.40], KNOWN);
pub(super) static SCHEDULER: Price = price("Scheduler", "invocations", PER_MILLION, [1.00, 1.00], QUOTED);
pub(super) static LOGS: Price = price("CloudWatch", "logs taken in", PER_GB, [0.50, 0.57], LISTED);
pub(super) static LOGS_KEPT: Price = price("CloudWatch", "logs kept", PER_GB_MONTH, [0.03, 0.03], LISTED);
pub(super) static ALARMS: Price = price("CloudWatch", "alarms", PER_MONTH, [0.10, 0.10], LISTED);
pub(super) static METRICS: Price = price("CloudWatch", "metrics of our own", PER_MONTH, [0.30, 0.30], QUOTED);
pub(super) static BACKUP_TABLES: Price = price("AWS Backup", "tables, warm", PER_GB_MONTH, [0.10, 0.1132], QUOTED);
pub(super) static BACKUP_OBJECTS: Price = price("AWS Backup", "objects, warm", PER_GB_MONTH, [0.05, 0.05], QUOTED);
pub(super) static COPIES: Price = price("AWS Backup", "to the other region", PER_GB, [0.02, 0.02], QUOTED);

/// The table, in the order of the page.
pub(super) static PRICES: [&Price; 24] = [
    &LAMBDA_CALLS,
    &LAMBDA_TIME,
    &CLOUDFRONT_CALLS,
    &CLOUDFRONT_OUT,
    &CLOUDFRONT_IN,
    &READ_UNITS,
    &WRITE_UNITS,
    &TABLE_STORAGE,
    &RECOVERY,
    &KMS_CALLS,
    &KMS_SIGNING,
    &KMS_KEYS,
    &S3_WRITES,
    &S3_READS,
    &S3_STORAGE,
    &SQS_CALLS,
    &SCHEDULER,
    &LOGS,
    &LOGS_KEPT,
    &ALARMS,
    &METRICS,
    &BACKUP_TABLES,
    &BACKUP_OBJECTS,
    &COPIES,
];
