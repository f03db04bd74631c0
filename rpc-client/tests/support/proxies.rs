//! Proxies played by hand. Each maps names that nobody can look up to this machine.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy was asked for.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Starts a proxy that serves each client with `serve`; its address.
pub(crate) async fn start<F>(
    serve: impl Fn(TcpStream, Asked) -> F + Send + 'static,
) -> (String, Asked)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Asked::default();
    let all = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, all.clone()));
        }
    });
    (address, asked)
}

/// A server behind a proxy: the port is the server's, whatever its name is.
async fn server(port: &str) -> io::Result<TcpStream> {
    TcpStream::connect(format!("127.0.0.1:{port}")).await
}

/// An HTTP proxy that lets all through.
pub(crate) async fn tunnel(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    asked: Asked,
) -> io::Result<()> {
    let head = head(&mut client).await?;
    let line = head.lines().next().unwrap_or_default();
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(head.clone());
    let mut server = server(target.rsplit(':').next().unwrap_or_default()).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\nX-Proxy: a\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads the head of a request.
pub(crate) async fn head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8(head).expect("UTF-8"))
}

/// A SOCKS proxy that wants `ada` with the password `secret`, if it is to want that.
pub(crate) async fn socks(
    mut client: TcpStream,
    asked: Asked,
    wants_login: bool,
) -> io::Result<()> {
    let [_, methods] = client.read_u16().await?.to_be_bytes();
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).await?;
    let method = if wants_login { 2 } else { 0 };
    if !offered.contains(&method) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, method]).await?;
    if wants_login {
        assert_eq!(client.read_u8().await?, 1);
        let (user, password) = (short(&mut client).await?, short(&mut client).await?);
        let is_right = (&user[..], &password[..]) == ("ada", "secret");
        client.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let host = match request {
        [5, 1, 0, 1] => std::net::Ipv4Addr::from_bits(client.read_u32().await?).to_string(),
        [5, 1, 0, 3] => short(&mut client).await?,
        other => panic!("{other:?}"),
    };
    let port = client.read_u16().await?;
    asked.lock().unwrap().push(format!("{host}:{port}"));
    let mut server = server(&port.to_string()).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads a text with its length in front.
async fn short(client: &mut TcpStream) -> io::Result<String> {
    let mut text = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).expect("UTF-8"))
}
