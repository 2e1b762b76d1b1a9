//! What cannot be counted here and is assumed: how long a function waits, and what ten thousand customers do in a month. A vendor who knows
//! better changes a number and prints the page anew.

/// What a function does by itself in one call.
pub(super) const MILLISECONDS: f64 = 3.0;
/// How long it waits for one call to AWS; they are taken one after the other.
pub(super) const MILLISECONDS_A_CALL: f64 = 8.0;
/// How long it waits for the customer's site.
pub(super) const MILLISECONDS_A_SITE: f64 = 200.0;
/// How fast bodies go through a function.
pub(super) const BYTES_A_SECOND: f64 = 40_000_000.0;
/// What one call leaves in the log.
pub(super) const LOG_BYTES: f64 = 500.0;
/// How many calls begin with a new environment, and how long that takes.
pub(super) const NEW_ENVIRONMENTS: f64 = 0.01;
pub(super) const MILLISECONDS_NEW: f64 = 60.0;

/// Customers.
pub(super) const TENANTS: f64 = 10_000.0;
/// Calls that come to a function that does not have the customer's keys.
pub(super) const WITHOUT_KEYS: f64 = 1.0 / 3.0;
/// How many come, leave, and come back in a month.
pub(super) const INSTALLS: f64 = 200.0;
pub(super) const LEAVINGS: f64 = 100.0;
pub(super) const RETURNS: f64 = 10.0;
/// How often the app is upgraded on each site in a month.
pub(super) const UPGRADES: f64 = 2.0;
/// What a customer's files take together, sealed.
pub(super) const FILE_GIGABYTES: f64 = 0.05;
/// For how many months a customer who left is kept, and its tombstone after that.
pub(super) const GRACE_MONTHS: f64 = 110.0 / 30.0;
pub(super) const TOMBSTONE_MONTHS: f64 = 84.0;
/// How many functions a customer uses in a day, and for how many days they are counted.
pub(super) const FUNCTIONS_A_DAY: f64 = 5.0;
pub(super) const DAYS_COUNTED: f64 = 400.0;
/// How often Lambda looks into a queue in 30 days: five pollers, 20 seconds each time.
pub(super) const LOOKS_INTO_A_QUEUE: f64 = 5.0 * 3.0 * 60.0 * 24.0 * 30.0;
/// How often a role that never rests asks for the key of a table in 30 days: every five minutes.
pub(super) const ASKS_FOR_A_TABLE_KEY: f64 = 12.0 * 24.0 * 30.0;

/// What one customer asks for in a month.
pub(super) struct Habits {
    pub(super) reads: f64,
    pub(super) lists: f64,
    pub(super) writes: f64,
    pub(super) pages: f64,
    pub(super) files_in: f64,
    pub(super) files_out: f64,
    pub(super) large_files: f64,
    pub(super) files_gone: f64,
    pub(super) descriptors: f64,
    /// Events of issues that are in no selected project, or of a customer who has selected nothing: Jira sends all of them.
    pub(super) events_ignored: f64,
    pub(super) events_kept: f64,
    pub(super) copies_read: f64,
}

pub(super) const HABITS: Habits = Habits {
    reads: 1_500.0,
    lists: 300.0,
    writes: 60.0,
    pages: 300.0,
    files_in: 8.0,
    files_out: 40.0,
    large_files: 0.4,
    files_gone: 4.0,
    descriptors: 1.0,
    events_ignored: 1_800.0,
    events_kept: 200.0,
    copies_read: 100.0,
};

impl Habits {
    /// All calls of a customer in a month.
    pub(super) fn calls(&self) -> f64 {
        let files = self.files_in + self.files_out + 2.0 * self.large_files + self.files_gone;
        let issues = self.events_ignored + self.events_kept + self.copies_read;
        self.reads + self.lists + self.writes + self.pages + files + self.descriptors + issues
    }
}

/// The list for the page: what, how much.
pub(super) fn said() -> Vec<[String; 2]> {
    let said = |what: &str, much: String| [what.to_owned(), much];
    let habits = HABITS;
    vec![
        said("a function by itself, for one call", format!("{MILLISECONDS} ms")),
        said("waiting for one call to AWS, one after the other", format!("{MILLISECONDS_A_CALL} ms")),
        said("waiting for the customer's site", format!("{MILLISECONDS_A_SITE} ms")),
        said("bodies through a function", format!("{} MB a second", BYTES_A_SECOND / 1e6)),
        said("a new environment", format!("{} % of calls, {MILLISECONDS_NEW} ms each", NEW_ENVIRONMENTS * 100.0)),
        said("a line of the log", format!("{LOG_BYTES} bytes")),
        said("customers", format!("{TENANTS}")),
        said("calls of each in a month", format!("{}", habits.calls())),
        said("… settings read, listed, written", format!("{}, {}, {}", habits.reads, habits.lists, habits.writes)),
        said("… pages opened", format!("{}", habits.pages)),
        said("… files attached, read, uploaded in parts, removed", {
            format!("{}, {}, {}, {}", habits.files_in, habits.files_out, habits.large_files, habits.files_gone)
        }),
        said("… events of issues that are not selected, that are; copies read", {
            format!("{}, {}, {}", habits.events_ignored, habits.events_kept, habits.copies_read)
        }),
        said("calls to a function that does not have the keys", format!("{:.0} %", WITHOUT_KEYS * 100.0)),
        said("customers who come, leave, come back in a month", format!("{INSTALLS}, {LEAVINGS}, {RETURNS}")),
        said("upgrades on each site in a month", format!("{UPGRADES}")),
        said("files of each customer", format!("{} MB", FILE_GIGABYTES * 1000.0)),
        said("tombstones", "of seven years".to_owned()),
        said("lines of the log that are counted at once", format!("{}, each of another customer", super::counting::LINES)),
        said("functions that a customer uses in a day; days that are counted", format!("{FUNCTIONS_A_DAY}, {DAYS_COUNTED}")),
        said("Lambda looks into a queue", format!("{LOOKS_INTO_A_QUEUE} times a month, messages or not")),
        said("a role asks for a table's key", format!("{ASKS_FOR_A_TABLE_KEY} times a month, as if it never rested")),
    ]
}
