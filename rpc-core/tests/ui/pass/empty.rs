//! A trait without methods is a service without methods.
#![deny(warnings)]

use rpc_core::{Service, service};

#[service]
pub trait Nothing {}

struct Idle;

impl Nothing for Idle {}

#[test]
fn a_trait_without_methods_is_a_service_without_methods() {
    assert!(NothingServer::new(Idle).methods().is_empty());
}
