//! JSON Patch (RFC 6902): what differs between two JSON texts, and texts that patches change.
//!
//! Both work on text. A publisher of a large value compares the texts of two versions: equal parts are compared as
//! bytes and no value is built. A receiver keeps the text of a part until a patch names something inside the part.

mod diff;
mod document;
mod log;
mod operations;
mod parts;
mod pointer;

pub(crate) use diff::diff;
pub(crate) use document::{Document, Unfit};
pub(crate) use log::Log;
pub(crate) use operations::Operations;

#[cfg(test)]
mod properties;
