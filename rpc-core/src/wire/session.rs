//! The member `session` of `$/hello`, and the acknowledgement `$/ack`.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::id::write_number;

/// The buffer of an end that names none, in bytes.
const BUFFER: usize = 262_144;

/// The smallest buffer that an end is taken to have, in bytes.
const LEAST_BUFFER: u64 = 4096;

/// The longest time for which a session is taken to be kept.
const LONGEST_KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest time over which first attempts to reconnect are spread.
const LONGEST_SPREAD: Duration = Duration::from_secs(60);

/// The end of all counts.
const COUNTS: u64 = 1 << 53;

/// The number of bytes of a reason that are read.
const LONGEST_REASON: usize = 123;

/// The lengths that a token may have, in bytes.
const TOKEN: std::ops::RangeInclusive<usize> = 22..=256;

/// What an end says of a session in its hello.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SessionSaid<'a> {
    /// Where the session stands at which the hello is aimed.
    pub(crate) subject: Subject<'a>,
    /// The token; empty if there is none.
    pub(crate) token: &'a str,
    pub(crate) buffer: usize,
    pub(crate) keep: Option<Duration>,
    pub(crate) spread: Option<Duration>,
}

/// What a hello says of the session before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// Nothing: the hello asks for a session, or grants one.
    #[default]
    Fresh,
    /// The client resumes the session, and has taken in `received` messages.
    Resume { attempt: u64, received: u64 },
    /// The server goes on with the session, and has taken in `received` messages.
    Resumed { received: u64 },
    /// The server does not resume the session.
    Refused(Refusal<'a>),
}

/// Why a session is not resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal<'a> {
    pub(crate) why: RefusedAs,
    /// How many messages the server had taken in at the end of the session, if the server knows that.
    pub(crate) received: Option<u64>,
    /// The close code and the reason with which the session ended.
    pub(crate) end: Option<(u16, &'a str)>,
}

/// The word for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusedAs {
    /// The server does not know the token, or does not say more.
    Unknown,
    /// The counts of the two ends contradict each other.
    Counts,
    /// The session has ended.
    Ended,
}

impl RefusedAs {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counts => "counts",
            Self::Ended => "ended",
        }
    }
}

