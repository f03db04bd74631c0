//! What a user forbids is not allowed in what is made: that would be an error of its own.
#![forbid(deprecated, non_snake_case, non_camel_case_types, dead_code, unused_imports)]
#![forbid(clippy::all, clippy::pedantic, clippy::shadow_reuse, clippy::shadow_same)]
#![forbid(clippy::shadow_unrelated, private_interfaces)]

use std::fmt;

use rpc_core::{Context, RpcError, service};

/// Without `thiserror`, which allows what is deprecated.
#[derive(Debug, RpcError)]
pub enum Full {
    #[rpc(code = 1)]
    Full { seats: u32 },
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("full")
    }
}

impl std::error::Error for Full {}

#[service(dyn)]
pub trait Chat {
    async fn join(
        &self,
        cx: &Context,
        room: &str,
        #[param(default)] seat: u32,
    ) -> Result<u32, Full>;
    #[notification]
    async fn say(&self, room: String);
}
