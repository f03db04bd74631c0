//! The params of a notification that carries an item.
//!
//! Read as the envelope is, by the members that are there: an item that is `null` is an item, and what
//! `serde` makes of an `Option` could not tell it from none. What a member is worth depends on the stream:
//! only one that both ends have agreed on has `seq`, `done` and `results`, elsewhere those are the peer's own.
//!
//! Several items that leave together are one notification: `"results":[…]` holds their values, and `seq` is the number
//! of the first.

use std::borrow::Cow;

use crate::method::SUBSCRIPTION;
use crate::wire::scan::{Complexity, DISGUISED, Scanner, TOO_DEEP};

/// The members that mean something, as their JSON text.
#[derive(Debug, Default)]
pub(crate) struct ItemParams<'a> {
    /// The id: other peers have numbers for it.
    pub(crate) subscription: &'a str,
    result: Option<&'a str>,
    error: Option<&'a str>,
    done: Option<&'a str>,
    results: Option<&'a str>,
    seq: Option<&'a str>,
    ack: Option<&'a str>,
    /// Why its value is not to be read.
    unreadable: Option<&'static str>,
    /// One of the first three, or of the others, is given twice.
    repeated: bool,
    counts_repeated: bool,
}

/// What an item says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The JSON text of its value.
    Result(&'a str),
    /// The JSON text of an array that is not empty: the values of several items.
    Results(&'a str),
    /// The stream ends with this error, which is JSON text.
    Error(&'a str),
    /// The stream ends.
    Done,
    /// It is an item, and its value cannot be read.
    Unreadable(&'static str),
    /// The stream ends with an error that cannot be read.
    Failed(&'static str),
}

/// What comes of an item, and its number if it has one.
pub(crate) type Read<'a> = (Said<'a>, Option<u64>);

/// Whether items can hold the id of their stream in a member of this name: no other member of theirs has
/// it, and JSON has one spelling of it.
pub(crate) fn can_hold_id(name: &str) -> bool {
    let is_plain = |char: char| !matches!(char, '"' | '\\' | '\0'..='\x1f');
    !name.is_empty()
        && name.chars().all(is_plain)
        && !["result", "error", "done", "results", "seq", "ack"].contains(&name)
}

impl<'a> ItemParams<'a> {
    /// Reads params that look like an item of some stream. They are JSON, as they came in a message.
    pub(crate) fn read(params: &'a str) -> Option<Self> {
        Self::scan(params, SUBSCRIPTION)
    }

    /// Reads those that hold the id in the member of this name.
    pub(crate) fn read_by(params: &'a str, id_member: &str) -> Option<Self> {
        // Apart from the usual name, so that this one is compared as a constant.
        if id_member == SUBSCRIPTION { Self::read(params) } else { Self::scan(params, id_member) }
    }

    #[inline(always)]
    fn scan(params: &'a str, id_member: &str) -> Option<Self> {
        let mut scanner = Scanner::new(params);
        let mut item = Self::default();
        if !scanner.take(b'{') || scanner.take(b'}') {
            return None;
        }
        loop {
            let name = scanner.name()?;
            let (text, complexity) = scanner.value()?;
            item.insert(name, id_member, text, complexity);
            if scanner.next()? != b',' {
                break;
            }
        }
        let is_id = matches!(item.subscription.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'));
        (is_id && (item.is_single() || item.results.is_some())).then_some(item)
    }

    /// Whether these are params of an item on any stream. If not, they are only on a stream that is counted.
    pub(crate) fn is_single(&self) -> bool {
        self.result.is_some() || self.error.is_some() || self.done.is_some()
    }

    /// The same, and if its message nests too deep, nothing of it is to be read but whose it is.
    pub(crate) fn within_depth(mut self, is_too_deep: bool) -> Self {
        if is_too_deep {
            self.unreadable = Some(TOO_DEEP);
        }
        self
    }

    /// Whether these params are such.
    pub(crate) fn are(params: Option<&str>, id_member: &str) -> bool {
        params.is_some_and(|params| ItemParams::read_by(params, id_member).is_some())
    }

    /// Takes in a member; its `name` stands in quotes.
    #[inline(always)]
    fn insert(&mut self, name: &str, id_member: &str, text: &'a str, complexity: Complexity) {
        if name[1..name.len() - 1] == *id_member {
            self.repeated |= !self.subscription.is_empty();
            self.subscription = text;
            return;
        }
        let (place, repeated) = match name {
            r#""result""# => (&mut self.result, &mut self.repeated),
            r#""error""# => (&mut self.error, &mut self.repeated),
            r#""done""# => (&mut self.done, &mut self.counts_repeated),
            r#""results""# => {
                // Each value is judged by itself.
                self.counts_repeated |= self.results.is_some();
                self.results = Some(text);
                return;
            }
            r#""seq""# => (&mut self.seq, &mut self.counts_repeated),
            r#""ack""# => (&mut self.ack, &mut self.counts_repeated),
            _ if name.contains('\\') => {
                return self.insert_escaped(name, id_member, text, complexity);
            }
            _ => return,
        };
        *repeated |= place.is_some();
        *place = Some(text);
        if complexity.is_disguised {
            self.unreadable = Some(DISGUISED);
        }
    }

    #[cold]
    #[inline(never)]
    fn insert_escaped(
        &mut self,
        name: &str,
        id_member: &str,
        text: &'a str,
        complexity: Complexity,
    ) {
        let plain = serde_json::from_str::<Cow<'_, str>>(name);
        let plain = plain.ok().filter(|plain| !plain.contains(['\\', '"']));
        if let Some(plain) = plain {
            self.insert(&format!("\"{plain}\""), id_member, text, complexity);
        }
    }

    /// What it says on a stream that is `counted`: that both ends have agreed on, or else on any other.
    ///
    /// # Errors
    /// It says nothing, or too much.
    pub(crate) fn said(&self, counted: bool) -> Result<Read<'a>, ()> {
        let (done, seq) = if counted { self.counts()? } else { (false, None) };
        if self.repeated {
            return Err(());
        }
        if let Some(results) = self.results.filter(|_| counted) {
            let is_alone = !self.is_single() && values(results).next().is_some();
            return if is_alone { Ok((Said::Results(results), seq)) } else { Err(()) };
        }
        let said = match (self.result, self.error, done) {
            (Some(result), None | Some("null"), false) => {
                self.unreadable.map_or(Said::Result(result), Said::Unreadable)
            }
            (None | Some("null"), Some(error), false) if error != "null" => {
                self.unreadable.map_or(Said::Error(error), Said::Failed)
            }
            (None, None, true) => Said::Done,
            _ => return Err(()),
        };
        Ok((said, seq))
    }

    /// Whether the other end asks for credit as soon as this very item is consumed.
    pub(crate) fn asks_credit(&self) -> bool {
        self.seq.is_some() && self.ack == Some("true")
    }

    /// Whether it looks like the end of a stream of which nothing is known yet.
    pub(crate) fn may_end(&self) -> bool {
        self.result.is_none() && (self.error.is_some() || self.done == Some("true"))
    }

    /// `done` and `seq`.
    fn counts(&self) -> Result<(bool, Option<u64>), ()> {
        let done = match self.done {
            Some("true") => true,
            Some("false") | None => false,
            Some(_) => return Err(()),
        };
        let seq = match self.seq {
            Some(seq) => Some(crate::wire::id::canonical(seq).filter(|seq| *seq > 0).ok_or(())?),
            None => None,
        };
        if self.counts_repeated { Err(()) } else { Ok((done, seq)) }
    }
}

/// Returns the values of an array, with the complexity of each. Nothing for what is no array.
pub(crate) fn values(array: &str) -> impl Iterator<Item = (&str, Complexity)> {
    let mut scanner = Scanner::new(array);
    let is_array = scanner.take(b'[');
    std::iter::from_fn(move || {
        let value = is_array.then(|| scanner.value())?;
        scanner.next();
        value
    })
}

/// Why the value of an item of this complexity is not to be read, where a message may nest `depth` deep. The params
/// around the value count as well, but not the array that holds the values of several items.
pub(crate) fn refusal(complexity: Complexity, depth: usize) -> Option<&'static str> {
    if complexity.depth >= depth {
        return Some(TOO_DEEP);
    }
    complexity.is_disguised.then_some(DISGUISED)
}

/// The values of several items, all to be read, in one text with a comma between each two.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Values<'a> {
    pub(crate) text: &'a str,
    /// Where each value ends in the text.
    pub(crate) ends: Vec<u16>,
}

