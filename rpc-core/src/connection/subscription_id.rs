//! Ids of subscriptions.

use crate::method::SubscriptionIds;
use crate::util::random::{quoted, unguessable};

/// Returns a new id for a subscription, as JSON text. Returns `None` if the system gives no random numbers.
pub(crate) fn subscription_id(ids: SubscriptionIds) -> Option<Box<str>> {
    match ids {
        SubscriptionIds::Strings => Some(quoted(&unguessable()?)),
        SubscriptionIds::Numbers => Some(number(getrandom::u64().ok()?).to_string().into()),
    }
}

/// Returns a number from 1 to below 10^14. JavaScript reads numbers exactly up to 2^53, and Lua's cjson
/// writes no more than 14 digits of a number.
fn number(chance: u64) -> u64 {
    const BELOW: u64 = 100_000_000_000_000;
    1 + chance % (BELOW - 1)
}

#[test]
fn a_number_is_at_least_1_and_has_14_digits_at_most() {
    for (chance, expected) in
        [(0, 1), (1, 2), (99_999_999_999_998, 99_999_999_999_999), (99_999_999_999_999, 1)]
    {
        assert_eq!(number(chance), expected, "{chance}");
    }
}
