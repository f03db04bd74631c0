//! Methods whose notifications an end does not want.
//!
//! Each end has a set of its own, and says it to the other end. The sets have at most [`MOST`] names, so neither end can
//! make the other one keep much. What was said may differ from what is wanted, while the other end is not known or the
//! queue has no room: the difference is said later.

use std::collections::BTreeSet;

use crate::util::sync::Arc;
use crate::wire::request::write_name;

/// The most methods that an end mutes.
pub(crate) const MOST: usize = 64;

/// The mutes of both ends of a connection.
#[derive(Debug, Default)]
pub(crate) struct Mutes {
    /// What the other end has muted: names as they are written in messages.
    heard: BTreeSet<Box<[u8]>>,
    /// What this end has muted.
    own: BTreeSet<Arc<str>>,
    /// What the other end was told to be muted.
    said: BTreeSet<Arc<str>>,
}

/// What an end says of a method.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mute {
    pub(crate) method: Arc<str>,
    pub(crate) is_muted: bool,
}

/// An end has muted [`MOST`] methods, and mutes no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Mutes {
    /// Mutes a method for this end.
    pub(crate) fn mute(&mut self, method: &str) -> Result<(), TooMany> {
        if self.own.contains(method) {
            return Ok(());
        }
        if self.own.len() >= MOST {
            return Err(TooMany);
        }
        self.own.insert(method.into());
        Ok(())
    }

    /// Takes the mute of a method back.
    pub(crate) fn unmute(&mut self, method: &str) {
        self.own.remove(method);
    }

    /// Returns whether this end has muted a method.
    pub(crate) fn is_muted(&self, method: &str) -> bool {
        self.own.contains(method)
    }

    /// Returns the methods that this end has muted, in alphabetical order.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Arc<str>> {
        self.own.iter()
    }

    /// Returns whether the other end does not know what this end has muted.
    pub(crate) fn has_unsaid(&self) -> bool {
        self.own != self.said
    }

    /// Returns whether the other end was told nothing.
    pub(crate) fn has_said_nothing(&self) -> bool {
        self.said.is_empty()
    }

    /// Returns what the other end does not know, and takes note that it is said now. What is not muted any more comes
    /// first: else the other end would have too many for a moment.
    pub(crate) fn say(&mut self) -> Vec<Mute> {
        let mute = |is_muted| move |method: &Arc<str>| Mute { method: method.clone(), is_muted };
        let unmuted = self.said.difference(&self.own).map(mute(false));
        let muted = self.own.difference(&self.said).map(mute(true));
        let unsaid = unmuted.chain(muted).collect();
        self.said.clone_from(&self.own);
        unsaid
    }

    /// Forgets what the two ends have said: the next one is another end, which knows nothing.
    pub(crate) fn forget_said(&mut self) {
        self.said.clear();
        self.heard.clear();
    }

    /// Notes whether the other end mutes a method.
    pub(crate) fn hear(&mut self, method: &str, is_muted: bool) -> Result<(), TooMany> {
        let mut name = Vec::with_capacity(method.len() + 2);
        write_name(method, &mut name);
        if !is_muted {
            self.heard.remove(&*name);
        } else if !self.heard.contains(&*name) {
            if self.heard.len() >= MOST {
                return Err(TooMany);
            }
            self.heard.insert(name.into());
        }
        Ok(())
    }

    /// Returns whether the other end has muted a method, whose name is written as in a message.
    pub(crate) fn is_heard(&self, written: &[u8]) -> bool {
        self.heard.contains(written)
    }

    /// Returns whether neither end mutes anything, and both know that.
    pub(crate) fn is_empty(&self) -> bool {
        self.heard.is_empty() && self.own.is_empty() && self.said.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn written(method: &str) -> Vec<u8> {
        let mut name = Vec::new();
        write_name(method, &mut name);
        name
    }

    #[test]
    fn an_end_mutes_64_methods_and_no_more() {
        let mut mutes = Mutes::default();
        let names: Vec<_> = (0..=MOST).map(|number| number.to_string()).collect();
        for name in &names[..MOST] {
            assert_eq!((mutes.mute(name), mutes.hear(name, true)), (Ok(()), Ok(())));
        }
        let more = &names[MOST];
        assert_eq!((mutes.mute(more), mutes.hear(more, true)), (Err(TooMany), Err(TooMany)));
        assert!(!mutes.is_muted(more) && !mutes.is_heard(&written(more)));
        // Again is no more.
        assert_eq!((mutes.mute("0"), mutes.hear("0", true)), (Ok(()), Ok(())));

        mutes.unmute("0");
        assert_eq!(mutes.hear("0", false), Ok(()));
        assert_eq!((mutes.mute(more), mutes.hear(more, true)), (Ok(()), Ok(())));
    }

    #[test]
    fn names_are_compared_as_they_are_written() {
        let mut mutes = Mutes::default();
        for method in ["chat.typing", "a \"b\"", "\\", "ä\u{1f}"] {
            assert!(!mutes.is_heard(&written(method)));
            assert_eq!(mutes.hear(method, true), Ok(()));
            assert!(mutes.is_heard(&written(method)));
        }
        assert!(!mutes.is_heard(&written("chat.typin")));
        assert!(!mutes.is_heard(&written("chat.typing2")));
    }

    proptest! {
        /// However much of it is said late, the other end ends with what is wanted, and has never too many meanwhile.
        #[test]
        fn what_is_said_is_what_is_wanted(
            steps in vec((0..3 * MOST, any::<bool>(), 0..8_u8), 0..600),
        ) {
            let (mut near, mut far) = (Mutes::default(), Mutes::default());
            let mut wanted = BTreeSet::new();
            for (number, is_muted, says) in steps {
                let name = number.to_string();
                if is_muted {
                    let fits = wanted.len() < MOST || wanted.contains(&name);
                    prop_assert_eq!(near.mute(&name).is_ok(), fits);
                    if fits {
                        wanted.insert(name);
                    }
                } else {
                    near.unmute(&name);
                    wanted.remove(&name);
                }
                if says == 0 {
                    for said in near.say() {
                        prop_assert_eq!(far.hear(&said.method, said.is_muted), Ok(()));
                    }
                    prop_assert!(!near.has_unsaid());
                    let names: BTreeSet<_> = wanted.iter().map(|name| written(name).into()).collect();
                    prop_assert_eq!(&far.heard, &names);
                }
            }
        }
    }
}
