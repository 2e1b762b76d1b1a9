//! Ten thousand customers for a month of 30 days: what was counted, as often as it is assumed to happen, and what stands whether anybody comes or
//! not.

use super::assumptions::{
    ASKS_FOR_A_TABLE_KEY, DAYS_COUNTED, FILE_GIGABYTES, FUNCTIONS_A_DAY, GRACE_MONTHS, HABITS, INSTALLS, LEAVINGS, LOOKS_INTO_A_QUEUE,
    MILLISECONDS_NEW, NEW_ENVIRONMENTS, RETURNS, TENANTS, TOMBSTONE_MONTHS, UPGRADES, WITHOUT_KEYS,
};
use super::bill::{Bill, GB};
use super::counting;
use super::prices;
use super::scenes::{ASKED_TENANTS, LARGE_FILE_BYTES, Scenes};
use super::stage::Step;
use super::standing::{Backup, Standing, count};

/// Sites are asked once a week.
const WEEKS: f64 = 30.0 / 7.0;
/// What the buckets' names end in, and the tables'.
const BUCKET: &str = "Bucket";

/// All of it.
pub(super) fn month(scenes: &Scenes, standing: &Standing) -> Bill {
    let mut bill = Bill::default();
    requests(&mut bill, scenes, standing);
    lives(&mut bill, scenes, standing);
    clocks(&mut bill, scenes, standing);
    stands(&mut bill, standing);
    kept(&mut bill, scenes, standing);
    bill
}

/// One request, as they come: the mean of a month.
pub(super) fn one_request(scenes: &Scenes, standing: &Standing) -> Bill {
    let (mut all, mut one) = (Bill::default(), Bill::default());
    requests(&mut all, scenes, standing);
    one.add_all(&all, 1.0 / (HABITS.calls() * TENANTS));
    one
}

/// What customers do.
fn requests(bill: &mut Bill, scenes: &Scenes, standing: &Standing) {
    let day = &scenes.day;
    for (step, times) in [
        (&day.read, HABITS.reads),
        (&day.list, HABITS.lists),
        (&day.write, HABITS.writes),
        (&day.page, HABITS.pages),
        (&day.file_in, HABITS.files_in),
        (&day.file_out, HABITS.files_out),
        (&day.large_file, HABITS.large_files),
        (&day.file_gone, HABITS.files_gone),
        (&day.descriptor, HABITS.descriptors),
        (&day.issues.ignored, HABITS.events_ignored),
        (&day.issues.kept, HABITS.events_kept),
        (&day.issues.read, HABITS.copies_read),
    ] {
        bill.add_all(&Bill::of(step, standing), times * TENANTS);
    }
    let calls = HABITS.calls() * TENANTS;
    let more = day.read_cold.usage.less(&day.read.usage, 1);
    let without_keys = Step { ran: Vec::new(), usage: more, came: 0, went: 0, carried: 0, ..day.read_cold.clone() };
    bill.add_all(&Bill::of(&without_keys, standing), calls * WITHOUT_KEYS);
    bill.add_all(&Bill::of(&scenes.counting.step, standing), calls / f64::from(counting::LINES));
    let gigabytes = standing.gigabytes("configuration");
    bill.add(&prices::LAMBDA_TIME, calls * NEW_ENVIRONMENTS * MILLISECONDS_NEW / 1000.0 * gigabytes);
}

/// Who comes and goes.
fn lives(bill: &mut Bill, scenes: &Scenes, standing: &Standing) {
    let life = &scenes.life;
    for (step, times) in [
        (&life.install, INSTALLS),
        (&life.upgrade, UPGRADES * TENANTS),
        (&life.leave, LEAVINGS),
        (&life.come_back, RETURNS),
        (&life.purge, LEAVINGS),
    ] {
        bill.add_all(&Bill::of(step, standing), times);
    }
}

