//! The announcement of extensions (`$/hello`) in both directions.
//!
//! The handshake may tell each end that the other end knows `$/hello` (`Rpc-Hello: 1`). Then each end sends `$/hello`
//! as its first message. Without such a handshake, an end sends `$/hello` only after it has received one, before any
//! other message. No other peer gets a `$/hello`.

use std::num::NonZeroU32;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

#[cfg(feature = "schema")]
use crate::util::sync::Arc;
use crate::wire::encode;
#[cfg(feature = "schema")]
use crate::wire::offers;
use crate::wire::session::{SessionParams, SessionSaid};

/// When an end sends `$/hello`. The notification announces that the end knows the extensions of JSON-RPC 2.0: members
/// such as `timeoutMs` and `traceparent`, notifications such as `$/cancelRequest`, and flow control of streams. An end
/// never uses an extension towards a peer that has not announced the extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hello {
    /// As its first message, to every peer. For a transport without headers whose other end knows the extensions: the
    /// first end of a pair in memory, or a pipe.
    Always,
    /// As its first message if the handshake has shown that the peer waits for `$/hello`
    /// ([`Endpoint::set_extended`](crate::transport::Endpoint::set_extended)), and otherwise in reply to a `$/hello`.
    /// The default.
    #[default]
    Auto,
    /// Never, and a received `$/hello` is ignored: this end is a plain JSON-RPC 2.0 peer. Its messages have only the
    /// members of the specification. It sends no `$/` notifications, except those of the [dialect](crate::Dialect) that
    /// the program has chosen.
    Never,
}

/// The initial credit of a stream in bytes, towards a peer that does not name another one.
const WINDOW: u64 = 65_536;

/// The largest window and the largest credit, in bytes.
pub(crate) const MOST: u64 = 1 << 31;

/// What the other end has said of itself, a bit for each: idle connections have the field, too.
#[derive(Debug, Clone, Copy, Default)]
struct Said(u8);

impl Said {
    /// It gives credit as soon as an item that asks for it is consumed.
    const ACK: u8 = 1;
    /// It takes several items in one message.
    const RESULTS: u8 = 1 << 1;
    /// It takes bytes beside the text of a message.
    const BYTES: u8 = 1 << 2;
    /// It reads several messages in one.
    const SEQUENCES: u8 = 1 << 3;
    /// It asks for unstable methods.
    const UNSTABLE: u8 = 1 << 4;

