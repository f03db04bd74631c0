//! A file upload with progress: the client sends it chunk by chunk, as fast as the server takes them,
//! and hears how far the server has come.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{Base64, Progress, RpcError, StreamError, Streaming, service};
use rpc_server::Server;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

#[service(namespace = "files")]
trait Files {
    /// Stores a file of so many bytes; answers how many there are. Progress is in percent.
    async fn upload(
        &self,
        name: &str,
        size: u64,
        chunks: Streaming<Base64>,
        progress: Progress<u64>,
    ) -> Result<u64, UploadError>;
}

#[derive(Debug, thiserror::Error, RpcError)]
enum UploadError {
    #[error("more than the {0} bytes that were announced")]
    #[rpc(code = 1)]
    TooLong(u64),
    #[error("the upload broke off: {0}")]
    #[rpc(code = 2)]
    Broken(String),
}

impl From<StreamError> for UploadError {
    fn from(error: StreamError) -> Self {
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
        size: u64,
        mut chunks: Streaming<Base64>,
        progress: Progress<u64>,
    ) -> Result<u64, UploadError> {
        let (mut content, mut told) = (Vec::new(), 0);
        while let Some(chunk) = chunks.next().await {
            content.extend_from_slice(&chunk?);
            let stored = content.len() as u64;
            if stored > size {
                return Err(UploadError::TooLong(size));
            }
            let quarter = stored * 4 / size.max(1);
            if quarter > told {
                told = quarter;
                progress.report(&(quarter * 25));
            }
        }
        let stored = content.len() as u64;
        self.files.lock().expect("nobody panics here").push((name.to_owned(), content));
        Ok(stored)
    }
}

/// A file in chunks of 32 KiB; an error of the disk ends it.
async fn read(path: &str, chunks: rpc_core::StreamSender<Base64>) {
    let read = async {
        let mut file = File::open(path).await?;
        loop {
            let mut chunk = vec![0; 32 * 1024];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            // Waits while the server has no room; whoever takes no more has ended the call.
            if read == 0 || chunks.send(chunk.into()).await.is_err() {
                return Ok::<_, std::io::Error>(());
            }
        }
    };
    if let Err(error) = read.await {
        chunks.fail(UploadError::Broken(error.to_string()));
    }
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
        .upload("report.bin", 1_000_000, chunks)
        .on_progress(|percent| println!("the server has {percent} %"));
    let (stored, ()) = tokio::join!(call, read(path, sender));
    println!("stored {} bytes", stored?);

    // What the server refuses stops the one who reads the file, wherever it is.
    let (sender, chunks) = Streaming::channel(2);
    let (refused, ()) = tokio::join!(files.upload("short.bin", 10, chunks), read(path, sender));
    println!("refused: {}", refused.expect_err("it is longer than 10 bytes"));

    tokio::fs::remove_file(path).await?;
    client.close().await;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
