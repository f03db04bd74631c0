//! The app as a client sees it that is no browser: it logs in by hand, and keeps the cookie itself.

use std::error::Error;
use std::net::SocketAddr;

use rpc_client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::board::{BoardClient, Note, Page, PageServer};

struct Yes;

impl Page for Yes {
    async fn confirm(&self, question: &str) -> bool {
        println!("asked: {question}");
        true
    }
}

/// Shows the app at `address`.
pub(crate) async fn itself(address: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = format!("ws://{address}/rpc");
    if let Err(error) = Client::builder().connect(&url).await {
        println!("without a cookie: {error}");
    }
    let answer = post(address, "/login", "", r#"{"name":"Ada"}"#).await?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next()).ok_or("no cookie")?;
    let page = Client::builder().header("cookie", cookie).service(PageServer::new(Yes));
    let page = page.connect(&url).await?;

    let board = BoardClient::new(page.peer());
    let mut notes = board.notes().await?;
    println!("notes on the board: {}", board.pin("water the plants".into()).await?);
    let Note { author, text } = notes.next().await.ok_or("the board is open")??;
    println!("{author} has pinned: {text}");

    post(address, "/logout", &format!("Cookie: {cookie}\r\n"), "null").await?;
    println!("{}", page.closed().await);
    Ok(())
}

/// The answer to a request, head and all.
async fn post(
    address: SocketAddr,
    path: &str,
    lines: &str,
    body: &str,
) -> Result<String, std::io::Error> {
    let mut stream = TcpStream::connect(address).await?;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
