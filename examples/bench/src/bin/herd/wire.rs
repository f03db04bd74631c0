//! A wire between clients and server, in a process of its own: whoever kills that cuts all links at once.

use std::net::{Ipv4Addr, SocketAddr};

use bench::Checked;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Leads a port to another one, each link from an address of its own, as clients have.
pub(crate) async fn run(from: &str, to: &str) -> Checked<()> {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to.parse()?));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, from.parse()?)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    for link in 0u32.. {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            // What a link comes to is the business of its ends.
            let _ = carry(near, to, link).await;
        });
    }
    Ok(())
}

async fn carry(mut near: TcpStream, to: SocketAddr, link: u32) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    let [_, _, high, low] = link.to_be_bytes();
    socket.bind((Ipv4Addr::new(127, 1, high, low), 0).into())?;
    let mut far = socket.connect(to).await?;
    copy_bidirectional(&mut near, &mut far).await.map(drop)
}
