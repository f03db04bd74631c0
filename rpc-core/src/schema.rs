//! Descriptions of services, available without a call: for programs that list methods, check names, export schemas or
//! generate code.
//!
//! [`Service::methods`](crate::Service::methods) returns the [`MethodInfo`] of each served method. `ChatClient::INFO`
//! and `ChatServer::INFO` of a `#[service]` trait `Chat` are a [`ServiceInfo`]; they need no implementation.

pub use crate::error::rpc_error::ErrorInfo;
pub use crate::method::{
    MethodFlags, MethodInfo, MethodKind, ParamInfo, ServiceInfo, SubscriptionIds, SubscriptionInfo,
};
