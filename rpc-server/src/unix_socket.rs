//! A Unix socket that belongs to one server: its file, and the lock beside its file.
//!
//! Whoever has the lock may replace the file. A lock is released by the system when its process ends, however it ends. So
//! a file without a lock is a leftover, and it does not matter how many servers start at once.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf, absolute};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// What the user of this process may do with the socket, and nobody else.
const MODE: u32 = 0o600;

/// How many clients may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Why a server cannot listen on a Unix socket: see [`bind_unix`](crate::ServerBuilder::bind_unix).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnixSocketError {
    /// Another process, or another server of this process, listens there.
    #[error("another server listens there: stop it, or choose another path")]
    InUse,
    /// The directory of the socket does not exist.
    #[error("its directory does not exist: make the directory first")]
    NoDirectory,
    /// The path is longer than the system allows (107 bytes on Linux), or has a zero byte.
    #[error(
        "the path is too long for a socket: choose one of at most 107 bytes, without zero bytes"
    )]
    Path,
    /// There is a file, or a directory, that is not a socket. It is left alone.
    #[error("there is something else, which is no socket: remove it, or choose another path")]
    NotASocket,
    /// The socket, or the lock file beside it, is a symbolic link. It is left alone.
    #[error("the socket or its `.lock` is a symbolic link: write the path that it leads to")]
    Symlink,
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A listener on a socket of its own.
pub(crate) struct OwnSocket {
    pub(crate) listener: UnixListener,
    pub(crate) files: SocketFiles,
}

/// The files of a socket. They are removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFiles {
    socket: PathBuf,
    /// The file that was made, and not another one of the same name.
    made: FileId,
    /// Dropped last.
    _lock: Lock,
}

/// A lock file, which this process has locked.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    /// Closing the file releases the lock.
    _file: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl From<Metadata> for FileId {
    fn from(file: Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino() }
    }
}

/// Listens on a socket of this path.
pub(crate) fn bind(path: &Path) -> Result<OwnSocket, UnixSocketError> {
    let path = absolute(path)?;
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(UnixSocketError::Path);
    }
    let address = SockAddr::unix(&path).map_err(|_| UnixSocketError::Path)?;
    let lock = Lock::take(&path)?;
    remove_leftover(&path, &address)?;
    let socket = private(Socket::new(Domain::UNIX, Type::STREAM, None)?)?;
    socket.bind(&address)?;
    // Elsewhere than on Linux the file has its mode from now on. Nobody can connect before `listen`.
    fs::set_permissions(&path, Permissions::from_mode(MODE))?;
    let made = fs::symlink_metadata(&path)?.into();
    let files = SocketFiles { socket: path, made, _lock: lock };
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = UnixListener::from_std(net::UnixListener::from(OwnedFd::from(socket)))?;
    Ok(OwnSocket { listener, files })
}

/// Gives a socket the mode that its file will have from the first moment. Only Linux takes the mode from the socket.
fn private(socket: Socket) -> io::Result<Socket> {
    if !cfg!(target_os = "linux") {
        return Ok(socket);
    }
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(MODE))?;
    Ok(OwnedFd::from(file).into())
}

/// Removes the socket of a server that has not ended in good order. The lock must be held.
fn remove_leftover(path: &Path, address: &SockAddr) -> Result<(), UnixSocketError> {
    let kind = match fs::symlink_metadata(path) {
        Ok(file) => file.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if kind.is_symlink() {
        return Err(UnixSocketError::Symlink);
    }
    if !kind.is_socket() {
        return Err(UnixSocketError::NotASocket);
    }
    // Another program may listen, which knows nothing of the lock.
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?; // its backlog may be full
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Ok(fs::remove_file(path)?)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error.into()),
        _ => Err(UnixSocketError::InUse),
    }
}

impl Lock {
    /// Takes the lock of a socket.
    fn take(socket: &Path) -> Result<Self, UnixSocketError> {
        let mut path = OsString::from(socket);
        path.push(".lock");
        let path = PathBuf::from(path);
        loop {
            if fs::symlink_metadata(&path).is_ok_and(|file| file.is_symlink()) {
                return Err(UnixSocketError::Symlink);
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(MODE);
            let file = options.open(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => UnixSocketError::NoDirectory,
                _ => error.into(),
            })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(UnixSocketError::InUse),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // The owner before may have removed the file after it was opened here: then this is the lock of nothing.
            let locked = FileId::from(file.metadata()?);
            if fs::symlink_metadata(&path).is_ok_and(|file| FileId::from(file) == locked) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for SocketFiles {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.socket).is_ok_and(|file| FileId::from(file) == self.made) {
            // What cannot be removed is replaced by the next server.
            let _ = fs::remove_file(&self.socket);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While the file is locked: whoever has opened it finds out that it is gone.
        let _ = fs::remove_file(&self.path);
    }
}