impl SessionSaid<'_> {
    /// Writes the member, with a comma before it.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_slice(br#","session":{"#);
        let mut number = |name: &str, number: u64| {
            let is_first = out.last() == Some(&b'{');
            out.put_slice(if is_first { b"\"" } else { b",\"" });
            out.put_slice(name.as_bytes());
            out.put_slice(b"\":");
            write_number(number, &mut (&mut *out).writer());
        };
        match self.subject {
            Subject::Fresh => {}
            Subject::Resume { attempt, received } => {
                number("attempt", attempt);
                number("received", received);
            }
            Subject::Resumed { received } => number("received", received),
            Subject::Refused(refusal) => {
                if let Some(received) = refusal.received {
                    number("received", received);
                }
                if let Some((code, _)) = refusal.end {
                    number("code", code.into());
                }
            }
        }
        number("buffer", self.buffer as u64);
        let mut time = |name, time: Option<Duration>| {
            if let Some(time) = time {
                number(name, time.as_millis().try_into().unwrap_or(u64::MAX));
            }
        };
        time("keepMs", self.keep);
        time("spreadMs", self.spread);
        match self.subject {
            Subject::Resumed { .. } => out.put_slice(br#","resumed":true"#),
            Subject::Refused(refusal) => {
                out.put_slice(br#","refused":""#);
                out.put_slice(refusal.why.name().as_bytes());
                out.put_u8(b'"');
                if let Some((_, reason)) = refusal.end {
                    out.put_slice(br#","reason":"#);
                    serde_json::to_writer((&mut *out).writer(), reason)
                        .expect("a string is always JSON");
                }
            }
            Subject::Fresh | Subject::Resume { .. } => {}
        }
        if !self.token.is_empty() {
            out.put_slice(br#","token":""#);
            out.put_slice(self.token.as_bytes());
            out.put_u8(b'"');
        }
        out.put_u8(b'}');
    }
}

/// The member as it was received. A member of another type counts as absent: the numbers of the other end are advice.
#[derive(Deserialize)]
pub(crate) struct SessionParams<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    attempt: Option<&'a RawValue>,
    #[serde(borrow)]
    received: Option<&'a RawValue>,
    #[serde(borrow)]
    resumed: Option<&'a RawValue>,
    #[serde(borrow)]
    refused: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    buffer: Option<&'a RawValue>,
    #[serde(borrow, rename = "keepMs")]
    keep: Option<&'a RawValue>,
    #[serde(borrow, rename = "spreadMs")]
    spread: Option<&'a RawValue>,
}

/// Reads a member that is present even if it is `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl<'a> SessionParams<'a> {
    /// Reads the member; `None` if it is no object.
    pub(crate) fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Returns whether the hello has a token, of whatever type.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Returns the token, if it is one that may have been given.
    pub(crate) fn token(&self) -> Option<&'a str> {
        let text = self.token?.get();
        let token = text.strip_prefix('"')?.strip_suffix('"')?;
        is_token(token).then_some(token)
    }

    /// Returns the number of the attempt to resume; `None` if there is none from 1 to 2^53.
    pub(crate) fn attempt(&self) -> Option<u64> {
        number(self.attempt).filter(|attempt| (1..=COUNTS).contains(attempt))
    }

    /// Returns how many messages the other end has taken in, if it says so by an integer.
    pub(crate) fn received(&self) -> Option<u64> {
        number(self.received)
    }

    /// Returns whether the session goes on.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed.is_some_and(|resumed| resumed.get() == "true")
    }

    /// Returns whether the session does not go on, and why.
    pub(crate) fn refused(&self) -> Option<RefusedAs> {
        Some(match self.refused?.get() {
            r#""counts""# => RefusedAs::Counts,
            r#""ended""# => RefusedAs::Ended,
            _ => RefusedAs::Unknown,
        })
    }

    /// Returns the close code and the reason with which the session ended, if the server tells the code.
    pub(crate) fn end(&self) -> Option<(u16, String)> {
        let code = number(self.code)?.try_into().ok()?;
        let reason =
            self.reason.and_then(|reason| serde_json::from_str::<String>(reason.get()).ok());
        let mut reason = reason.unwrap_or_default();
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        Some((code, reason))
    }

    /// Returns the buffer of the other end, in bytes.
    pub(crate) fn buffer(&self) -> usize {
        let buffer = number(self.buffer).unwrap_or(BUFFER as u64).max(LEAST_BUFFER);
        usize::try_from(buffer).unwrap_or(usize::MAX)
    }

    /// Returns how long the session is kept, or is to be kept, without a link.
    pub(crate) fn keep(&self) -> Option<Duration> {
        Some(Duration::from_millis(number(self.keep)?).min(LONGEST_KEEP))
    }

    /// Returns the time over which first attempts to reconnect are to be spread.
    pub(crate) fn spread(&self) -> Option<Duration> {
        Some(Duration::from_millis(number(self.spread)?).min(LONGEST_SPREAD))
    }
}

/// Returns whether this text may be a token.
pub(crate) fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    TOKEN.contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Returns an integer that is not negative, in any spelling.
fn number(json: Option<&RawValue>) -> Option<u64> {
    let text = json?.get();
    text.parse().ok().or_else(|| crate::wire::id::whole(text))
}

