//! What the two ends have told each other of what they know beyond the specification (`$/hello`).
//!
//! The handshake may tell each end that the other knows of `$/hello` (`Rpc-Hello: 1`): then each says it as its first
//! message. Without a handshake, an end that reads a hello says its own before anything else. Nobody else hears of it.

use std::num::NonZeroU32;

use bytes::Bytes;
use serde::Deserialize;

use crate::wire::encode;

/// When an end says hello (`$/hello`), and so tells the other that it knows what lies beyond JSON-RPC 2.0: members
/// like `timeoutMs` and `traceparent`, notifications like `$/cancelRequest`, flow control of streams. Nothing of that
/// goes to an end that is not known to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hello {
    /// As its first message, whoever the other end is. For a transport without headers whose other end is of this
    /// kind: the first end of a pair in memory, a pipe.
    Always,
    /// As its first message when the handshake has told it that the other end waits for that
    /// ([`Endpoint::set_extended`](crate::transport::Endpoint::set_extended)), else in reply to a hello. The default.
    #[default]
    Auto,
    /// Never, and none is heard: this end is a plain JSON-RPC 2.0 peer. Its messages have no members but those of the
    /// specification, and it sends no `$/` notifications, but for what the [dialect](crate::Dialect) has that the
    /// program chose.
    Never,
}

/// With how many bytes of credit streams start towards a peer that does not say.
const WINDOW: u64 = 65_536;

/// No window and no credit is larger.
pub(crate) const MOST: u64 = 1 << 31;

/// What was said and heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Greetings {
    /// This end is told to be a plain peer.
    plain: bool,
    /// The two ends have told each other in the headers of their handshake.
    exchanged: bool,
    said: bool,
    /// The window, which is never zero; narrow, as an idle connection has it too.
    heard: Option<NonZeroU32>,
    /// The most members of a batch that the other end takes.
    batch: Option<NonZeroU32>,
}

#[derive(Deserialize)]
struct Params {
    duplex: u64,
    window: Option<u64>,
    batch: Option<u64>,
}

impl Greetings {
    pub(crate) fn plain() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// The message to send, if it was not sent before. `window` is the credit with which streams
    /// towards this end start, `batch` the most members of a batch that it takes.
    pub(crate) fn say(&mut self, window: usize, batch: usize) -> Option<Bytes> {
        let silent = self.plain || std::mem::replace(&mut self.said, true);
        (!silent).then(|| encode::hello(window, batch))
    }

    /// The two ends have told each other in the headers of their handshake that each knows the other.
    pub(crate) fn exchange(&mut self) {
        self.exchanged = !self.plain;
    }

    /// Whether a hello of the other end is bound to come.
    pub(crate) fn is_exchanged(&self) -> bool {
        self.exchanged
    }

    /// Whether the other end has said that it knows what lies beyond the specification.
    pub(crate) fn is_known(&self) -> bool {
        self.exchanged || self.heard.is_some()
    }

    /// Whether this end is told to be a plain peer.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether the other end knows of us, or will before it reads what is sent now.
    pub(crate) fn is_said(&self) -> bool {
        self.said
    }

    /// Takes in what the other end says; only the first time counts.
    ///
    /// # Errors
    /// It cannot be understood.
    pub(crate) fn hear(&mut self, params: Option<&str>) -> Result<(), ()> {
        let params: Params = serde_json::from_str(params.unwrap_or_default()).map_err(drop)?;
        let window = params.window.unwrap_or(WINDOW);
        if params.duplex == 0 || !(1..=MOST).contains(&window) || params.batch == Some(0) {
            return Err(());
        }
        if !self.plain && self.heard.is_none() {
            self.heard = narrow(window);
            self.batch = params.batch.and_then(narrow);
        }
        Ok(())
    }

    /// The credit with which streams towards the other end start; `None` if it is a plain peer, as
    /// far as we know by now.
    pub(crate) fn window(&self) -> Option<u64> {
        self.heard.map(|window| window.get().into())
    }

    /// The most members of a batch that the other end takes, if it has said so.
    pub(crate) fn batch(&self) -> Option<usize> {
        self.batch.map(|most| most.get() as usize)
    }
}

fn narrow(number: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(number.try_into().unwrap_or(u32::MAX))
}

#[test]
fn hello_is_said_once_and_the_first_one_counts() {
    let mut hello = Greetings::default();
    assert_eq!(hello.window(), None);
    let said = hello.say(7, 10).unwrap();
    assert_eq!(
        said,
        r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":7,"batch":10}}"#
    );
    assert_eq!(hello.say(7, 10), None);
    for wrong in [
        "",
        "[1]",
        "{}",
        r#"{"duplex":0}"#,
        r#"{"duplex":1,"window":0}"#,
        r#"{"duplex":1,"batch":0}"#,
        r#"{"duplex":1,"batch":-1}"#,
        r#"{"duplex":1,"batch":"10"}"#,
    ] {
        assert_eq!(hello.hear(Some(wrong)), Err(()), "{wrong}");
    }
    assert_eq!(hello.hear(Some(r#"{"duplex":1,"window":2147483649}"#)), Err(()));
    assert_eq!(hello.hear(None), Err(()));
    assert_eq!(hello.window(), None);
    assert_eq!(hello.hear(Some(r#"{"duplex":2,"new":[],"batch":3}"#)), Ok(()));
    assert_eq!(hello.hear(Some(r#"{"duplex":1,"window":9,"batch":5}"#)), Ok(()));
    assert_eq!((hello.window(), hello.batch()), (Some(WINDOW), Some(3)));
}

#[test]
fn a_plain_end_neither_says_nor_hears_anything() {
    let mut hello = Greetings::plain();
    assert_eq!(hello.say(7, 10), None);
    assert_eq!(hello.hear(Some(r#"{"duplex":1}"#)), Ok(()));
    assert_eq!((hello.is_said(), hello.window()), (false, None));
}