impl<'a> Values<'a> {
    /// Takes an array of such values, where a message may nest `depth` deep. `None` says nothing about the array: it is
    /// long, empty, spelled with whitespace, or holds a value that is not to be read.
    pub(crate) fn take(scanner: &mut Scanner<'a>, depth: usize) -> Option<Self> {
        if !scanner.take_text("[") {
            return None;
        }
        let rest = scanner.rest();
        let mut ends = Vec::with_capacity(USUAL.min(rest.len() / 2));
        loop {
            if refusal(scanner.bare_value()?, depth).is_some() {
                return None;
            }
            let end = rest.len() - scanner.left();
            ends.push(u16::try_from(end).ok()?);
            if !scanner.take_text(",") {
                return scanner.take_text("]").then(|| Self { text: &rest[..end], ends });
            }
        }
    }

    /// Returns the lengths of the values.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let length = usize::from(end) - start;
            start = usize::from(end) + 1;
            length
        })
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let value = &self.text[start..end.into()];
            start = usize::from(end) + 1;
            value
        })
    }
}

/// So many items leave together from a stream whose items are ready.
const USUAL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(params: &str, counted: bool) -> Option<Result<Read<'_>, ()>> {
        ItemParams::read(params).map(|item| item.said(counted))
    }

    #[test]
    fn what_is_there_counts_and_not_what_it_is_worth() {
        for counted in [false, true] {
            for (params, expected) in [
                (r#"{"subscription":1,"result":null}"#, Some(Ok(Said::Result("null")))),
                (r#"{"subscription":"a","result":[1]}"#, Some(Ok(Said::Result("[1]")))),
                (r#"{"subscription":1,"result":1,"error":null}"#, Some(Ok(Said::Result("1")))),
                (
                    r#"{"subscription":1,"result":null,"error":null}"#,
                    Some(Ok(Said::Result("null"))),
                ),
                (r#"{"subscription":1,"result":null,"error":{}}"#, Some(Ok(Said::Error("{}")))),
                (r#"{ "subscription" : 1 , "error" : 5 }"#, Some(Ok(Said::Error("5")))),
                (r#"{"subscripti\u006fn":1,"r\u0065sult":2}"#, Some(Ok(Said::Result("2")))),
                (r#"{"subscription":1,"error":null}"#, Some(Err(()))),
                (r#"{"subscription":1,"result":1,"error":2}"#, Some(Err(()))),
                (r#"{"subscription":1,"result":1,"result":1}"#, Some(Err(()))),
                (r#"{"subscription":1}"#, None),
                (r#"{"subscription":null,"result":1}"#, None),
                (r#"{"subscription":[1],"result":1}"#, None),
                (r#"{"result":1}"#, None),
                ("{}", None),
                ("[1]", None),
            ] {
                let expected = expected.map(|expected| expected.map(|said| (said, None)));
                assert_eq!(said(params, counted), expected, "{params}");
            }
        }
    }

    #[test]
    fn numbers_and_a_plain_end_belong_to_streams_that_are_counted() {
        for (params, counted, plain) in [
            (r#""result":2,"seq":7"#, Ok((Said::Result("2"), Some(7))), Ok(Said::Result("2"))),
            (r#""error":2,"seq":7"#, Ok((Said::Error("2"), Some(7))), Ok(Said::Error("2"))),
            (r#""done":true,"seq":7"#, Ok((Said::Done, Some(7))), Err(())),
            (r#""done":true"#, Ok((Said::Done, None)), Err(())),
            (r#""result":2,"done":false"#, Ok((Said::Result("2"), None)), Ok(Said::Result("2"))),
            (r#""result":2,"done":true"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"done":null"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"done":0"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"seq":0"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"seq":"a""#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"seq":7.0"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"seq":null"#, Err(()), Ok(Said::Result("2"))),
            (r#""result":2,"seq":1,"seq":2"#, Err(()), Ok(Said::Result("2"))),
            (r#""results":[2,3],"seq":7"#, Ok((Said::Results("[2,3]"), Some(7))), Err(())),
            (r#""results":[2]"#, Ok((Said::Results("[2]"), None)), Err(())),
            (r#""results":[]"#, Err(()), Err(())),
            (r#""results":2"#, Err(()), Err(())),
            (r#""results":[2],"results":[3]"#, Err(()), Err(())),
            (r#""result":2,"results":[3]"#, Err(()), Ok(Said::Result("2"))),
            (r#""error":2,"results":[3]"#, Err(()), Ok(Said::Error("2"))),
            (r#""done":true,"results":[3]"#, Err(()), Err(())),
        ] {
            let params = format!(r#"{{"subscription":1,{params}}}"#);
            assert_eq!(said(&params, true), Some(counted), "{params}");
            assert_eq!(said(&params, false), Some(plain.map(|said| (said, None))), "{params}");
        }
    }

    #[test]
    fn an_item_with_a_number_may_ask_for_credit() {
        for (params, asks) in [
            (r#""result":2,"seq":7,"ack":true"#, true),
            (r#""ack":true,"seq":7,"result":2"#, true),
            (r#""result":2,"seq":7"#, false),
            (r#""result":2,"seq":7,"ack":false"#, false),
            (r#""result":2,"seq":7,"ack":1"#, false),
            (r#""result":2,"ack":true"#, false),
        ] {
            let params = format!(r#"{{"subscription":1,{params}}}"#);
            let item = ItemParams::read(&params).unwrap();
            assert_eq!(item.asks_credit(), asks, "{params}");
            assert!(item.said(true).is_ok(), "{params}");
        }
        let twice = r#"{"subscription":1,"result":2,"seq":7,"ack":true,"ack":true}"#;
        assert_eq!(said(twice, true), Some(Err(())));
        assert_eq!(said(twice, false), Some(Ok((Said::Result("2"), None))));
    }

    #[test]
    fn each_of_several_values_is_judged_by_itself() {
        let array = r#"[1, [2,[]] ,{"$serde_json::private::RawValue":"[1]"},"x,y"]"#;
        let judged: Vec<_> =
            values(array).map(|(value, found)| (value, refusal(found, 3))).collect();
        let disguised = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let expected =
            [("1", None), ("[2,[]]", None), (disguised, Some(DISGUISED)), (r#""x,y""#, None)];
        assert_eq!(judged, expected);
        assert_eq!(
            values("[[[]]]").map(|it| refusal(it.1, 2)).collect::<Vec<_>>(),
            [Some(TOO_DEEP)]
        );
        assert_eq!(values("7").count() + values("[ ]").count(), 0);
    }

    #[test]
    fn a_value_that_serde_json_would_take_for_another_is_not_read() {
        let disguised = r#"[{"$serde_json::private::RawValue":"[1]"}]"#;
        let result = format!(r#"{{"subscription":1,"result":{disguised}}}"#);
        assert_eq!(said(&result, false), Some(Ok((Said::Unreadable(DISGUISED), None))));
        let error = format!(r#"{{"subscription":1,"error":{{"data":{disguised}}}}}"#);
        assert_eq!(said(&error, true), Some(Ok((Said::Failed(DISGUISED), None))));
        let other = format!(r#"{{"subscription":1,"result":1,"other":{disguised}}}"#);
        assert_eq!(said(&other, true), Some(Ok((Said::Result("1"), None))));
    }
}