    fn of(params: &Params) -> Self {
        let said = [
            (params.ack, Self::ACK),
            (params.results, Self::RESULTS),
            (params.bytes, Self::BYTES),
            (params.sequences, Self::SEQUENCES),
            (params.unstable, Self::UNSTABLE),
        ];
        Self(said.into_iter().filter(|(is_said, _)| *is_said).map(|(_, bit)| bit).sum())
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// The announcements of both ends of a connection.
#[derive(Debug, Default)]
pub(crate) struct Greetings {
    /// Whether this end is a plain peer.
    plain: bool,
    /// Whether both ends have announced the extensions in the headers of their handshake.
    exchanged: bool,
    said: bool,
    /// The window of the other end, which is never zero. 32 bits, since idle connections have the field, too.
    heard: Option<NonZeroU32>,
    /// The largest batch that the other end accepts.
    batch: Option<NonZeroU32>,
    /// What the other end has said.
    other: Said,
    /// Whether the links of this end carry binary messages, so that this end takes bytes as well.
    carries_binary: bool,
    /// Whether this end asks for unstable methods.
    asks_for_unstable: bool,
    /// The services that either end offers, if one of them says so. In a box: few do, and idle connections have the
    /// field, too.
    #[cfg(feature = "schema")]
    offers: Option<Box<Offers>>,
}

/// The services that each end offers, as JSON text, if it says so.
#[cfg(feature = "schema")]
#[derive(Debug, Default)]
struct Offers {
    own: Option<Arc<str>>,
    heard: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Params {
    duplex: u64,
    window: Option<u64>,
    batch: Option<u64>,
    #[serde(default)]
    ack: bool,
    #[serde(default)]
    results: bool,
    #[serde(default)]
    bytes: bool,
    #[serde(default)]
    sequences: bool,
    #[serde(default)]
    unstable: bool,
}

/// Returns what a `$/hello` says of a session, if it speaks of one.
pub(crate) fn session_said(params: Option<&str>) -> Option<SessionParams<'_>> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        session: &'a RawValue,
    }
    SessionParams::read(serde_json::from_str::<Said<'_>>(params?).ok()?.session.get())
}

impl Greetings {
    pub(crate) fn plain() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// Returns the message to send, unless it was sent before. `window` is the initial credit of streams towards this
    /// end; `batch` is the largest batch that this end accepts.
    pub(crate) fn say(&mut self, window: usize, batch: usize) -> Option<Bytes> {
        self.say_with(window, batch, None)
    }

    /// As [`say`](Self::say), and speaks of a session.
    pub(crate) fn say_with(
        &mut self,
        window: usize,
        batch: usize,
        session: Option<SessionSaid<'_>>,
    ) -> Option<Bytes> {
        let silent = self.plain || std::mem::replace(&mut self.said, true);
        (!silent).then(|| self.message(window, batch, session.as_ref()))
    }

    /// Returns the message, also if it was sent before.
    pub(crate) fn message(
        &self,
        window: usize,
        batch: usize,
        session: Option<&SessionSaid<'_>>,
    ) -> Bytes {
        encode::hello(encode::Hello {
            window,
            batch,
            takes_bytes: self.carries_binary,
            asks_for_unstable: self.asks_for_unstable,
            #[cfg(feature = "schema")]
            offers: self.offers.as_ref().and_then(|offers| offers.own.as_deref()),
            #[cfg(not(feature = "schema"))]
            offers: None,
            session,
        })
    }

    /// Makes this end ask for unstable methods.
    pub(crate) fn set_asks_for_unstable(&mut self) {
        self.asks_for_unstable = true;
    }

    /// Returns whether the other end asks for unstable methods.
    pub(crate) fn is_asked_for_unstable(&self) -> bool {
        self.other.has(Said::UNSTABLE)
    }

    /// Lets this end say which services it offers.
    #[cfg(feature = "schema")]
    pub(crate) fn set_offers(&mut self, offers: Arc<str>) {
        self.offers.get_or_insert_default().own = Some(offers);
    }

    /// Returns the services that the other end offers, if it has said so.
    #[cfg(feature = "schema")]
    pub(crate) fn heard_offers(&self) -> Option<&str> {
        self.offers.as_ref()?.heard.as_deref()
    }

    /// Reads what the `$/hello` of the other end, which was [heard](Self::hear), says of its services.
    ///
    /// # Errors
    /// If that is invalid. It is ignored then.
    #[cfg(feature = "schema")]
    pub(crate) fn hear_offers(&mut self, params: Option<&str>) -> Result<(), ()> {
        if !self.plain {
            let heard = offers::said(params.unwrap_or_default())?;
            if heard.is_some() {
                self.offers.get_or_insert_default().heard = heard;
            }
        }
        Ok(())
    }

    /// Notes whether the links of this end carry binary messages.
    pub(crate) fn set_carries_binary(&mut self, carries_binary: bool) {
        self.carries_binary = carries_binary && !self.plain;
    }

    /// Returns whether this end takes bytes beside the text of a message.
    pub(crate) fn offers_bytes(&self) -> bool {
        self.carries_binary
    }

    /// Returns whether the other end may be sent bytes beside the text of a message.
    pub(crate) fn takes_bytes(&self) -> bool {
        self.other.has(Said::BYTES) && self.carries_binary
    }

    /// Notes that this end has sent `$/hello` in another way.
    pub(crate) fn note_said(&mut self) {
        self.said = true;
    }

    /// Begins another link with an end of which nothing is known.
    pub(crate) fn begin_link(&mut self) {
        let before = std::mem::take(self);
        self.plain = before.plain;
        self.carries_binary = before.carries_binary;
        self.asks_for_unstable = before.asks_for_unstable;
        #[cfg(feature = "schema")]
        {
            let own = before.offers.and_then(|offers| offers.own);
            self.offers = own.map(|own| Box::new(Offers { own: Some(own), heard: None }));
        }
    }

    /// Notes that both ends have announced the extensions in the headers of their handshake.
    pub(crate) fn exchange(&mut self) {
        self.exchanged = !self.plain;
    }

    /// Returns whether the other end will send a `$/hello`, because the handshake announced it.
    pub(crate) fn is_exchanged(&self) -> bool {
        self.exchanged
    }

    /// Returns whether the other end has announced the extensions.
    pub(crate) fn is_known(&self) -> bool {
        self.exchanged || self.heard.is_some()
    }

    /// Returns whether this end is a plain peer.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Returns whether this end has sent `$/hello`. The other end reads it before any message that is sent now.
    pub(crate) fn is_said(&self) -> bool {
        self.said
    }

    /// Reads the `$/hello` of the other end. Only the first one counts.
    ///
    /// # Errors
    /// If the params are invalid.
    pub(crate) fn hear(&mut self, params: Option<&str>) -> Result<(), ()> {
        let params: Params = serde_json::from_str(params.unwrap_or_default()).map_err(drop)?;
        let window = params.window.unwrap_or(WINDOW);
        if params.duplex == 0 || !(1..=MOST).contains(&window) || params.batch == Some(0) {
            return Err(());
        }
        if !self.plain && self.heard.is_none() {
            self.heard = narrow(window);
            self.batch = params.batch.and_then(narrow);
            self.other = Said::of(&params);
        }
        Ok(())
    }

    /// Returns the initial credit of streams towards the other end; `None` if the other end has not sent `$/hello` yet.
    pub(crate) fn window(&self) -> Option<u64> {
        self.heard.map(|window| window.get().into())
    }

    /// Returns whether the other end gives credit as soon as an item that asks for it is consumed.
    pub(crate) fn answers_asking(&self) -> bool {
        self.other.has(Said::ACK)
    }

    /// Returns whether the other end takes several items in one message.
    pub(crate) fn takes_results(&self) -> bool {
        self.other.has(Said::RESULTS)
    }

    /// Returns whether the other end reads several messages in one.
    pub(crate) fn takes_sequences(&self) -> bool {
        self.other.has(Said::SEQUENCES)
    }

    /// Returns the largest batch that the other end accepts, if it has announced one.
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
        r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":7,"batch":10,"ack":true,"results":true,"sequences":true}}"#
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
        r#"{"duplex":1,"ack":1}"#,
        r#"{"duplex":1,"results":1}"#,
        r#"{"duplex":1,"bytes":1}"#,
        r#"{"duplex":1,"sequences":1}"#,
        r#"{"duplex":1,"unstable":1}"#,
    ] {
        assert_eq!(hello.hear(Some(wrong)), Err(()), "{wrong}");
    }
    assert_eq!(hello.hear(Some(r#"{"duplex":1,"window":2147483649}"#)), Err(()));
    assert_eq!(hello.hear(None), Err(()));
    assert_eq!(hello.window(), None);
    let first = r#"{"duplex":2,"new":[],"batch":3,"ack":true,"results":true,"sequences":true}"#;
    assert_eq!(hello.hear(Some(first)), Ok(()));
    assert_eq!(hello.hear(Some(r#"{"duplex":1,"window":9,"batch":5}"#)), Ok(()));
    assert_eq!((hello.window(), hello.batch()), (Some(WINDOW), Some(3)));
    assert!(hello.answers_asking() && hello.takes_results() && hello.takes_sequences());
}

#[test]
fn bytes_are_for_two_ends_that_both_take_them() {
    let says = |carries_binary, params| {
        let mut hello = Greetings::default();
        hello.set_carries_binary(carries_binary);
        assert_eq!(hello.hear(Some(params)), Ok(()));
        let said = hello.say(7, 10).unwrap();
        (said.ends_with(br#","sequences":true,"bytes":true}}"#), hello.takes_bytes())
    };
    let (with, without) = (r#"{"duplex":1,"bytes":true}"#, r#"{"duplex":1}"#);
    assert_eq!([says(true, with), says(true, without)], [(true, true), (true, false)]);
    assert_eq!([says(false, with), says(false, without)], [(false, false); 2]);
    let mut plain = Greetings::plain();
    plain.set_carries_binary(true);
    assert!(!plain.offers_bytes());
}

#[test]
fn who_asks_for_unstable_methods_says_so_on_each_link() {
    let mut hello = Greetings::default();
    assert_eq!(hello.hear(Some(r#"{"duplex":1,"unstable":true}"#)), Ok(()));
    assert!(hello.is_asked_for_unstable());
    hello.set_asks_for_unstable();
    for _ in 0..2 {
        let said = hello.say(7, 10).unwrap();
        assert!(said.ends_with(br#","sequences":true,"unstable":true}}"#), "{said:?}");
        hello.begin_link();
    }
    assert!(!hello.is_asked_for_unstable(), "another end, of which nothing is known");
}

#[test]
fn a_plain_end_neither_says_nor_hears_anything() {
    let mut hello = Greetings::plain();
    assert_eq!(hello.say(7, 10), None);
    assert_eq!(hello.hear(Some(r#"{"duplex":1}"#)), Ok(()));
    assert_eq!((hello.is_said(), hello.window()), (false, None));
}
