//! All types by which threads of this crate share state, in one place, so that a model checker can replace them: see
//! `tests/model`.

#[cfg(not(model))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, OnceLock, PoisonError, Weak};
#[cfg(not(model))]
pub(crate) use std::sync::{Mutex, MutexGuard};
#[cfg(not(model))]
pub(crate) use std::thread_local;

#[cfg(model)]
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
#[cfg(model)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(model)]
pub(crate) use shuttle::thread_local;
