//! How a server is reached: by a URL, or over the pipes of a program that is started.

use rpc_client::{Client, ClientBuilder, ConnectError};
use rpc_core::transport::Framing;
use tokio::process::Command;

/// The arguments behind the name of a server: a URL, or a program with its own arguments.
pub(crate) struct Reached(pub(crate) Vec<String>);

impl Reached {
    /// Returns whether the server is a program that is started.
    pub(crate) fn is_piped(&self) -> bool {
        !self.0[0].starts_with("ws")
    }

    /// Connects. A program speaks in lines.
    pub(crate) async fn connect(self, builder: ClientBuilder) -> Result<Client, ConnectError> {
        self.connect_framed(builder, Framing::Lines).await
    }

    /// Connects. A program speaks in this framing.
    pub(crate) async fn connect_framed(
        self,
        builder: ClientBuilder,
        framing: Framing,
    ) -> Result<Client, ConnectError> {
        if !self.is_piped() {
            return builder.connect(&self.0[0]).await;
        }
        let start = move || {
            let mut command = Command::new(&self.0[0]);
            command.args(&self.0[1..]);
            command
        };
        builder.framing(framing).spawn(start).await
    }
}
