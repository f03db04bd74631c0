//! Messages without what only a peer that knows our extensions is sent.
//!
//! A message is written when it is made, for the peer of that time. It may wait for another link, which may lead to
//! another peer.

use bytes::Bytes;

use crate::wire::scan::Scanner;

/// The members that a message has without the program having asked for them on that very message.
const MEMBERS: [&str; 4] =
    [r#""timeoutMs""#, r#""traceparent""#, r#""tracestate""#, r#""forwarded""#];

/// Returns a message of this end as a plain peer is sent it. `None` if it can go as it is.
pub(crate) fn without_extensions(message: &[u8]) -> Option<Bytes> {
    if !MEMBERS.iter().any(|name| memchr::memmem::find(message, name.as_bytes()).is_some()) {
        return None;
    }
    let mut scanner = Scanner::new(std::str::from_utf8(message).ok()?);
    let mut out = Vec::with_capacity(message.len());
    if scanner.take(b'[') {
        out.push(b'[');
        list(&mut scanner, &mut out, |scanner, out| {
            scanner.take(b'{').then_some(())?;
            object(scanner, out)
        })?;
        out.push(b']');
    } else if scanner.take(b'{') {
        object(&mut scanner, &mut out)?;
    }
    Some(out.into())
}

/// Copies an object whose brace was taken.
fn object(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'{');
    list(scanner, out, |scanner, out| {
        let name = scanner.name()?;
        let (value, _) = scanner.value()?;
        if !MEMBERS.contains(&name) {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        Some(())
    })?;
    scanner.next()?;
    out.push(b'}');
    Some(())
}

/// Copies what stands between commas, without those parts of which nothing is copied.
fn list<'a>(
    scanner: &mut Scanner<'a>,
    out: &mut Vec<u8>,
    copy: impl Fn(&mut Scanner<'a>, &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let start = out.len();
    loop {
        let before = out.len();
        if before > start {
            out.push(b',');
        }
        let copied = out.len();
        copy(scanner, out)?;
        if out.len() == copied {
            out.truncate(before);
        }
        if !scanner.take(b',') {
            return Some(());
        }
    }
}

#[test]
fn only_what_nobody_asked_for_is_left_out() {
    let plain = |message: &str| {
        let left = without_extensions(message.as_bytes())?;
        Some(String::from_utf8(left.into()).unwrap())
    };
    let call = r#"{"jsonrpc":"2.0","method":"a","params":{"timeoutMs":1,"t":"traceparent"},"id":7"#;
    let asked_for = r#","progressToken":7,"idempotencyKey":"k""#;
    let trace = r#","traceparent":"00-…-01","tracestate":"a=\"1\"","forwarded":1"#;
    let expected = format!("{call}{asked_for}}}");
    assert_eq!(plain(&format!(r#"{call},"timeoutMs":30{asked_for}{trace}}}"#)), Some(expected));
    let note = r#"{"jsonrpc":"2.0","method":"n""#;
    assert_eq!(
        plain(&format!(r#"[{note}{trace}}},{call},"timeoutMs":30}}]"#)),
        Some(format!("[{note}}},{call}}}]"))
    );
    assert_eq!(plain(&format!("{note}}}")), None);
    assert_eq!(plain(&format!("[{note}}},{note}}}]")), None);
}
