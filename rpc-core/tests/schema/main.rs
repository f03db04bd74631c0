//! The model of services, and the documents that are made of it.

#[path = "../support/mod.rs"]
mod support;

mod comparisons;
mod contract;
mod definitions;
mod diff;
mod documents;
mod mistakes;
mod model;
mod offers;
mod openrpc;
mod serving;
mod typescript;
mod unstable;
