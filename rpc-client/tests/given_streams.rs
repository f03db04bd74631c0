//! A client over streams that it was given, and over Unix sockets, with the server of this workspace.

use std::time::Duration;

use rpc_client::{Client, ConnectError};
use rpc_core::{Context, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder};
use tokio::io::duplex;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// Waits for what should be there at once; the time only ends a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A server that offers `echo`, and what clients ask it for: `Host`, path and query.
fn echo() -> (ServerBuilder, UnboundedReceiver<String>) {
    let (tell, heard) = unbounded_channel();
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let server = Server::builder().service(Router::new().method("echo", echo));
    let server = server.allow_hosts(["app.example"]).on_connect(move |connecting: Connecting| {
        let host = connecting.header("host").unwrap();
        tell.send(format!("{host} {}", connecting.uri())).unwrap();
        async { Ok::<_, Rejection>(()) }
    });
    (server, heard)
}

async fn assert_echoes(client: Result<Client, ConnectError>, how: &str) {
    let client = client.unwrap_or_else(|error| panic!("{how}: {error}"));
    let answer = soon(client.peer().call::<String>("echo", ("hi",))).await;
    assert_eq!(answer.unwrap(), "hi", "{how}");
}

#[tokio::test]
async fn over_a_given_stream_the_url_is_asked_for_and_not_dialled() {
    let (server, mut heard) = echo();
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    for (url, expected) in [
        ("ws://app.example/rpc?x=1", "app.example /rpc?x=1"),
        ("ws://app.example:9", "app.example:9 /"),
        #[cfg(unix)]
        ("ws+unix:///nowhere:/rpc", "localhost /rpc"),
    ] {
        let stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        assert_echoes(soon(Client::builder().connect_over(stream, url)).await, url).await;
        assert_eq!(soon(heard.recv()).await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_given_stream_the_handshake_has_its_time_and_the_url_its_rules() {
    let (stream, _silent) = duplex(64 * 1024);
    let error = Client::builder().connect_over(stream, "ws://app.example").await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(time) if time.as_secs() == 10), "{error}");

    let (stream, other) = duplex(64);
    drop(other);
    let error = Client::builder().connect_over(stream, "ws://app.example").await.unwrap_err();
    assert!(error.to_string().contains("app.example:80"), "{error}");

    let (stream, _other) = duplex(64);
    let error = Client::builder().connect_over(stream, "http://app.example").await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error}");
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};
    use std::{env, fs, process};

    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    /// A directory for sockets, gone with this value.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("rpc-{name}-{}", process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Serves on a socket, and connects by the URLs that the server prints, without a path and with one.
    async fn meet(socket: &Path) -> String {
        let mut printed = String::new();
        for (path, asked) in [(Some("/a:b/rpc"), "localhost /a:b/rpc"), (None, "localhost /")] {
            let _ = fs::remove_file(socket);
            let (mut server, mut heard) = echo();
            if let Some(path) = path {
                server = server.path(path);
            }
            let server = server.listen_on(UnixListener::bind(socket).unwrap()).unwrap().spawn();
            printed = server.url();
            assert_echoes(soon(Client::builder().connect(&printed)).await, &printed).await;
            assert_eq!(soon(heard.recv()).await.unwrap(), asked, "{printed}");
            server.stop().await;
        }
        printed
    }

    #[tokio::test]
    async fn a_client_connects_to_the_url_that_a_server_on_a_unix_socket_prints() {
        let directory = Directory::new("printed");
        for (name, written) in [
            (&b"app.sock"[..], "app.sock"),
            (b"a b:c?d#e%25", "a%20b%3Ac%3Fd%23e%2525"),
            (b"caf\xc3\xa9 \xff\n", "caf%C3%A9%20%FF%0A"),
        ] {
            let socket = directory.0.join(OsString::from_vec(name.to_vec()));
            let printed = meet(&socket).await;
            assert!(printed.starts_with("ws+unix:///"), "{printed}");
            assert!(printed.ends_with(&format!("/{written}")), "{printed}");
        }
    }

    /// The URL has no name, so the client asks for `localhost`.
    #[tokio::test]
    async fn a_server_with_names_of_its_own_takes_the_url_that_it_prints() {
        let directory = Directory::new("named");
        let socket = directory.0.join("app.sock");
        let (server, _heard) = echo();
        let server = server.listen_on(UnixListener::bind(&socket).unwrap()).unwrap().spawn();
        let client = soon(Client::builder().connect(server.url())).await;
        assert_echoes(client, "named").await;
        let stream = UnixStream::connect(&socket).await.unwrap();
        let other = Client::builder().connect_over(stream, "ws://evil.example/");
        let error = soon(other).await.unwrap_err().to_string();
        assert!(error.contains("403"), "{error}");
    }

    #[tokio::test]
    async fn the_url_of_a_socket_with_a_relative_path_is_absolute() {
        let directory = Directory::new("relative");
        let up: PathBuf = env::current_dir().unwrap().components().skip(1).map(|_| "..").collect();
        let socket = up.join(directory.0.strip_prefix("/").unwrap()).join("app.sock");
        let printed = meet(&socket).await;
        assert!(printed.starts_with("ws+unix:///"), "{printed}");
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_socket_that_is_no_file_has_a_url_as_well() {
        let name = format!("\0rpc-{}", process::id());
        let printed = meet(Path::new(&name)).await;
        assert_eq!(printed, format!("ws+unix://%00rpc-{}", process::id()));
    }

    #[tokio::test]
    async fn a_socket_where_nobody_listens_is_named() {
        let directory = Directory::new("nobody");
        let socket = directory.0.join("app.sock");
        let url = format!("ws+unix://{}:/secret?token=secret", socket.display());
        let text = Client::builder().connect(&url).await.unwrap_err().to_string();
        assert!(text.starts_with(&format!("no connection to `{}`: ", socket.display())), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[tokio::test]
    async fn a_given_stream_may_be_a_unix_socket() {
        let directory = Directory::new("given");
        let socket = directory.0.join("app.sock");
        let (server, mut heard) = echo();
        let _server = server.listen_on(UnixListener::bind(&socket).unwrap()).unwrap().spawn();
        let stream = UnixStream::connect(&socket).await.unwrap();
        let client = soon(Client::builder().connect_over(stream, "ws://app.example/rpc")).await;
        assert_echoes(client, "given").await;
        assert_eq!(soon(heard.recv()).await.unwrap(), "app.example /rpc");
    }
}
