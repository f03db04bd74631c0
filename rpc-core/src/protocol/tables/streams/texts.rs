//! The values of several items that came in one message, kept in one text.
//!
//! A box for each would cost more than all else that is done for a small item. The text lives until its last item is
//! taken, and until then all its items count as waiting.

use super::cost;
use crate::wire::item::Values;

/// The values, of which some may have been taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    /// With a comma between each two.
    text: Box<str>,
    /// Where each value ends in the text.
    ends: Box<[u16]>,
    /// How many were taken.
    taken: usize,
    /// What all of them count for.
    pub(crate) cost: usize,
}

impl Texts {
    pub(crate) fn new(values: Values<'_>) -> Self {
        let cost = values.lengths().map(cost).sum();
        let Values { text, ends } = values;
        Self { text: text.into(), ends: ends.into(), taken: 0, cost }
    }

    /// Returns how many items there are, with those that were taken.
    pub(crate) fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Returns whether all items but one were taken.
    pub(crate) fn is_at_last(&self) -> bool {
        self.taken + 1 >= self.ends.len()
    }

    /// Takes the next value, which is JSON text.
    pub(crate) fn next(&mut self) -> Option<&str> {
        let end = usize::from(*self.ends.get(self.taken)?);
        let start = match self.taken.checked_sub(1) {
            Some(before) => usize::from(self.ends[before]) + 1,
            None => 0,
        };
        self.taken += 1;
        Some(&self.text[start..end])
    }
}

#[test]
fn values_come_in_their_order() {
    use crate::wire::scan::Scanner;

    let array = r#"[1,"a,b",[2,3],{}]"#;
    let mut texts = Texts::new(Values::take(&mut Scanner::new(array), 9).unwrap());
    assert_eq!((texts.len(), texts.cost), (4, 4 * cost(0)));
    for (expected, is_last) in [("1", false), ("\"a,b\"", false), ("[2,3]", false), ("{}", true)] {
        assert_eq!(texts.is_at_last(), is_last);
        assert_eq!(texts.next(), Some(expected));
    }
    assert_eq!(texts.next(), None);
}
