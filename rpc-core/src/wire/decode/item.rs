//! A fast path for items of streams, spelled as this framework and nearly all other peers spell them.
//!
//! The general way reads such a message as a notification: it scans the params, looks for the method, and scans the
//! params once more for what they say of a stream. Here one pass reads all of it, for a stream that is known by its id,
//! whatever the method. Whatever is unusual is left to the general way: this file refuses nothing. A test checks that
//! both read the same.

use super::Rules;
use crate::wire::id::canonical;
use crate::wire::item::{Values, refusal};
use crate::wire::scan::Scanner;

/// The items of one message, whose values are all to be read.
#[derive(Debug)]
pub(crate) struct UsualItem<'a> {
    /// The id of the stream, as JSON text.
    pub(crate) subscription: &'a str,
    /// The number of the first item, if the stream has numbers.
    pub(crate) seq: Option<u64>,
    /// Whether credit is asked for as soon as the last item is consumed.
    pub(crate) asks_credit: bool,
    pub(crate) said: UsualSaid<'a>,
}

/// What a message with items says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsualSaid<'a> {
    /// The JSON text of the value of one item.
    Result(&'a str),
    /// The values of several items.
    Results(Values<'a>),
}

/// The beginning of params that may be an item.
pub(super) const PARAMS: &str = r#"{"subscription":"#;

/// Reads a text as a message with items. `None` says nothing about the text.
pub(super) fn read<'a>(text: &'a str, rules: &Rules) -> Option<UsualItem<'a>> {
    let scanner = &mut Scanner::new(text);
    scanner.take_text(r#"{"jsonrpc":"2.0","method":""#).then_some(())?;
    scanner.plain_string().filter(|method| method.len() <= rules.method_bytes)?;
    (scanner.take_text(r#","params":"#) && scanner.take_text(PARAMS)).then_some(())?;
    let subscription = id(scanner)?;
    let seq = match scanner.take_text(r#","seq":"#) {
        true => Some(canonical(scanner.integer()?).filter(|seq| *seq > 0)?),
        false => None,
    };
    let asks_credit = seq.is_some() && scanner.take_text(r#","ack":true"#);
    let said = if scanner.take_text(r#","result":"#) {
        let (value, complexity) = scanner.value()?;
        refusal(complexity, rules.depth).is_none().then_some(UsualSaid::Result(value))?
    } else if scanner.take_text(r#","results":"#) {
        UsualSaid::Results(Values::take(scanner, rules.depth)?)
    } else {
        return None;
    };
    let is_whole = scanner.take_text("}}") && scanner.is_at_end();
    is_whole.then_some(UsualItem { subscription, seq, asks_credit, said })
}

/// Takes a string without escapes, with its quotes, or an integer.
fn id<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    let start = scanner.rest();
    if !scanner.take_text("\"") {
        return scanner.integer();
    }
    scanner.plain_string()?;
    Some(&start[..start.len() - scanner.left()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;
    use crate::wire::decode::{Incoming, Payload, decode};
    use crate::wire::item::{ItemParams, Said, values};

    const DEPTH: usize = 3;

    fn rules() -> Rules {
        Rules::new(&Limits { depth: DEPTH, method_bytes: 8, ..Limits::server() }, false)
    }

    #[test]
    fn what_most_peers_write_is_read() {
        for params in [
            r#"{"subscription":"a","result":1}"#,
            r#"{"subscription":7,"result":{"a":["é"]}}"#,
            r#"{"subscription":"a","seq":1,"result":"x"}"#,
            r#"{"subscription":"a","seq":1,"ack":true,"result":null}"#,
            r#"{"subscription":"a","seq":1,"results":[1,"x",[{}]]}"#,
        ] {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"$/item","params":{params}}}"#);
            assert!(read(&text, &rules()).is_some(), "{text}");
        }
    }

    fn member() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            r#""seq":1"#,
            r#""seq":0"#,
            r#""seq":01"#,
            r#""seq":18446744073709551616"#,
            r#""seq":1.5"#,
            r#""ack":true"#,
            r#""ack":false"#,
            r#""result":1"#,
            r#""result":"a\"b""#,
            r#""result":[[]]"#,
            r#""result":[[[]]]"#,
            r#""result":{"$serde_json::private::RawValue":"1"}"#,
            r#""results":[1,2]"#,
            r#""results":["a,b",[[]],{}]"#,
            r#""results":[[[[]]]]"#,
            r#""results":[]"#,
            r#""results":[1, 2]"#,
            r#""results":[1,{"$serde_json::private::RawValue":"1"}]"#,
            r#""results":5"#,
            r#""error":1"#,
            r#""done":true"#,
            r#""subscription":"b""#,
            r#""x":1"#,
            "",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        /// Whatever is read here is the same in the general way.
        #[test]
        fn the_general_way_reads_the_same(
            method in prop::sample::select(vec!["$/item", "12345678", "123456789", "a\\u0062"]),
            id in prop::sample::select(vec![r#""a""#, r#""\u0061""#, "7", "-7", "7.5", "null", "[1]"]),
            members in prop::collection::vec((prop::bool::weighted(0.9), member()), 0..4),
            after in prop::sample::select(vec!["", " ", "}", r#","x":1"#, r#","id":1"#]),
            cut in prop::option::weighted(0.1, 0..150_usize),
        ) {
            let mut text = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"subscription":{id}"#);
            for (has_comma, member) in members {
                text.extend(has_comma.then_some(','));
                text.push_str(member);
            }
            text.extend(["}", after, "}"]);
            if let Some(cut) = cut {
                text.truncate(cut);
            }
            let Some(item) = read(&text, &rules()) else { return Ok(()) };
            let Payload::Single(Incoming::Notification(notification)) = decode(&text, &rules()) else {
                return Err(TestCaseError::fail(text));
            };
            let params = ItemParams::read(notification.params.unwrap()).unwrap();
            prop_assert_eq!(params.subscription, item.subscription);
            prop_assert_eq!(params.asks_credit(), item.asks_credit);
            match item.said {
                UsualSaid::Result(result) => {
                    prop_assert!(notification.complexity.depth <= DEPTH);
                    prop_assert_eq!(params.said(true), Ok((Said::Result(result), item.seq)));
                    prop_assert_eq!(params.said(false), Ok((Said::Result(result), None)));
                }
                UsualSaid::Results(results) => {
                    let said = params.said(true);
                    let Ok((Said::Results(array), seq)) = said else {
                        return Err(TestCaseError::fail(format!("{said:?}")));
                    };
                    prop_assert_eq!(seq, item.seq);
                    prop_assert!(values(array).all(|it| refusal(it.1, DEPTH).is_none()));
                    prop_assert!(values(array).map(|it| it.0).eq(results.iter()));
                    prop_assert!(!params.is_single());
                }
            }
        }
    }
}
