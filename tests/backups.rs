//! Backups, their copies and the keys' policies as deployed (promises, E-17, E-28). What must hold are rules of
//! [`crate::rules`]; here each is held against templates that must fail it, and against what the rules themselves are made of.

use shared::records::backups::{BackupClass, STORES};

use crate::rules::Deployed;
use crate::rules::backups::backup_findings;
use crate::rules::jurisdictions::jurisdiction_findings;
use crate::rules::key_policies::key_policy_findings;

const TEMPLATE: &str = include_str!("../template.yaml");
const BACKUP_REGION: &str = include_str!("../backup-region.yaml");

/// A template once this piece of it, found after `within`, is another.
#[track_caller]
fn with(template: &str, within: &str, piece: &str, other: &str) -> String {
    let (before, after) = template.split_once(&format!("\n  {within}:\n")).unwrap_or_else(|| panic!("there is no {within}"));
    assert!(after.contains(piece), "{within} does not say {piece}");
    format!("{before}\n  {within}:\n{}", after.replacen(piece, other, 1))
}

/// What the rule of backups finds then.
#[track_caller]
fn backups_with(within: &str, piece: &str, other: &str) -> Vec<String> {
    backup_findings(&Deployed::of(&with(TEMPLATE, within, piece, other), BACKUP_REGION))
}

/// Promises, E-17, E-28.
#[test]
fn everything_is_backed_up_as_its_contents_ask_and_nothing_longer_than_the_timeline_has() {
    assert_eq!(backup_findings(&Deployed::here()), Vec::<String>::new());
}

/// Promises A-34, E-28.
#[test]
fn copies_stay_in_the_jurisdiction_of_what_they_are_copies_of() {
    assert_eq!(jurisdiction_findings(&Deployed::here()), Vec::<String>::new());
}

/// Promises A-36, E-28.
#[test]
fn whoever_administers_a_key_cannot_use_it_nor_end_it() {
    assert_eq!(key_policy_findings(&Deployed::here()), Vec::<String>::new());
}

#[test]
fn every_store_that_the_code_knows_is_in_the_template() {
    let deployed = Deployed::here();
    for store in STORES {
        assert!(deployed.resource(store.resource).is_some(), "{}", store.resource);
    }
}

#[test]
fn a_table_that_is_left_out_or_taken_in_is_noticed() {
    let told = ["ConfigurationTable is backed up as [], and what lies in it asks for [Standard]"];
    assert_eq!(backups_with("StandardBackups", "          - !GetAtt ConfigurationTable.Arn\n", ""), told);
    let told = ["LicencesTable is backed up as [Standard], and what lies in it asks for []"];
    assert_eq!(
        backups_with("StandardBackups", "!GetAtt SealedBucket.Arn", "!GetAtt SealedBucket.Arn\n          - !GetAtt LicencesTable.Arn"),
        told
    );
    let told = ["TenantKeysTable is backed up as [Standard, Keys], and what lies in it asks for [Keys]"];
    assert_eq!(
        backups_with("StandardBackups", "!GetAtt SealedBucket.Arn", "!GetAtt SealedBucket.Arn\n          - !GetAtt TenantKeysTable.Arn"),
        told
    );
    assert_eq!(BackupClass::of("AnotherTable"), BackupClass::None);
}

#[test]
fn point_in_time_recovery_of_what_is_not_backed_up_is_noticed() {
    let told = ["LicencesTable lacks point-in-time recovery if it is backed up, and none if not"];
    assert_eq!(backups_with("LicencesTable", "PointInTimeRecoveryEnabled: false", "PointInTimeRecoveryEnabled: true"), told);
}

/// Promise E-34.
#[test]
fn a_point_or_a_copy_that_is_kept_for_longer_is_noticed() {
    let told = ["StandardBackupPlan (every-three-hours) keeps for 200 days, and DataBackupDays may be 7"];
    assert_eq!(backups_with("StandardBackupPlan", "DeleteAfterDays: 7", "DeleteAfterDays: 200"), told);
    let told = ["KeyBackupPlan (every-three-hours) keeps for 35 days, and KeyBackupDays may be 1"];
    assert_eq!(backups_with("KeyBackupPlan", "!Ref KeyBackupDays", "!Ref DataBackupDays"), told);
    let told = ["ProofBackupPlan (every-three-hours) keeps without an end"];
    assert_eq!(backups_with("ProofBackupPlan", "Lifecycle: { DeleteAfterDays: !Ref DataBackupDays }", "Lifecycle: {}"), told);
    let cold = "DeleteAfterDays: 7, MoveToColdStorageAfterDays: 1";
    let told = ["StandardBackupPlan (every-three-hours) keeps in cold storage, whose shortest stay is 90 days"];
    assert_eq!(backups_with("StandardBackupPlan", "DeleteAfterDays: 7", cold), told);
    let told = ["KeyBackupVault lacks a lock at the days that the timeline has"];
    assert_eq!(backups_with("KeyBackupVault", "MaxRetentionDays: !Ref KeyBackupDays", "MaxRetentionDays: !Ref DataBackupDays"), told);
    let told = ["BackupVault lacks a lock that can be opened in an emergency"];
    assert_eq!(backups_with("BackupVault", "MinRetentionDays: 1", "MinRetentionDays: 1, ChangeableForDays: 3"), told);
}

/// The timeline counts a day for the making of a backup of keys, and eight for any other.
#[test]
fn a_backup_that_may_take_longer_than_the_timeline_has_for_it_is_noticed() {
    let told = ["KeyBackupPlan (every-three-hours) may take longer than the 1 days that the timeline has for it"];
    assert_eq!(backups_with("KeyBackupPlan", "CompletionWindowMinutes: 720", "CompletionWindowMinutes: 1440"), told);
}

