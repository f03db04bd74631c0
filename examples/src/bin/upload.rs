//! A file upload with progress: the client writes the file into a stream, as fast as the server reads, and hears how
//! far the server has come. The length comes first, so the server never takes a part of the file for the whole.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{Base64, Progress, RpcError, SizedBase64, StreamSender, Streaming, service};
use rpc_server::Server;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The longest file that the server takes.
const MOST: u64 = 1_000_000;

#[service(namespace = "files")]
trait Files {
    /// Stores a file, and answers how many bytes it has. Progress is in percent.
    async fn upload(
        &self,
        name: &str,
        file: Streaming<SizedBase64>,
        progress: Progress<u64>,
    ) -> Result<u64, UploadError>;
}

#[derive(Debug, thiserror::Error, RpcError)]
enum UploadError {
    #[error("more than {0} bytes")]
    #[rpc(code = 1)]
    TooLong(u64),
    #[error("the upload broke off: {0}")]
    #[rpc(code = 2)]
    Broken(String),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Files in memory.
#[derive(Default)]
struct Store {
    files: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Files for Store {
    async fn upload(
        &self,
        name: &str,
        file: Streaming<SizedBase64>,
        progress: Progress<u64>,
    ) -> Result<u64, UploadError> {
        let mut file = file.into_reader();
        let size = file.length().await?.unwrap_or(0);
        if size > MOST {
            return Err(UploadError::TooLong(MOST));
        }
        let (mut content, mut told) = (Vec::with_capacity(size as usize), 0);
        while file.read_buf(&mut content).await? > 0 {
            let quarter = content.len() as u64 * 4 / size;
            if quarter > told {
                told = quarter;
                progress.report(&(quarter * 25));
            }
        }
        self.files.lock().expect("nobody panics here").push((name.to_owned(), content));
        Ok(size)
    }
}

/// Sends a file. An error of the disk drops the writer, and so it ends the stream with an error.
async fn send(path: &str, chunks: StreamSender<Base64>) -> io::Result<()> {
    let mut writer = chunks.into_writer();
    tokio::io::copy(&mut File::open(path).await?, &mut writer).await?;
    writer.shutdown().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(FilesServer::new(Store::default()));
    let server = server.bind("127.0.0.1:0").await?.spawn();
    let client = Client::builder().connect(server.url()).await?;
    let files = FilesClient::new(client.peer());

    let path = std::env::temp_dir().join(format!("upload-{}.bin", std::process::id()));
    let path = path.to_str().ok_or("a path that is text")?;
    tokio::fs::write(path, vec![7; 1_000_000]).await?;

    let (sender, chunks) = Streaming::channel(2);
    let call = files
        .upload("report.bin", chunks.sized(1_000_000))
        .on_progress(|percent| println!("the server has {percent} %"));
    let (stored, sent) = tokio::join!(call, send(path, sender));
    sent?;
    println!("stored {} bytes", stored?);

    // What the server refuses stops the one who reads the file.
    tokio::fs::write(path, vec![7; 2_000_000]).await?;
    let (sender, chunks) = Streaming::channel(2);
    let call = files.upload("long.bin", chunks.sized(2_000_000));
    let (refused, sent) = tokio::join!(call, send(path, sender));
    println!("refused: {}", refused.expect_err("it is longer than the server takes"));
    println!("not sent: {}", sent.expect_err("nobody takes the rest"));

    tokio::fs::remove_file(path).await?;
    client.close().await;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