/// What runs by the clock.
fn clocks(bill: &mut Bill, scenes: &Scenes, standing: &Standing) {
    for step in &scenes.runs {
        let runs: f64 = step.ran.iter().map(|function| standing.runs(function)).sum();
        bill.add_all(&Bill::of(step, standing), runs);
        bill.add(&prices::SCHEDULER, runs);
        if step.ran == ["dormant"] {
            let asking = &scenes.asking;
            let asked = Step { ran: Vec::new(), usage: asking.usage.less(&step.usage, 7), ..asking.clone() };
            bill.add_all(&Bill::of(&asked, standing), WEEKS * TENANTS / f64::from(ASKED_TENANTS));
        }
    }
    bill.add(&prices::SQS_CALLS, standing.polled_queues * LOOKS_INTO_A_QUEUE);
    bill.add(&prices::KMS_CALLS, standing.table_users * ASKS_FOR_A_TABLE_KEY);
}

/// What stands.
fn stands(bill: &mut Bill, standing: &Standing) {
    bill.add(&prices::KMS_KEYS, standing.keys);
    bill.add(&prices::ALARMS, standing.alarms);
    bill.add(&prices::METRICS, standing.metrics);
}

/// What lies there, and its copies.
fn kept(bill: &mut Bill, scenes: &Scenes, standing: &Standing) {
    let table = |name: &str| table_gigabytes(scenes, name);
    bill.add(&prices::TABLE_STORAGE, scenes.stored.tables.keys().map(|name| table(name)).sum());
    bill.add(&prices::RECOVERY, standing.recoverable.iter().map(|name| table(name)).sum());
    bill.add(&prices::S3_STORAGE, file_gigabytes());
    for backup in &standing.backups {
        let gigabytes: f64 = backup.of.iter().map(|name| table(name)).sum();
        bill.add(&prices::BACKUP_TABLES, gigabytes * points(backup, backup.days));
        if backup.copied_days > 0.0 {
            bill.add(&prices::BACKUP_TABLES, gigabytes * points(backup, backup.copied_days));
            bill.add(&prices::COPIES, gigabytes * backup.a_month);
        }
    }
    let of_buckets = |backup: &&Backup| backup.of.iter().any(|name| name.ends_with(BUCKET));
    let backed: Vec<&Backup> = standing.backups.iter().filter(of_buckets).collect();
    // Objects are saved once and then as they change: once here, and once where the copies are.
    let vaults = count(usize::from(!backed.is_empty()) + usize::from(backed.iter().any(|backup| backup.copied_days > 0.0)));
    bill.add(&prices::BACKUP_OBJECTS, file_gigabytes() * vaults);
    if vaults > 1.0 {
        let new = HABITS.files_in + HABITS.large_files * count(LARGE_FILE_BYTES) / count(super::scenes::FILE_BYTES);
        bill.add(&prices::COPIES, new * TENANTS * count(super::scenes::FILE_BYTES) / GB);
    }
}

/// Recovery points of one table that there are at any time: each is whole.
fn points(backup: &Backup, days: f64) -> f64 {
    backup.a_month / 30.0 * days
}

/// Those who are there, and those who left and may come back.
pub(super) fn kept_tenants() -> f64 {
    TENANTS + LEAVINGS * GRACE_MONTHS
}

fn file_gigabytes() -> f64 {
    kept_tenants() * FILE_GIGABYTES
}

/// How large a table is: what each tenant has in it, and the tombstones.
pub(super) fn table_gigabytes(scenes: &Scenes, name: &str) -> f64 {
    if name == counting::TABLE {
        return scenes.counting.row_bytes * FUNCTIONS_A_DAY * DAYS_COUNTED * TENANTS / GB;
    }
    let bytes = |stored: &super::size::Stored| stored.tables.get(name).copied().unwrap_or_default();
    (bytes(&scenes.stored) * kept_tenants() + bytes(&scenes.left_over) * LEAVINGS * TOMBSTONE_MONTHS) / GB
}
