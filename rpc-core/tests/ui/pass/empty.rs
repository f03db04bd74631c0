//! A trait without methods is a service without methods.
#![deny(warnings)]

use rpc_core::{Service, service};

#[service]
pub trait Nothing {}

struct Idle;

impl Nothing for Idle {}

fn main() {
    assert!(NothingServer::new(Idle).methods().is_empty());
}
