//! Several batches at once, whose members are read and answered in any order.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// A batch with so many members that are owed an answer, and whether all are read at once.
    Begin(usize, bool),
    /// The rest of one is read.
    Read(usize),
    /// A member of one is answered.
    Response(usize, usize, usize),
    /// One asks whether it may be.
    Ask(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..5usize, any::<bool>()).prop_map(|(owed, read)| Step::Begin(owed, read)),
        (0..6usize).prop_map(Step::Read),
        (0..6usize, 0..5usize, 1..40usize)
            .prop_map(|(at, slot, bytes)| Step::Response(at, slot, bytes)),
        (0..6usize).prop_map(Step::Ask),
    ]
}

struct Known {
    batch: usize,
    places: Vec<BatchSlot>,
    answers: Vec<Option<String>>,
    is_read: bool,
}

impl Known {
    fn is_whole(&self) -> bool {
        self.is_read && self.answers.iter().all(Option::is_some)
    }

    /// What each answer takes, and the comma or bracket after it.
    fn bytes(&self) -> usize {
        self.answers.iter().flatten().map(|answer| answer.len() + 1).sum()
    }

    /// The response of one that is whole.
    fn response(&self) -> Option<String> {
        let answers: Vec<_> = self.answers.iter().flatten().map(String::as_str).collect();
        (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
    }
}

const LIMIT: usize = 60;

fn text(whole: Finished<()>) -> Option<String> {
    whole.answer.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

proptest! {
    #[test]
    fn each_is_answered_once_in_order_when_it_is_whole(steps in vec(step(), 0..80)) {
        let (mut batches, mut open) = (Batches::<()>::new(), Vec::<Known>::new());
        for step in steps {
            let (at, whole) = match step {
                Step::Begin(owed, is_read) if open.len() < 6 => {
                    let batch = batches.register(owed);
                    let places = (0..owed).map(|_| batches.add_slot(batch)).collect();
                    open.push(Known { batch, places, answers: vec![None; owed], is_read });
                    (open.len() - 1, if is_read { batches.all_read(batch) } else { None })
                }
                Step::Read(at) if at < open.len() && !open[at].is_read => {
                    open[at].is_read = true;
                    (at, batches.all_read(open[at].batch))
                }
                Step::Response(at, slot, bytes)
                    if at < open.len() && open[at].answers.get(slot) == Some(&None) =>
                {
                    let answer = format!("{slot}").repeat(bytes);
                    open[at].answers[slot] = Some(answer.clone());
                    (at, batches.complete(open[at].places[slot], answer.into()))
                }
                Step::Ask(at) if at < open.len() => {
                    let gathered = batches.bytes();
                    let may = batches.may_gather(open[at].batch, LIMIT);
                    prop_assert!(may || gathered >= LIMIT);
                    // Or those that hold all the room would wait for each other.
                    let others = open.iter().filter(|known| batches.may_gather(known.batch, LIMIT));
                    let others = others.count();
                    prop_assert_eq!(others, if gathered < LIMIT { open.len() } else { 1 });
                    continue;
                }
                _ => continue,
            };
            prop_assert_eq!(whole.is_some(), open[at].is_whole());
            if let Some(whole) = whole {
                prop_assert_eq!(text(whole), open.remove(at).response());
            }
            prop_assert_eq!(batches.bytes(), open.iter().map(Known::bytes).sum::<usize>());
        }
    }

    /// An answer that was let in leaves room for a refusal of each that is to come, so that a batch
    /// never exceeds its limit.
    #[test]
    fn a_batch_stays_within_its_limit(lengths in vec(1..400usize, 1..8)) {
        let mut batches = Batches::<()>::new();
        let batch = batches.register(lengths.len());
        let places: Vec<_> = lengths.iter().map(|_| batches.add_slot(batch)).collect();
        prop_assert_eq!(batches.all_read(batch), None);
        let limit = REFUSAL * (lengths.len() + 2);
        for (place, length) in places.into_iter().zip(lengths) {
            let length = if batches.fits(place, length, limit) { length } else { REFUSAL - 1 };
            if let Some(whole) = batches.complete(place, "x".repeat(length).into()) {
                prop_assert!(text(whole).unwrap().len() <= limit + 1);
            }
        }
    }
}
