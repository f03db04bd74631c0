//! A fast path for messages that are spelled as nearly all peers spell them: without whitespace, with numbers as ids,
//! and with no members but the usual ones, in one of the usual orders.
//!
//! The general reader keeps each member in a table and sorts out afterwards what the message is. Here the order decides
//! as the text is read, so that a small request takes half the instructions. Whatever is unusual is left to the general
//! reader: this file refuses nothing. A test checks that both read the same.

use std::borrow::Cow;

use super::{Incoming, Notification, Request, Response, Rules, item, timeout};
use crate::wire::scan::{Complexity, Scanner};

/// Takes a message. `None` says nothing about the text, and takes nothing.
#[inline]
pub(super) fn take<'a>(scanner: &mut Scanner<'a>, rules: &Rules) -> Option<Incoming<'a>> {
    let mut ahead = scanner.clone();
    if !ahead.take_text(r#"{"jsonrpc":"2.0","#) {
        return None;
    }
    let id = match ahead.take_text(ID) {
        true => Some(id(&mut ahead, rules).filter(|_| ahead.take(b','))?),
        false => None,
    };
    let message = if ahead.take_text(r#""method":""#) {
        method(&mut ahead, id, rules)?
    } else if ahead.take_text(r#""result":"#) {
        response(&mut ahead, id, rules)?
    } else {
        return None;
    };
    *scanner = ahead;
    Some(message)
}

/// The name of the member `id`.
const ID: &str = r#""id":"#;

/// Takes the value of the member `id`.
#[inline(always)]
fn id<'a>(scanner: &mut Scanner<'a>, rules: &Rules) -> Option<&'a str> {
    scanner.integer().filter(|id| id.len() <= rules.id_bytes)
}

/// Takes the rest of a request or a notification, behind the quote that begins the name of the method.
#[inline(always)]
fn method<'a>(
    scanner: &mut Scanner<'a>,
    mut id: Option<&'a str>,
    rules: &Rules,
) -> Option<Incoming<'a>> {
    let method =
        Cow::Borrowed(scanner.plain_string().filter(|method| method.len() <= rules.method_bytes)?);
    let (mut params, mut complexity) = (None, Complexity::default());
    if scanner.take_text(r#","params":"#) {
        // Items have a fast path of their own.
        if scanner.is_before(item::PARAMS) {
            return None;
        }
        let (text, found) = scanner.structure()?;
        (params, complexity) = (Some(text), found);
    }
    if complexity.has_meta {
        return None;
    }
    if id.is_none() && scanner.take(b',') {
        id = Some(scanner.take_text(ID).then(|| self::id(scanner, rules))??);
    }
    if scanner.take(b'}') {
        let extensions = None;
        return Some(match id {
            Some(id) => Incoming::Request(Request {
                id,
                method,
                params,
                complexity,
                timeout: None,
                extensions,
            }),
            None => Incoming::Notification(Notification { method, params, complexity, extensions }),
        });
    }
    if !scanner.take_text(r#","timeoutMs":"#) {
        return None;
    }
    let timeout = timeout(scanner.integer()?).ok();
    let request = Request { id: id?, method, params, complexity, timeout, extensions: None };
    scanner.take(b'}').then_some(Incoming::Request(request))
}

/// Takes the rest of a response, at its result.
#[inline(always)]
fn response<'a>(
    scanner: &mut Scanner<'a>,
    id: Option<&'a str>,
    rules: &Rules,
) -> Option<Incoming<'a>> {
    let (result, complexity) = scanner.value()?;
    if complexity.depth > rules.depth || complexity.is_disguised {
        return None;
    }
    let id = Some(match id {
        Some(id) => id,
        None => scanner.take_text(r#","id":"#).then(|| self::id(scanner, rules))??,
    });
    scanner.take(b'}').then_some(Incoming::Response { id, answer: Response::Result(result) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;
    use crate::wire::decode::any_message;

    fn rules() -> Rules {
        Rules::new(&Limits { depth: 3, id_bytes: 9, method_bytes: 8, ..Limits::server() }, false)
    }

    #[test]
    fn what_most_peers_write_is_taken() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"add","params":{"a":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"add"}"#,
            r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":123456789}"#,
            r#"{"jsonrpc":"2.0","method":"add","id":1,"timeoutMs":500}"#,
            r#"{"jsonrpc":"2.0","method":"add","params":[]}"#,
            r#"{"jsonrpc":"2.0","method":"add"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":["é"]}}"#,
            r#"{"jsonrpc":"2.0","result":null,"id":1}"#,
        ] {
            assert!(take(&mut Scanner::new(text), &rules()).is_some(), "{text}");
        }
    }

    fn member() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            r#""jsonrpc":"2.0""#,
            r#""jsonrpc":"1.0""#,
            r#""id":1"#,
            r#""id":123456789"#,
            r#""id":1234567890"#,
            r#""id":01"#,
            r#""id":-1"#,
            r#""id":1.5"#,
            r#""id":null"#,
            r#""id":"1""#,
            r#""method":"add""#,
            r#""method":"12345678""#,
            r#""method":"123456789""#,
            r#""method":"a\"b""#,
            r#""method":"é""#,
            r#""method":null"#,
            r#""params":[1,"two"]"#,
            r#""params":{"_meta":{"progressToken":1}}"#,
            r#""params":{"$serde_json::private::RawValue":"1"}"#,
            r#""params":[[[[]]]]"#,
            r#""params":null"#,
            r#""params":"x""#,
            r#""result":1"#,
            r#""result":"\ud800""#,
            r#""result":[[[[]]]]"#,
            r#""result":{"$serde_json::private::RawValue":"1"}"#,
            r#""error":{"code":1,"message":"m"}"#,
            r#""timeoutMs":5"#,
            r#""timeoutMs":99999999999999999999"#,
            r#""timeoutMs":1e3"#,
            r#""x":1"#,
            r#""id":"#,
            r#""method":"#,
            "",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        /// Whatever is taken here is the same for the general reader, and ends at the same place.
        #[test]
        fn the_general_reader_reads_the_same(
            members in prop::collection::vec((prop::bool::weighted(0.9), member()), 0..5),
            cut in prop::option::weighted(0.1, 0..100_usize),
            after in prop::sample::select(vec!["", " ", "}", ",1"]),
        ) {
            let mut text = String::from(r#"{"jsonrpc":"2.0""#);
            for (has_comma, member) in members {
                text.extend(has_comma.then_some(','));
                text.push_str(member);
            }
            text.extend(["}", after]);
            if let Some(cut) = cut.filter(|&cut| text.is_char_boundary(cut)) {
                text.truncate(cut);
            }
            let (mut usual, mut general) = (Scanner::new(&text), Scanner::new(&text));
            match take(&mut usual, &rules()) {
                Some(taken) => {
                    let read = any_message(&mut general, &rules());
                    prop_assert_eq!(format!("{:?}", Some(taken)), format!("{read:?}"));
                    prop_assert_eq!(usual.rest(), general.rest());
                }
                None => prop_assert_eq!(usual.rest(), &text),
            }
        }
    }
}