#[test]
fn windows_that_overlap_are_noticed() {
    let told = ["StandardBackupPlan: the windows of daily and every-three-hours overlap, and AWS leaves one backup out"];
    assert_eq!(backups_with("StandardBackupPlan", "cron(0 0,6,", "cron(0 0,3,6,"), told);
    let told = ["StandardBackupPlan: two points may be 270 minutes apart, and 240 are promised"];
    assert_eq!(backups_with("StandardBackupPlan", "cron(0 3 * * ? *)", "cron(30 2 * * ? *)"), told, "they do not overlap");
}

/// Promise A-47.
#[test]
fn points_that_are_more_than_four_hours_apart_are_noticed() {
    let every_four = backups_with("KeyBackupPlan", "cron(0 1/3 * * ? *)", "cron(0 1/4 * * ? *)");
    for told in ["KeyBackupPlan: two points may be 300 minutes apart, and 240 are promised", "a round's keys may be older than its tenants"]
    {
        assert!(every_four.contains(&told.to_owned()), "{every_four:?}");
    }
    let unread = backups_with("ProofBackupPlan", "cron(0 2/3 * * ? *)", "rate(3 hours)");
    let told = "ProofBackupPlan (every-three-hours) has a schedule that cannot be reckoned with: rate(3 hours)";
    assert!(unread.contains(&told.to_owned()), "{unread:?}");
}

/// Promise E-28.
#[test]
fn a_role_that_comes_near_backups_is_noticed() {
    let found =
        backups_with("PurgeWorkerRole", "Action: [logs:CreateLogStream", "Action: [backup:DeleteRecoveryPoint, logs:CreateLogStream");
    assert_eq!(found, ["PurgeWorkerRole (WriteLog): comes near backups: backup:DeleteRecoveryPoint"]);
    let told = ["BackupVault lacks a policy by which no function reads a point"];
    assert_eq!(backups_with("BackupVault", ", backup:StartRestoreJob", ""), told);
    let told = ["KeyBackupVault lacks a policy by which nobody deletes a point or prolongs it"];
    assert_eq!(backups_with("KeyBackupVault", "backup:DeleteRecoveryPoint, ", ""), told);
}

/// Promises A-34, E-28.
#[test]
fn a_copy_that_leaves_its_jurisdiction_is_noticed() {
    let main = |piece: &str, other: &str| jurisdiction_findings(&Deployed::of(&TEMPLATE.replacen(piece, other, 1), BACKUP_REGION));
    let found = main("BackupRegion: eu-central-1", "BackupRegion: us-east-1");
    assert_eq!(found[0], "us-east-1 is in another jurisdiction than eu-west-1, which it backs up");
    assert!(found[1].starts_with("backup-region.yaml is deployed to"), "{found:?}");
    let found = main("[us-east-1, us-west-2, eu-west-1, eu-west-2]", "[us-east-1, us-west-2, eu-west-1, eu-west-2, eu-central-1]");
    assert_eq!(found, ["eu-central-1 has no backup region"]);
    let found = main("Assert: !Not [!Equals [!Ref BackupAccount, \"\"]]", "Assert: !Not [!Equals [!Ref AlarmEmail, \"\"]]");
    assert_eq!(found, ["copies of eu-west-2 lie in eu-west-2, and need not lie in another account"]);
    let told = ["KeyBackupPlan (every-three-hours) copies elsewhere than to its vault in the backup region"];
    assert_eq!(backups_with("KeyBackupPlan", "${AWS::StackName}-key-copies", "${AWS::StackName}-data-copies"), told);
    let other =
        |within: &str, piece: &str, other: &str| jurisdiction_findings(&Deployed::of(TEMPLATE, &with(BACKUP_REGION, within, piece, other)));
    assert_eq!(other("DataBackupDays", "MaxValue: 35", "MaxValue: 90"), ["DataBackupDays has another MaxValue in backup-region.yaml"]);
    let told = ["KeyCopiesVault lacks a lock at the days that the timeline has"];
    assert_eq!(other("KeyCopiesVault", "MaxRetentionDays: !Ref KeyBackupDays", "MaxRetentionDays: !Ref DataBackupDays"), told);
}

/// Promise A-36.
#[test]
fn a_key_that_anybody_may_open_or_end_is_noticed() {
    let with =
        |within: &str, piece: &str, other: &str| key_policy_findings(&Deployed::of(&with(TEMPLATE, within, piece, other), BACKUP_REGION));
    assert_eq!(
        with("StorageKey", "kms:DescribeKey,", "kms:DescribeKey, kms:Decrypt,"),
        ["StorageKey lacks administrators who cannot use it"]
    );
    let told = ["CertificateKey lacks a policy by which break-glass alone ends or opens it"];
    assert_eq!(with("CertificateKey", "Action: [kms:DisableKey, kms:PutKeyPolicy,", "Action: [kms:PutKeyPolicy,"), told);
    let told = ["BackupKey lacks thirty days before it is deleted"];
    assert_eq!(with("BackupKey", "PendingWindowInDays\": \"30\"", "PendingWindowInDays\": \"7\""), told);
    let told = ["WrappingKey lacks a policy by which it leaves for the backup region alone"];
    assert_eq!(with("WrappingKey", "!FindInMap [Jurisdictions, !Ref AWS::Region, BackupRegion]", "us-west-2"), told);
}
