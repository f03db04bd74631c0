//! What a user's path, type or constant means does not depend on how methods, parameters and traits
//! are called.
#![deny(warnings)]

use std::fmt;

use rpc_core::validate::Invalid;
use rpc_core::{RpcError, Streaming, service};

fn room(_: &str) -> Result<(), Invalid> {
    Ok(())
}

fn cx(_: &u8) -> Result<(), Invalid> {
    Ok(())
}

const fn size() -> usize {
    4
}

const fn params() -> usize {
    2
}

/// Beside it a pattern `max` would be this constant.
#[expect(non_upper_case_globals, reason = "that is what is tested")]
const max: u32 = 4;

#[service]
trait Functions {
    async fn room(&self, #[param(validate = room)] name: String) -> u32;
    async fn cx(&self, #[param(validate = cx)] params: u8, #[param(validate = cx)] cx: u8);
    async fn size(&self) -> u32;
    async fn params(&self, data: [u8; size()], more: [u8; params()]) -> [u8; size()];
    async fn sent(&self, sent: u32, by_name: [u8; size()]) -> Streaming<[u8; params()]>;
    #[notification]
    async fn notice(&self, #[param(validate = room)] room: &str);
}

/// Without `thiserror`, whose patterns mean the constant.
#[derive(Debug, RpcError)]
enum Full {
    #[rpc(code = 1)]
    Full { max: u32, error: [u8; size()] },
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("full")
    }
}

impl std::error::Error for Full {}

/// A trait may be called as any parameter of ours.
macro_rules! called {
    ($($name:ident)*) => {
        $(mod $name {
            use rpc_core::service;

            #[service(dyn)]
            pub trait $name {
                async fn call(&self, of: u8) -> Option<u8>;
                #[notification]
                async fn told(&self);
            }
        })*
    };
}

#[expect(non_snake_case, reason = "each is called as its trait")]
mod traits {
    called! { S T P E L F R A B }
}

const _: fn() = || {
    let _ = (max, Full::Full { max, error: [0; size()] });
};
