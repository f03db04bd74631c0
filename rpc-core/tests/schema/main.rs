//! The model of services, and the documents that are made of it.

mod contract;
mod definitions;
mod diff;
mod documents;
mod mistakes;
mod model;
mod openrpc;
mod serving;
mod typescript;
mod unstable;
