//! Who IAM says is calling: the identity that AWS checked before the function was called at all, where its URL lets in nobody else
//! (`AuthType: AWS_IAM`).
//!
//! Only [the Lambda door](super::door) makes one, of what Lambda tells it beside the request. No header and no body becomes one, because it
//! travels in the request's extensions, which no caller can write to.
//!
//! Whoever may call `lambda:InvokeFunction` directly writes the whole event, and with it whom it claims to be. So nobody may have that right but
//! through the function's URL, as `OperatorPolicy` of `template.yaml` gives it.

use std::fmt;

/// The longest role and session names that IAM allows make an ARN of less than this.
const MAX_ARN_BYTES: usize = 2048;

/// A user or an assumed role, by its ARN. A role's ARN ends in the name of its session, so it says which person it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(String);

impl Principal {
    /// The principal with this ARN, if it is the ARN of one.
    pub(super) fn told_by_lambda(arn: String) -> Option<Self> {
        let is_principal = match *arn.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, service, "", account, resource] => {
                partition.starts_with("aws") && is_account(account) && is_somebody(service, resource)
            }
            _ => false,
        };
        (is_principal && arn.len() <= MAX_ARN_BYTES && arn.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Self(arn))
    }

    /// Its ARN, whole.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.0
    }
}

fn is_account(account: &str) -> bool {
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
}

/// A user, or a session of a role: never an account as a whole, a federated user, or a role that nobody has taken on.
fn is_somebody(service: &str, resource: &str) -> bool {
    match service {
        "iam" => resource.strip_prefix("user/").is_some_and(|user| !user.is_empty()),
        "sts" => {
            let role_and_session = resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
            role_and_session.is_some_and(|(role, session)| !role.is_empty() && !session.is_empty())
        }
        _ => false,
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_assumed_roles_are_principals_with_all_that_their_names_say() {
        for arn in [
            "arn:aws:sts::111122223333:assumed-role/support/ada",
            "arn:aws:iam::111122223333:user/ops/ada",
            "arn:aws-eusc:sts::111122223333:assumed-role/a:b/c@example.com",
        ] {
            assert_eq!(Principal::told_by_lambda(arn.to_owned()).as_ref().map(Principal::arn), Some(arn));
        }
    }

    #[test]
    fn what_is_not_the_arn_of_one_is_nobody() {
        for arn in [
            "",
            "ada",
            "arn:aws:iam::111122223333",
            "arn:aws:lambda:eu-west-1:111122223333:function:a",
            "arn:aws:sts:eu-west-1:111122223333:assumed-role/a/b",
            "arn:evil:sts::111122223333:assumed-role/a/b",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/support",
            "arn:aws:iam::111122223333:assumed-role/support/ada",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:sts::111122223333:user/ada",
            "arn:aws:sts::111122223333:federated-user/ada",
            "arn:aws:sts::111122223333:assumed-role/support",
            "arn:aws:sts::111122223333:assumed-role/support/",
            "arn:aws:sts::111122223333:assumed-role//ada",
            "arn:aws:sts::11112222333:assumed-role/support/ada",
            "arn:aws:sts::1111222233333:assumed-role/support/ada",
            "arn:aws:sts::11112222333a:assumed-role/support/ada",
            "arn:aws:sts:::assumed-role/support/ada",
            "arn:aws:sts::111122223333:assumed-role/a/b c",
            "arn:aws:sts::111122223333:assumed-role/a/b\n",
            " arn:aws:iam::111122223333:user/ada",
            &format!("arn:aws:iam::111122223333:user/{}", "a".repeat(MAX_ARN_BYTES)),
        ] {
            assert_eq!(Principal::told_by_lambda(arn.to_owned()), None, "{arn}");
        }
    }
}
