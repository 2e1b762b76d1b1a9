//! What each key's own policy lets happen with what the key locks (promises ): the uses that are listed here, by whom and bound to
//! what, and no other. IAM can give no more than this, so nobody opens anything by being generous elsewhere. What ends a key or changes its
//! policy, [`super::key_policies`] knows.

use super::statements::Statement;

/// One use that a key is there for.
struct Use {
    key: &'static str,
    actions: &'static [&'static str],
    /// The principals that it may name.
    whom: &'static [&'static str],
    /// Operator, key, and the values that it may have: each must be demanded.
    bound: &'static [(&'static str, &'static str, &'static [&'static str])],
}

/// What opens nothing, and makes nothing that does. Whatever is not listed is a use, a pattern of actions too.
const ADMINISTERS: [&str; 26] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
];

macro_rules! of_this_account {
    ($rest:literal) => {
        concat!("arn:${AWS::Partition}:iam::${AWS::AccountId}:", $rest)
    };
}

/// Whom IAM lets, of this account: the condition says who that can be.
const ACCOUNT: &[&str] = &[of_this_account!("root")];
const FUNCTIONS: &[&str] = &[of_this_account!("role/lethe/${AWS::StackName}/functions/*")];
const BACKUP_ROLES: &[&str] =
    &[of_this_account!("role/lethe/${AWS::StackName}/backup/*"), of_this_account!("role/lethe/${AWS::StackName}/restore/*")];
const COPY_ROLES: &[&str] = &[
    of_this_account!("role/lethe/LiveStack/backup/*"),
    of_this_account!("role/lethe/LiveStack/restore-copies/*"),
    of_this_account!("role/aws-service-role/backup.amazonaws.com/*"),
];
const TELLERS: &[&str] = &["cloudwatch.amazonaws.com", "events.amazonaws.com"];

const LOCKS: &[&str] =
    &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"];
const READS_AND_WRITES: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey"];
const GRANTS: &[&str] = &["kms:CreateGrant"];

type Bound = (&'static str, &'static str, &'static [&'static str]);

const OF_LETHE: Bound = ("StringEquals", "kms:EncryptionContext:app", &["lethe"]);
const CALLED_FROM_HERE: Bound = ("StringEquals", "kms:CallerAccount", &["AWS::AccountId"]);
const FOR_A_SERVICE: Bound = ("Bool", "kms:GrantIsForAWSResource", &["true"]);
const THROUGH_BACKUP: Bound = ("StringEquals", "kms:ViaService", &["backup.${AWS::Region}.amazonaws.com"]);
const OF_THE_TOPIC: Bound = (
    "StringEquals",
    "kms:EncryptionContext:aws:sns:topicArn",
    &["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-alarms"],
);

