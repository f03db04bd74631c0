//! A server that the suite connects to.

use std::io;

use tokio::net::TcpListener;

use crate::echo::echo;
use crate::handshake::accept;

/// Echoes to whoever connects.
pub(crate) async fn serve(listen: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            match accept(stream).await {
                Ok(socket) => echo(socket).await,
                Err(error) => println!("no WebSocket: {error}"),
            }
        });
    }
}
