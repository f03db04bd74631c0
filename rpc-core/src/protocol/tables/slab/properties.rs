//! The slab against a plain list of keys and values.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::tables::key::{Outgoing, OutgoingKey};

#[derive(Debug, Clone)]
enum Step {
    Register(u8),
    Change(usize, u8),
    Remove(usize),
    Clear,
    Shrink,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Register),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Step::Change(at, value)),
        5 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => Just(Step::Shrink),
    ]
}

proptest! {
    #[test]
    fn a_key_names_its_own_value_until_that_is_removed(steps in vec(step(), 0..80)) {
        let mut slab = Slab::<u8, Outgoing>::new();
        let mut model: Vec<(OutgoingKey, u8)> = Vec::new();
        let (mut gone, mut generations, mut most) = (vec![OutgoingKey::default()], 0, 0);
        for step in steps {
            match step {
                Step::Register(value) => {
                    model.push((slab.register(value), value));
                    generations += 1;
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
                Step::Clear => {
                    slab.clear();
                    prop_assert!(!slab.has_memory());
                    gone.extend(model.drain(..).map(|(key, _)| key));
                    most = 0;
                }
                Step::Shrink => {
                    slab.shrink();
                    prop_assert!(slab.has_memory() != model.is_empty());
                    most = if model.is_empty() { 0 } else { most };
                }
                Step::Change(..) | Step::Remove(_) => {}
            }
            most = most.max(model.len());
            let slots = slab.slots.as_ref().map_or(0, |slots| slots.all.len());
            prop_assert_eq!(slots, most, "places are used again");
            prop_assert_eq!((slab.len(), slab.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!(slab.generations(), generations);
            for (key, value) in &model {
                prop_assert_eq!(slab.get(*key), Some(value));
            }
            for key in &gone {
                prop_assert_eq!(slab.get(*key), None);
                prop_assert_eq!(slab.get_mut(*key), None);
                prop_assert_eq!(slab.remove(*key), None);
            }
            let mut found: Vec<_> = slab.iter().map(|(key, value)| (key.generation, *value)).collect();
            let mut known: Vec<_> = model.iter().map(|(key, value)| (key.generation, *value)).collect();
            found.sort_unstable();
            known.sort_unstable();
            prop_assert_eq!(found, known);
        }
    }
}
