//! Ids of subscriptions.

use crate::method::SubscriptionIds;
use crate::util::random::{quoted, unguessable};

/// The id of a new subscription, as JSON text; `None` if the system has no random numbers to give.
pub(crate) fn subscription_id(ids: SubscriptionIds) -> Option<Box<str>> {
    match ids {
        SubscriptionIds::Strings => Some(quoted(&unguessable()?)),
        SubscriptionIds::Numbers => Some(number(getrandom::u64().ok()?).to_string().into()),
    }
}

/// A number from 1 to below 10^14: JavaScript reads numbers to the last digit up to 2^53, and Lua's cjson
/// writes no more than 14 digits of one.
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
