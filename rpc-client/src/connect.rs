//! From a URL to a TCP connection, and on to the WebSocket.

use std::io;
use std::net::SocketAddr;

use rpc_core::Limits;
use tokio::net::{TcpStream, lookup_host};

use crate::error::ConnectError;
use crate::handshake::Handshake;
use crate::race;
use crate::socket::Socket;
use crate::target::Target;
#[cfg(feature = "tls-no-provider")]
use crate::tls::{self, Tls};

/// All that it takes to connect.
pub(crate) struct Attempt {
    pub(crate) handshake: Handshake,
    /// The system's roots if there is none.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<Tls>,
}

impl Attempt {
    /// Connects; may be dropped at any point.
    pub(crate) async fn run(&self, limits: &Limits) -> Result<Socket, ConnectError> {
        let target = &self.handshake.target;
        #[cfg(feature = "tls-no-provider")]
        if let Some(name) = &target.proven {
            // First what may be missing here: then nobody is bothered.
            let tls = Tls::or_default(self.tls.clone()).await?;
            let stream = tls.connect(name.clone(), tcp(target).await?).await;
            let stream = stream.map_err(|error| tls::of_handshake(target, error))?;
            let socket = self.handshake.run(stream, limits).await?;
            return Ok(Socket::Tls(Box::new(socket)));
        }
        let socket = self.handshake.run(tcp(target).await?, limits).await?;
        Ok(Socket::Plain(Box::new(socket)))
    }
}

/// A TCP connection to the target. If its host has several addresses, the address that answers first wins.
async fn tcp(target: &Target) -> Result<TcpStream, ConnectError> {
    let io = |error| ConnectError::Io { host: target.name.clone(), error };
    let addresses = lookup_host((target.host.as_str(), target.port)).await;
    let addresses = addresses.map_err(|error| io(of_look_up(target, error)))?;
    let addresses = race::in_turns(addresses);
    race::connect(&addresses, connect_to).await.map_err(|failures| io(failures.into()))
}

/// Systems say of a zone that they do not know what they say of a name.
fn of_look_up(target: &Target, error: io::Error) -> io::Error {
    if !target.host.contains('%') {
        return error;
    }
    let hint = "write a network interface of this machine behind `%25`, and only if the address begins \
                with `fe80:`";
    io::Error::new(error.kind(), format!("no such zone ({error}): {hint}"))
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Small messages must not wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true)?;
    Ok(stream)
}
