//! A Unix socket that belongs to one server: who gets it, who may use it, and what is left of it.
//!
//! Without a harness, since the test starts itself as the servers that race.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is how the processes talk to each other"
)]

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use rpc_client::Client;
    use rpc_core::{Context, Router};
    use rpc_server::{
        BoundServer, Connecting, Error, Rejection, Server, UnixPeer, UnixSocketError,
    };

    /// A test, in a folder of its own.
    type Test = fn(&Path);

    pub(super) fn main() {
        if let Some(path) = std::env::args().skip_while(|arg| arg != "serve").nth(1) {
            return serve(&path);
        }
        let tests: [(&str, Test); 9] = [
            ("both_files_are_removed_at_the_end", both_files_are_removed_at_the_end),
            ("only_the_user_may_use_it_from_the_first_moment", mode),
            ("a_living_owner_is_told_and_kept", living),
            ("what_a_killed_server_left_is_replaced", killed),
            ("what_is_no_socket_is_left_alone", no_socket),
            ("a_path_that_cannot_be", bad_paths),
            ("of_threads_that_start_at_once_one_serves", threads),
            ("of_processes_that_start_at_once_one_serves", processes),
            ("the_peer_is_seen", the_peer_is_seen),
        ];
        let filter = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
        for (name, test) in tests {
            if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
                continue;
            }
            let folder = std::env::temp_dir().join(format!("rpc-{}-{name}", std::process::id()));
            fs::create_dir(&folder).unwrap();
            test(&folder);
            fs::remove_dir_all(folder).unwrap();
            eprintln!("test {name} ... ok");
        }
    }

    /// A server in a process of its own, which says that it serves, and serves until its input ends.
    #[tokio::main(flavor = "current_thread")]
    async fn serve(path: &str) {
        match bind(path.as_ref()) {
            Ok(bound) => {
                let server = bound.spawn();
                println!("serves");
                // In a thread: the runtime has to serve.
                let input = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
                let _ = input.await;
                server.shutdown(Duration::ZERO).await;
            }
            Err(error) => println!("{error}"),
        }
    }

    fn start(path: &Path) -> (Child, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("serve").arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        (child, said.trim_end().to_owned())
    }

    fn bind(path: &Path) -> Result<BoundServer, Error> {
        let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
        Server::builder().service(Router::new().method("add", add)).bind_unix(path)
    }

    fn refused(path: &Path) -> UnixSocketError {
        match bind(path) {
            Err(Error::UnixSocket { error, path: told }) => {
                assert_eq!(told, path);
                error
            }
            other => panic!("{other:?}"),
        }
    }

    fn lock_of(path: &Path) -> PathBuf {
        PathBuf::from(format!("{}.lock", path.display()))
    }

    fn within<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn both_files_are_removed_at_the_end(folder: &Path) {
        let path = folder.join("socket");
        within(async {
            for _ in 0..3 {
                let server = bind(&path).unwrap().spawn();
                let client = Client::builder().connect(server.url()).await.unwrap();
                assert_eq!(client.peer().call::<i64>("add", (1, 2)).await.unwrap(), 3);
                assert!(path.exists() && lock_of(&path).exists());
                server.shutdown(Duration::ZERO).await;
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            }
            drop(bind(&path).unwrap()); // not even served
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            // Whatever is there now belongs to somebody else.
            let server = bind(&path).unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, "mine").unwrap();
            drop(server);
            assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        });
    }

    fn mode(folder: &Path) {
        let path = folder.join("socket");
        let (watched, is_over) = (path.clone(), Arc::<AtomicBool>::default());
        let over = is_over.clone();
        let watching = std::thread::spawn(move || {
            let mut modes = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                modes.extend(fs::metadata(&watched).map(|file| file.permissions().mode() & 0o777));
            }
            modes
        });
        within(async {
            for _ in 0..2000 {
                let _server = bind(&path).unwrap();
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
                assert_eq!(
                    fs::metadata(lock_of(&path)).unwrap().permissions().mode() & 0o777,
                    0o600
                );
            }
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(watching.join().unwrap(), BTreeSet::from([0o600]), "no other, however short");
    }

    fn living(folder: &Path) {
        within(async {
            let path = folder.join("socket");
            let server = bind(&path).unwrap().spawn();
            let text = bind(&path).unwrap_err().to_string();
            assert!(text.contains("another server listens there: stop it"), "{text}");
            let (mut other, said) = start(&path);
            assert_eq!(said, text);
            other.wait().unwrap();
            let client = Client::builder().connect(server.url()).await.unwrap();
            assert_eq!(client.peer().call::<i64>("add", (1, 2)).await.unwrap(), 3);
            server.shutdown(Duration::ZERO).await;
            // Another program knows nothing of the lock. It may even be too busy to accept.
            let listener = UnixListener::bind(&path).unwrap();
            assert!(matches!(refused(&path), UnixSocketError::InUse));
            let mut waiting = Vec::new();
            for _ in 0..5000 {
                let socket =
                    socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)
                        .unwrap();
                socket.set_nonblocking(true).unwrap();
                if socket.connect(&socket2::SockAddr::unix(&path).unwrap()).is_err() {
                    break;
                }
                waiting.push(socket);
            }
            assert!(waiting.len() < 5000);
            assert!(matches!(refused(&path), UnixSocketError::InUse));
            assert!(path.exists() && !lock_of(&path).exists());
            drop(listener);
        });
    }

    fn killed(folder: &Path) {
        let path = folder.join("socket");
        for _ in 0..5 {
            let (mut server, said) = start(&path);
            assert_eq!(said, "serves");
            server.kill().unwrap();
            server.wait().unwrap();
            assert!(path.exists() && lock_of(&path).exists(), "nobody could remove them");
        }
        // A socket without a lock is a leftover as well.
        fs::remove_file(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        let (mut server, said) = start(&path);
        assert_eq!(said, "serves");
        UnixStream::connect(&path).unwrap();
        drop(server.stdin.take());
        server.wait().unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    fn no_socket(folder: &Path) {
        within(async {
            let file = folder.join("file");
            fs::write(&file, "kept").unwrap();
            assert!(matches!(refused(&file), UnixSocketError::NotASocket));
            assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
            let directory = folder.join("directory");
            fs::create_dir(&directory).unwrap();
            assert!(matches!(refused(&directory), UnixSocketError::NotASocket));
            let (target, link) = (folder.join("target"), folder.join("link"));
            symlink(&target, &link).unwrap();
            assert!(matches!(refused(&link), UnixSocketError::Symlink), "it leads nowhere");
            drop(UnixListener::bind(&target).unwrap());
            assert!(matches!(refused(&link), UnixSocketError::Symlink), "it leads to a leftover");
            assert!(fs::symlink_metadata(&target).unwrap().file_type().is_socket());
            let free = folder.join("free");
            symlink(&file, lock_of(&free)).unwrap();
            assert!(matches!(refused(&free), UnixSocketError::Symlink), "its lock is one");
            assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
            assert!(!lock_of(&file).exists() && !lock_of(&link).exists());
        });
    }

    fn bad_paths(folder: &Path) {
        within(async {
            assert!(matches!(refused(&folder.join("no/socket")), UnixSocketError::NoDirectory));
            assert!(matches!(refused(&folder.join("x".repeat(200))), UnixSocketError::Path));
            assert!(matches!(refused("a\0b".as_ref()), UnixSocketError::Path));
            let text = bind(&folder.join("no/socket")).unwrap_err().to_string();
            assert!(
                text.contains("make the directory first") && text.contains("no/socket"),
                "{text}"
            );
            // A path of just the length that fits, and one byte more.
            let room = 107 - folder.as_os_str().len() - 1;
            let server = bind(&folder.join("x".repeat(room))).unwrap();
            assert!(matches!(refused(&folder.join("x".repeat(room + 1))), UnixSocketError::Path));
            drop(server);
        });
    }

    /// Each of them ends at once, so that files are made, found and removed all the time.
    fn threads(folder: &Path) {
        let path = Arc::new(folder.join("socket"));
        let serving = Arc::<Mutex<()>>::default();
        let threads = [(); 8].map(|()| {
            let (path, serving) = (path.clone(), serving.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.unwrap();
                let _guard = runtime.enter();
                let mut served = 0;
                for _ in 0..3000 {
                    match bind(&path) {
                        Ok(server) => {
                            let alone = serving.try_lock().expect("no other serves");
                            UnixStream::connect(&*path).expect("it is reached");
                            served += 1;
                            drop(alone);
                            drop(server);
                        }
                        Err(Error::UnixSocket { error: UnixSocketError::InUse, .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                served
            })
        });
        let served = threads.map(|thread| thread.join().unwrap());
        assert!(served.iter().sum::<usize>() > 100, "{served:?}");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    fn processes(folder: &Path) {
        let path = folder.join("socket");
        for round in 0..20 {
            if round % 2 == 0 {
                drop(UnixListener::bind(&path).unwrap()); // a leftover, which all of them want to replace
            }
            let starting: Vec<_> = (0..4)
                .map(|_| {
                    let path = path.clone();
                    std::thread::spawn(move || start(&path))
                })
                .collect();
            let mut started: Vec<_> = starting.into_iter().map(|one| one.join().unwrap()).collect();
            let serving = started.iter().filter(|(_, said)| said == "serves").count();
            let told =
                started.iter().filter(|(_, said)| said.contains("another server listens there"));
            assert_eq!((serving, told.count()), (1, 3), "{started:?}");
            UnixStream::connect(&path).unwrap();
            for (child, _) in &mut started {
                drop(child.stdin.take());
                child.wait().unwrap();
            }
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }

    fn the_peer_is_seen(folder: &Path) {
        within(async {
            let ours = fs::metadata("/proc/self").unwrap();
            let expected = (ours.uid(), ours.gid(), Some(std::process::id() as i32));
            let server = Server::builder()
                .on_connect(move |connecting: Connecting| async move {
                    let UnixPeer { uid, gid, pid, .. } =
                        connecting.unix_peer().expect("a Unix socket");
                    assert_eq!((uid, gid, pid), expected);
                    assert!(connecting.client_addr().is_none());
                    Ok::<_, Rejection>(())
                })
                .bind_unix(folder.join("socket"))
                .unwrap()
                .spawn();
            Client::builder().connect(server.url()).await.unwrap().close().await;
            server.shutdown(Duration::ZERO).await;
        });
    }
}
