//! The methods of a peer of which is known that they open no stream.
//!
//! The peer is told of a call that is handed on (`forwarded`), so that it names a stream in its answer. That costs both
//! ends as much as the rest of a small call. A method that has answered with a result once is not expected to open a
//! stream, and the peer is told seldom. The answers are those of an honest peer: another one harms only its own streams.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::util::keyed_hash::KeyedHash;
use crate::util::sync::{Mutex, PoisonError};

/// The peer is told of each call of this number, in case the method has changed.
const SELDOM: u32 = 256;

/// The most methods that are remembered.
const MOST: usize = 1024;

/// The methods of one peer, a value of its connection.
#[derive(Default)]
pub(super) struct PlainMethods(Mutex<HashMap<SmolStr, u32, KeyedHash>>);

impl PlainMethods {
    /// Returns whether the peer is to be told that a call of this method is handed on.
    pub(super) fn is_to_tell(&self, method: &str) -> bool {
        let mut methods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(calls) = methods.get_mut(method) else { return true };
        *calls = (*calls + 1) % SELDOM;
        *calls == 0
    }

    /// Takes note that the peer, which was told, has answered a call of this method with a result.
    pub(super) fn learn(&self, method: &str) {
        let mut methods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if methods.len() < MOST && !methods.contains_key(method) {
            methods.insert(method.into(), 0);
        }
    }

    /// Takes note that a method has opened a stream.
    pub(super) fn forget(&self, method: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(method);
    }
}

#[test]
fn a_method_that_answers_is_told_of_seldom() {
    let methods = PlainMethods::default();
    assert!(methods.is_to_tell("a") && methods.is_to_tell("a"));
    methods.learn("a");
    let told = |methods: &PlainMethods| (0..1024).filter(|_| methods.is_to_tell("a")).count();
    assert_eq!(told(&methods), 4);
    methods.forget("a");
    assert_eq!(told(&methods), 1024);
}

#[test]
fn no_more_methods_are_remembered_than_may() {
    let methods = PlainMethods::default();
    (0..2 * MOST).for_each(|name| methods.learn(&name.to_string()));
    assert_eq!(methods.0.lock().unwrap().len(), MOST);
}
