//! A program that speaks JSON-RPC over pipes as a WebSocket endpoint.
//!
//! ```text
//!  client ◀── WebSocket ──▶ server ◀── stdin, stdout ──▶ program
//!             peer of the client       peer of the program
//!             forwards to the program  forwards to the client
//! ```
//!
//! A client and its program are two peers of this process that hand on to each other
//! ([`Router::forward_to`](rpc_core::Router::forward_to)); no message is decoded. The program of a client is a value of
//! the client's connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::transport::{Framing, Hello};
use rpc_core::{Context, Dialect, ErrorObject, Limits, Peer, Router};
use tokio::process::Command;
use tokio::sync::Semaphore;

mod ends;
mod heard;
mod program;
mod shared;

use program::Program;

/// How programs that speak JSON-RPC over their standard input and output are offered to WebSocket clients:
/// [`ServerBuilder::bridge`](crate::ServerBuilder::bridge) takes a bridge.
///
/// Requests, notifications, streams, progress, cancels and errors pass both ways as the text that they came as.
///
/// | what happens | what follows |
/// |---|---|
/// | the client goes | its program is ended, with what it has started: [`Process`](rpc_core::transport::Process) tells how |
/// | the program exits with code 0 | the client is closed with 1000 and a reason that says so |
/// | the program exits otherwise, or breaks the protocol | the client is closed with 1011 and a reason that says so |
/// | the program cannot be started | the client is closed with 1011; the log names the program |
/// | the program does not answer its first request in time | the client is closed with 1011, and the program ended |
/// | as many programs run as there may be | the client is closed with 1013 |
///
/// A request that is open when the program goes is answered -32014: it may have run. With
/// [sessions](crate::ServerBuilder::sessions) a program outlives the links of its client, as long as the session does.
///
/// What the program writes to its standard error goes to the log.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::Dialect;
/// use rpc_core::transport::Framing;
/// use rpc_server::{Bridge, Server};
/// use tokio::process::Command;
///
/// let language_server = Bridge::per_connection(|_client| Command::new("pylsp"))
///     .framing(Framing::ContentLength)
///     .dialect(Dialect::Lsp)
///     .programs(16);
/// let server = Server::builder().bridge(language_server).bind("127.0.0.1:9944").await?;
/// server.serve().await;
/// # Ok(()) }
/// ```
#[must_use = "a bridge is given to a `ServerBuilder`"]
pub struct Bridge {
    settings: Settings,
    mode: Mode,
}

/// The settings of the programs.
struct Settings {
    framing: Framing,
    dialect: Dialect,
    hello: Hello,
    limits: Limits,
    start: Duration,
    programs: Arc<Semaphore>,
}

enum Mode {
    PerConnection(Box<dyn Fn(&Peer) -> Command + Send + Sync>),
    Shared(shared::Program),
}

impl Bridge {
    /// Starts a program for each client. `command` is called with the client's peer, which
    /// [`on_connect`](crate::ServerBuilder::on_connect) may have given a caller.
    pub fn per_connection(command: impl Fn(&Peer) -> Command + Send + Sync + 'static) -> Self {
        Self::new(Mode::PerConnection(Box::new(command)))
    }

    /// Starts one program, which all clients share. It is started for the first client, and anew for the next client
    /// after it has ended; it is ended with the server.
    ///
    /// Answers reach the client that has asked. Notifications of the program reach all clients, unless
    /// [`notify_if`](Self::notify_if) says otherwise. A client that reads them too slowly is closed with 4008. Requests of
    /// the program are refused (-32601), unless [`ask`](Self::ask) chooses a client.
    pub fn shared(command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self::new(Mode::Shared(shared::Program::new(command)))
    }

    fn new(mode: Mode) -> Self {
        let settings = Settings {
            framing: Framing::Lines,
            dialect: Dialect::JsonRpc,
            hello: Hello::Auto,
            limits: Limits::client(),
            start: Duration::from_secs(10),
            programs: Arc::new(Semaphore::new(64)),
        };
        Self { settings, mode }
    }

    /// Sets how the program frames its messages. Default: [`Framing::Lines`].
    pub fn framing(mut self, framing: Framing) -> Self {
        self.settings.framing = framing;
        self
    }

    /// Sets how calls are cancelled and report progress, at the program and at the clients. Default:
    /// [`Dialect::JsonRpc`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.settings.dialect = dialect;
        self
    }

    /// Sets whether a program is told of the extensions of this framework. Default: [`Hello::Auto`], since programs on
    /// pipes are plain as a rule. A program that uses this framework knows streams with [`Hello::Always`].
    pub fn hello(mut self, hello: Hello) -> Self {
        self.settings.hello = hello;
        self
    }

    /// Sets the limits of the connection to a program. Default: [`Limits::client`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets how many programs may run at once. Default: 64.
    pub fn programs(mut self, most: usize) -> Self {
        self.settings.programs = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// Sets how long a program may take for its first message, from its first request on. Default: 10 s.
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.settings.start = limit;
        self
    }

    /// Sets which clients a notification of a [shared](Self::shared) program reaches. `rule` is called with the name of the
    /// method, the JSON text of the params, and each client.
    pub fn notify_if(
        mut self,
        rule: impl Fn(&str, Option<&str>, &Peer) -> bool + Send + Sync + 'static,
    ) -> Self {
        if let Mode::Shared(program) = &mut self.mode {
            program.set_notify(rule);
        }
        self
    }

    /// Sets which client a request of a [shared](Self::shared) program reaches. `rule` is called with the name of the
    /// method and all clients, in the order in which they came. `None` refuses the request.
    pub fn ask(
        mut self,
        rule: impl Fn(&str, &[Peer]) -> Option<Peer> + Send + Sync + 'static,
    ) -> Self {
        if let Mode::Shared(program) = &mut self.mode {
            program.set_ask(rule);
        }
        self
    }

    pub(crate) fn spoken(&self) -> Dialect {
        self.settings.dialect
    }

    /// The methods that clients are offered: all of the program's.
    pub(crate) fn router() -> Router {
        Router::new().forward_to("*", |cx: &Context| match cx.value::<ProgramPeer>() {
            Some(program) => Ok(program.0.clone()),
            None => Err(ErrorObject::busy("programs")),
        })
    }

    /// Starts the program of a client, or closes the client.
    pub(crate) fn open(&self, client: &Peer) {
        let begun = match &self.mode {
            Mode::PerConnection(command) => {
                let router = Router::new().forward("*", client.clone());
                Program::start(&self.settings, || command(client), router)
            }
            Mode::Shared(program) => program.join(&self.settings, client),
        };
        match begun {
            Ok(program) => {
                client.set_value(ProgramPeer(program.peer.clone()));
                let is_own = matches!(self.mode, Mode::PerConnection(_));
                tokio::spawn(ends::watch(client.clone(), program, is_own));
            }
            Err(refused) => client.close(refused.code, &refused.reason),
        }
    }
}

/// The program of a client, a value of the client's connection.
struct ProgramPeer(Peer);

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").finish_non_exhaustive()
    }
}
