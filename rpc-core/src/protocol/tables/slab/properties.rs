//! The slab against a plain list of keys and values.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::tables::key::Outgoing;

#[derive(Debug, Clone)]
enum Step {
    Register(u8),
    /// Under a generation that is taken earlier than the slot.
    InPlace(u8),
    /// A generation that no value gets.
    Skip(usize),
    Change(usize, u8),
    Remove(usize),
    Drain,
    Shrink,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Register),
        2 => any::<u8>().prop_map(Step::InPlace),
        1 => (0..3usize).prop_map(Step::Skip),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Step::Change(at, value)),
        4 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Drain),
        1 => Just(Step::Shrink),
    ]
}

proptest! {
    #[test]
    fn a_key_names_its_own_value_until_that_is_removed(steps in vec(step(), 0..80)) {
        let mut slab = Slab::<u8, Outgoing>::new();
        let mut model: Vec<(Key<Outgoing>, u8)> = Vec::new();
        let (mut gone, mut generations) = (Vec::new(), 0);
        for step in steps {
            match step {
                Step::Register(value) => {
                    model.push((slab.register(value), value));
                    generations += 1;
                }
                Step::InPlace(value) => {
                    let generation = slab.next_generation();
                    let later = slab.register(0);
                    let (key, place) = slab.register_in_place(generation);
                    *place = value;
                    model.extend([(later, 0), (key, value)]);
                    generations += 2;
                    prop_assert!(key.generation < later.generation);
                }
                Step::Skip(count) => {
                    slab.skip_generations(count);
                    generations += count as u64;
                }
                Step::Change(at, value) if !model.is_empty() => {
                    let at = at % model.len();
                    let (key, known) = &mut model[at];
                    *slab.get_mut(*key).unwrap() = value;
                    *known = value;
                }
                Step::Remove(at) if !model.is_empty() => {
                    let (key, value) = model.swap_remove(at % model.len());
                    prop_assert_eq!(slab.remove(key), Some(value));
                    gone.push(key);
                }
                Step::Drain => {
                    let mut drained: Vec<_> = slab.drain().collect();
                    let mut known: Vec<_> = model.iter().map(|(_, value)| *value).collect();
                    drained.sort_unstable();
                    known.sort_unstable();
                    prop_assert_eq!(drained, known);
                    gone.extend(model.drain(..).map(|(key, _)| key));
                }
                Step::Shrink => slab.shrink(),
                Step::Change(..) | Step::Remove(_) => {}
            }
            prop_assert_eq!((slab.len(), slab.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(slab.generations(), generations);
            for (key, value) in &model {
                prop_assert_eq!(slab.get(*key), Some(value));
            }
            for key in &gone {
                prop_assert!(!slab.contains(*key));
                prop_assert_eq!(slab.get_mut(*key), None);
                prop_assert_eq!(slab.remove(*key), None);
            }
            let mut keys: Vec<_> = slab.iter().map(|(key, value)| (key.generation, *value)).collect();
            let mut known: Vec<_> = model.iter().map(|(key, value)| (key.generation, *value)).collect();
            keys.sort_unstable();
            known.sort_unstable();
            prop_assert_eq!(keys, known);
            // Only as many slots as there were values at once.
            prop_assert!(slab.slots.iter().all(|slot| slot.generation <= generations));
        }
    }
}
