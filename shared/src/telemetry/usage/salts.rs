//! The salt of a day: what stands between a row and the tenant that it counts (promise A-12).
//!
//! It is random, made when the day's first call is counted, and lies in a table of its own that nothing copies. It is read for every writing and
//! kept nowhere else, so that destroying the item destroys it. It is used until an hour before its day may be closed, and no run takes that long:
//! so none is made again, and nothing is written under one that is gone. A writing that checked the salt would say the same, and all writings of a
//! day would be in each other's way.

use aws_lc_rs::hmac;
use aws_sdk_dynamodb::types::AttributeValue;
use zeroize::Zeroizing;

use super::day::Day;
use super::lines::Mark;
use crate::platform::{Platform, aws};
use crate::problem::Problem;
use crate::records::item::{self, Damaged, Item, b, n, s};
use crate::telemetry::metrics::FunctionName;

const LENGTH: usize = 32;

/// How long before a day may be closed its salt is neither made nor handed out any more, in seconds: longer than any run takes, so that nothing is
/// written under a salt that is gone.
const NO_MORE_USED: i64 = 60 * 60;

/// How long after the day may be closed TTL takes what was not destroyed, in seconds.
const LEFT_TO_TTL: i64 = 24 * 60 * 60;

/// What a row is named by: hexadecimal digits.
const PSEUDONYM: usize = 32;

/// One day's.
pub(super) struct Salt(Zeroizing<[u8; LENGTH]>);

impl Salt {
    /// What stands for a tenant in the rows of one function on this day: HMAC-SHA-256 under the salt of app ‖ 0 ‖ function ‖ 0 ‖ mark, the first 32
    /// hexadecimal digits. Two functions' rows have nothing in common, so that whoever knows one row's tenant knows no other.
    pub(super) fn pseudonym(&self, app: &str, function: FunctionName, mark: Mark) -> String {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        for part in [app.as_bytes(), &[0], function.as_str().as_bytes(), &[0], mark.text().as_bytes()] {
            mac.update(part);
        }
        hex::encode(mac.sign()).chars().take(PSEUDONYM).collect()
    }

    fn value(&self) -> AttributeValue {
        b(self.0.as_slice())
    }

    fn read(item: &Item) -> Result<Self, Damaged> {
        let salt = item::bytes(item, "salt")?.try_into().map_err(|_| Damaged("salt"))?;
        Ok(Self(Zeroizing::new(salt)))
    }
}

/// The key of a day's salt.
pub(super) fn key(day: Day) -> Item {
    item::item([("day", s(day.to_string()))])
}

/// The salt of a day, made now if there is none yet; none, if nothing is counted for that day any more, or not yet.
///
/// # Errors
/// 503 if there is no randomness or if DynamoDB is away; 500 if the item is damaged.
pub(super) async fn of(platform: &Platform, day: Day) -> Result<Option<Salt>, Problem> {
    let now = platform.now();
    if !day.is_open(now) || now >= day.closes_at() - NO_MORE_USED {
        return Ok(None);
    }
    let found = find(platform, day).await?;
    if found.is_some() {
        return Ok(found);
    }
    make(platform, day).await?;
    find(platform, day).await
}

async fn find(platform: &Platform, day: Day) -> Result<Option<Salt>, Problem> {
    let call = platform.dynamodb().get_item().table_name(table(platform)).set_key(Some(key(day))).consistent_read(true);
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb GetItem salt", &error))?;
    Ok(answer.item.as_ref().map(Salt::read).transpose()?)
}

/// Makes it, unless somebody else has, or we did and never heard.
async fn make(platform: &Platform, day: Day) -> Result<(), Problem> {
    let mut salt = Zeroizing::new([0; LENGTH]);
    platform.random().fill(salt.as_mut_slice())?;
    let mut item = key(day);
    item.insert("salt".to_owned(), Salt(salt).value());
    item.insert("expires_at".to_owned(), n(day.closes_at() + LEFT_TO_TTL));
    let call =
        platform.dynamodb().put_item().table_name(table(platform)).set_item(Some(item)).condition_expression("attribute_not_exists(salt)");
    match call.send().await {
        Err(error) if !error.as_service_error().is_some_and(|fault| fault.is_conditional_check_failed_exception()) => {
            Err(aws::problem("dynamodb PutItem salt", &error))
        }
        _ => Ok(()),
    }
}

/// Whether nothing is counted for the day any more and its salt is gone. The salt itself is not read.
///
/// # Errors
/// 503 if DynamoDB is away.
pub(super) async fn is_closed(platform: &Platform, day: Day) -> Result<bool, Problem> {
    if platform.now() < day.closes_at() {
        return Ok(false);
    }
    let call = platform.dynamodb().get_item().table_name(table(platform)).set_key(Some(key(day))).consistent_read(true);
    // `day` is one of DynamoDB's reserved words.
    let call = call.projection_expression("#day").expression_attribute_names("#day", "day");
    let answer = call.send().await.map_err(|error| aws::problem("dynamodb GetItem salt", &error))?;
    Ok(answer.item.is_none())
}

pub(super) fn table(platform: &Platform) -> &str {
    &platform.config().tables.usage_salts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_beginning_of_its_documented_hmac() {
        let (salt, mark) = (Salt(Zeroizing::new([7; LENGTH])), Mark::read("00112233445566778899aabbccddeeff").unwrap());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; LENGTH]);
        let expected = hex::encode(hmac::sign(&key, b"test-management\0page\x0000112233445566778899aabbccddeeff"));
        let [page, account] = ["page", "account"].map(|function| FunctionName::of(function).unwrap());
        assert_eq!(salt.pseudonym("test-management", page, mark), expected[..32]);
        assert_ne!(salt.pseudonym("other", page, mark), expected[..32], "two apps of one site are not linked");
        assert_ne!(salt.pseudonym("test-management", account, mark), expected[..32], "nor two functions");
    }
}