const USES: &[Use] = &[
    Use { key: "WrappingKey", actions: READS_AND_WRITES, whom: ACCOUNT, bound: &[("ArnLike", "aws:PrincipalArn", FUNCTIONS), OF_LETHE] },
    Use {
        key: "WrappingKeyReplica",
        actions: &["kms:Decrypt"],
        whom: ACCOUNT,
        bound: &[("ArnEquals", "aws:PrincipalArn", &["RestoreRole"]), OF_LETHE],
    },
    Use {
        key: "StorageKey",
        actions: LOCKS,
        whom: ACCOUNT,
        bound: &[
            CALLED_FROM_HERE,
            (
                "StringEquals",
                "kms:ViaService",
                &[
                    "dynamodb.${AWS::Region}.amazonaws.com",
                    "firehose.${AWS::Region}.amazonaws.com",
                    "s3.${AWS::Region}.amazonaws.com",
                    "sns.${AWS::Region}.amazonaws.com",
                    "sqs.${AWS::Region}.amazonaws.com",
                ],
            ),
        ],
    },
    Use {
        key: "StorageKey",
        actions: GRANTS,
        whom: ACCOUNT,
        bound: &[
            FOR_A_SERVICE,
            CALLED_FROM_HERE,
            ("StringEquals", "kms:ViaService", &["dynamodb.${AWS::Region}.amazonaws.com", "firehose.${AWS::Region}.amazonaws.com"]),
        ],
    },
    Use {
        key: "StorageKey",
        actions: LOCKS,
        whom: &["logs.${AWS::Region}.amazonaws.com"],
        bound: &[(
            "ArnLike",
            "kms:EncryptionContext:aws:logs:arn",
            &["arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/lethe/${AWS::StackName}/*"],
        )],
    },
    Use {
        key: "StorageKey",
        actions: READS_AND_WRITES,
        whom: &["events.amazonaws.com"],
        bound: &[(
            "ArnLike",
            "kms:EncryptionContext:aws:sqs:arn",
            &["arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-*"],
        )],
    },
    Use { key: "StorageKey", actions: READS_AND_WRITES, whom: TELLERS, bound: &[OF_THE_TOPIC] },
    Use { key: "CertificateKey", actions: &["kms:Sign"], whom: ACCOUNT, bound: &[("ArnLike", "aws:PrincipalArn", FUNCTIONS)] },
    Use { key: "BackupKey", actions: LOCKS, whom: ACCOUNT, bound: &[("ArnLike", "aws:PrincipalArn", BACKUP_ROLES)] },
    Use { key: "BackupKey", actions: GRANTS, whom: ACCOUNT, bound: &[FOR_A_SERVICE, ("ArnLike", "aws:PrincipalArn", BACKUP_ROLES)] },
    Use {
        key: "BackupKey",
        actions: &["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"],
        whom: ACCOUNT,
        bound: &[CALLED_FROM_HERE, THROUGH_BACKUP, ("ArnNotLike", "aws:PrincipalArn", FUNCTIONS)],
    },
    Use {
        key: "BackupKey",
        actions: &["kms:CreateGrant", "kms:Decrypt"],
        whom: &["arn:${AWS::Partition}:iam::BackupAccount:root"],
        bound: &[(
            "ArnLike",
            "aws:PrincipalArn",
            &["arn:${AWS::Partition}:iam::BackupAccount:role/aws-service-role/backup.amazonaws.com/*"],
        )],
    },
    Use { key: "CopiesKey", actions: LOCKS, whom: ACCOUNT, bound: &[("ArnLike", "aws:PrincipalArn", COPY_ROLES)] },
    Use { key: "CopiesKey", actions: GRANTS, whom: ACCOUNT, bound: &[FOR_A_SERVICE, ("ArnLike", "aws:PrincipalArn", COPY_ROLES)] },
    Use {
        key: "CopiesKey",
        actions: LOCKS,
        whom: ACCOUNT,
        bound: &[
            CALLED_FROM_HERE,
            ("StringEquals", "kms:ViaService", &["dynamodb.${AWS::Region}.amazonaws.com", "s3.${AWS::Region}.amazonaws.com"]),
        ],
    },
    Use {
        key: "CopiesKey",
        actions: &["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"],
        whom: ACCOUNT,
        bound: &[
            CALLED_FROM_HERE,
            THROUGH_BACKUP,
            ("ArnNotLike", "aws:PrincipalArn", &[of_this_account!("role/lethe/LiveStack/functions/*")]),
        ],
    },
    Use { key: "CopiesKey", actions: READS_AND_WRITES, whom: TELLERS, bound: &[OF_THE_TOPIC] },
];

/// Whether whom a statement names administers the key. Such a statement has no use in it: [`super::key_policies`] sees to that.
pub fn administers(statement: &Statement<'_>) -> bool {
    statement.grants("kms:PutKeyPolicy")
}

/// What a key's policy allows beyond these uses.
pub fn opener_findings(statements: &[Statement<'_>]) -> Vec<String> {
    let own = statements.iter().filter(|statement| statement.allows && !administers(statement));
    let beyond = own.filter_map(|statement| {
        let uses: Vec<_> = used(statement).collect();
        (!uses.is_empty() && serves(statement).is_none()).then(|| format!("{} is not bound: {}", statement.name(), uses.join(", ")))
    });
    beyond.collect()
}

/// The uses that a statement is about.
pub fn used<'s>(statement: &'s Statement<'_>) -> impl Iterator<Item = &'s str> {
    statement.actions.iter().map(String::as_str).filter(|action| !ADMINISTERS.contains(action))
}

/// The row that a statement keeps to.
fn serves(statement: &Statement<'_>) -> Option<usize> {
    let keeps_to = |row: &Use| {
        let whom = statement.principals.iter().all(|who| row.whom.contains(&who.as_str()));
        let is_bound = row.bound.iter().all(|(operator, key, allowed)| {
            let demanded = statement.demands(operator, key);
            !demanded.is_empty() && demanded.iter().all(|value| allowed.contains(value))
        });
        statement.holder.id == row.key && used(statement).all(|action| row.actions.contains(&action)) && whom && is_bound
    };
    USES.iter().position(keeps_to)
}

#[test]
fn every_use_that_is_listed_is_needed() {
    let deployed = super::Deployed::here();
    let both = [&deployed.main, &deployed.backup_region].into_iter().flat_map(super::statements::statements_of);
    let served: Vec<_> =
        both.filter(|statement| statement.allows && used(statement).next().is_some()).filter_map(|one| serves(&one)).collect();
    for (row, listed) in USES.iter().enumerate() {
        assert!(served.contains(&row), "{}: {:?}", listed.key, listed.actions);
    }
}