/// Returns the notification that `n` messages were taken in.
pub(crate) fn ack(n: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(72);
    out.put_slice(br#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":"#);
    write_number(n, &mut (&mut out).writer());
    out.put_slice(b"}}");
    out.freeze()
}

/// Reads the params of `$/ack`. Returns `None` if the count is no integer that can be true.
pub(crate) fn read_ack(params: Option<&str>) -> Option<u64> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        n: &'a RawValue,
    }
    let params = params.filter(|params| params.starts_with('{'))?;
    number(Some(serde_json::from_str::<Params<'_>>(params).ok()?.n))
}

/// Returns whether a message of this end is of its link, and not of the session. `message` was written by this end, so
/// that the method stands at a known place, and is not escaped.
pub(crate) fn is_of_link(message: &[u8]) -> bool {
    let head = br#"{"jsonrpc":"2.0","method":"$/"#;
    message
        .strip_prefix(head)
        .is_some_and(|rest| rest.starts_with(b"ack\"") || rest.starts_with(b"hello\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(said: SessionSaid<'_>) -> String {
        let mut out = BytesMut::new();
        said.write(&mut out);
        String::from_utf8(out[..].into()).unwrap()
    }

    const TOKEN: &str = "k3Vq-k3Vq.k3Vq_k3Vq~k3Vq";

    #[test]
    fn what_was_written_is_read() {
        let ask = SessionSaid { buffer: 1_048_576, ..SessionSaid::default() };
        assert_eq!(written(ask), r#","session":{"buffer":1048576}"#);

        let subject = Subject::Resume { attempt: 1, received: 57 };
        let resume = written(SessionSaid { subject, token: "k3Vq", ..ask });
        assert_eq!(
            resume,
            r#","session":{"attempt":1,"received":57,"buffer":1048576,"token":"k3Vq"}"#
        );

        let (keep, spread) = (Some(Duration::from_secs(120)), Some(Duration::from_millis(250)));
        let subject = Subject::Resumed { received: 41 };
        let resumed = written(SessionSaid { subject, token: "Qz0e", keep, spread, ..ask });
        assert_eq!(
            resumed,
            r#","session":{"received":41,"buffer":1048576,"keepMs":120000,"spreadMs":250,"resumed":true,"token":"Qz0e"}"#
        );

        let refusal =
            Refusal { why: RefusedAs::Ended, received: Some(9), end: Some((4403, "out")) };
        let refused =
            written(SessionSaid { subject: Subject::Refused(refusal), token: TOKEN, ..ask });
        let params = SessionParams::read(refused.strip_prefix(r#","session":"#).unwrap()).unwrap();
        assert_eq!((params.refused(), params.received()), (Some(RefusedAs::Ended), Some(9)));
        assert_eq!((params.end(), params.token()), (Some((4403, "out".into())), Some(TOKEN)));
        assert!(!params.is_resumed());
    }

    #[test]
    fn numbers_of_the_other_end_are_advice() {
        let read = |json| SessionParams::read(json).unwrap();
        let params =
            read(r#"{"buffer":1,"keepMs":1e12,"spreadMs":60001,"attempt":0,"received":-1}"#);
        assert_eq!((params.buffer(), params.keep()), (4096, Some(LONGEST_KEEP)));
        assert_eq!(
            (params.spread(), params.attempt(), params.received()),
            (Some(LONGEST_SPREAD), None, None)
        );
        let params =
            read(r#"{"buffer":"7","keepMs":-1,"token":7,"attempt":9007199254740993,"code":70000}"#);
        assert_eq!((params.buffer(), params.keep(), params.spread()), (BUFFER, None, None));
        assert_eq!((params.has_token(), params.token(), params.attempt()), (true, None, None));
        assert!(params.end().is_none() && params.refused().is_none());
        assert!(SessionParams::read("7").is_none() && SessionParams::read("null").is_none());
    }

    #[test]
    fn a_token_has_a_length_and_no_other_characters() {
        for wrong in
            ["", "k3Vq", "k3Vq k3Vq k3Vq k3Vq k3Vq", &"x".repeat(257), "k3Vqk3Vqk3Vqk3Vqk3Vqk3Vé"]
        {
            assert!(!is_token(wrong), "{wrong}");
        }
        assert!(is_token(TOKEN) && is_token(&"x".repeat(256)));
    }

    #[test]
    fn an_acknowledgement_is_an_integer() {
        assert_eq!(ack(1234), r#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":1234}}"#);
        assert_eq!(read_ack(Some(r#"{"n":1234}"#)), Some(1234));
        assert_eq!(read_ack(Some(r#"{"n":18446744073709551615}"#)), Some(u64::MAX));
        for wrong in
            [None, Some("[1]"), Some(r#"{"n":-1}"#), Some(r#"{"n":"1"}"#), Some(r#"{"n":1.5}"#)]
        {
            assert_eq!(read_ack(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn hello_and_ack_are_of_the_link_and_nothing_else() {
        assert!(is_of_link(&ack(1)));
        assert!(is_of_link(br#"{"jsonrpc":"2.0","method":"$/hello","params":{}}"#));
        for other in [
            r#"{"jsonrpc":"2.0","method":"$/acks"}"#,
            r#"[{"jsonrpc":"2.0","method":"$/ack"}]"#,
            "{}",
        ] {
            assert!(!is_of_link(other.as_bytes()), "{other}");
        }
    }
}
