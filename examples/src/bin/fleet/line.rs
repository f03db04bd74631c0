//! A line between an agent and the server that can be cut, as networks do.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Result;

/// A TCP proxy.
pub(crate) struct Line {
    address: SocketAddr,
    /// How often the line was cut.
    cuts: watch::Sender<u64>,
}

impl Line {
    /// Lays a line to the server.
    pub(crate) async fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, cuts) = (listener.local_addr()?, watch::Sender::new(0));
        let cut = cuts.clone();
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                tokio::spawn(carry(from, server, cut.subscribe()));
            }
        });
        Ok(Self { address, cuts })
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Cuts what the line carries at the moment. The next connection passes.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(mut from: TcpStream, server: SocketAddr, mut cut: watch::Receiver<u64>) {
    let Ok(mut to) = TcpStream::connect(server).await else { return };
    // However the line ends, both sockets are closed.
    tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => {}
        _ = cut.changed() => {}
    }
}
