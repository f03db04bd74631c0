//! The numbers that the calls of one end bear.

/// The largest id: there are ends that cut ids to 32 bits, and take the highest for a sign.
const LAST: u32 = i32::MAX as u32;

/// Where numbering goes on after [`LAST`].
const AGAIN: u32 = 1 << 30;

/// So many ids lie between the highest start and [`LAST`].
const LEFT: u32 = 1 << 24;

/// Which ids were given out, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    first: u32,
    last: u32,
    /// Whether numbering has begun again.
    goes_round: bool,
}

impl Ids {
    /// From 1.
    pub(crate) const fn new() -> Self {
        Self { first: 1, last: 0, goes_round: false }
    }

    /// None was given out yet: begins far from 1, at a place that `chance` picks. Other ends number their own calls from
    /// 0 or 1, and some take a request with the id of a call of their own for the answer to that.
    pub(crate) fn begin_apart(&mut self, chance: u32) {
        if self.last == 0 {
            self.first = AGAIN + chance % (LAST - LEFT - AGAIN);
            self.last = self.first - 1;
        }
    }

    /// The id that comes next.
    pub(crate) fn next(self) -> u64 {
        self.following().into()
    }

    fn following(self) -> u32 {
        if self.last == LAST { AGAIN } else { self.last + 1 }
    }

    /// Gives out the next one, or leaves it out.
    pub(crate) fn pass(&mut self) {
        self.goes_round |= self.last == LAST;
        self.last = self.following();
    }

    /// The id that came last; 0 before the first.
    pub(crate) fn last(self) -> u64 {
        self.last.into()
    }

    /// Whether an end may have this id from us.
    pub(crate) fn has_given(self, id: u64) -> bool {
        if self.goes_round {
            return id > 0 && id <= LAST.into();
        }
        (u64::from(self.first)..=self.last.into()).contains(&id)
    }
}

#[test]
fn ids_stay_within_31_bits_and_go_round() {
    let mut ids = Ids::new();
    assert!(ids.next() == 1 && !ids.has_given(1));
    ids.pass();
    assert!(ids.has_given(1) && !ids.has_given(0) && !ids.has_given(2));
    ids.begin_apart(7);
    assert_eq!(ids.next(), 2, "chosen once");
    for chance in [0, 1, 12_345_678, u32::MAX] {
        let mut ids = Ids::new();
        ids.begin_apart(chance);
        let first = ids.next();
        assert!(((1 << 30)..(1 << 31) - (1 << 24)).contains(&first), "{first}");
        assert!(!ids.has_given(first) && !ids.has_given(1));
        ids.pass();
        assert!(ids.has_given(first) && ids.last() == first && !ids.has_given(first - 1));
        ids.last = LAST - 1;
        ids.pass();
        assert_eq!((ids.last(), ids.next()), ((1 << 31) - 1, 1 << 30));
        ids.pass();
        assert_eq!(ids.next(), (1 << 30) + 1);
        assert!(ids.has_given(first) && ids.has_given(LAST.into()) && !ids.has_given(1 << 31));
    }
}
