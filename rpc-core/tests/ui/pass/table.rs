//! What is known of a service is reached from both halves, wherever they are, and costs no warning.
#![deny(warnings, missing_docs)]

pub mod offered {
    //! With a name of one's own for each type that the table is of.

    use rpc_core::service;

    type ServiceInfo = u8;
    type MethodInfo = Option<ServiceInfo>;

    /// What is offered.
    #[service(dyn)]
    pub trait Shop {
        /// Buys.
        async fn buy(&self, count: ServiceInfo) -> MethodInfo;
        #[doc(hidden)]
        #[expect(deprecated, reason = "that is what is tested")]
        async fn old(&self, #[param(default)] what: super::Old) -> super::Old;
    }
}

/// Once was useful.
#[deprecated]
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Old;

/// In generic code too there is one table.
pub fn count_methods<S>(_: &S) -> (usize, usize) {
    (offered::ShopClient::METHODS.len(), offered::ShopServer::METHODS.len())
}

#[rpc_core::service]
trait Nothing {}

#[test]
fn both_halves_have_it() {
    assert_eq!(count_methods(&()), (2, 2));
    assert_eq!((NothingClient::INFO.methods.len(), NothingServer::INFO.methods.len()), (0, 0));
    assert_eq!(offered::ShopServer::INFO.methods[0].returns, "MethodInfo");
}
