//! Streams among params: `{"$stream":"id"}` stands in place of the items.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::object::ErrorObject;
use crate::method::ParamInfo;
use crate::wire::scan::Scanner;

/// A received reference to a stream in place of a parameter. The id is JSON text.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference<'a> {
    #[serde(borrow, rename = "$stream")]
    id: &'a RawValue,
}

/// A reference to a stream in outgoing params.
#[derive(Debug, Clone, Serialize)]
pub struct StreamId {
    #[serde(rename = "$stream")]
    pub(crate) id: Box<str>,
}

/// The error text for any other value in place of a stream.
pub(crate) const NO_STREAM: &str = "expected a stream, `{\"$stream\":id}`";

/// Largest size of a stream's id in bytes, as JSON text.
const LONGEST: usize = 128;

/// Returns the id of a stream reference, as JSON text.
pub(crate) fn id(json: &str) -> Option<&str> {
    let id = serde_json::from_str::<Reference<'_>>(json).ok()?.id.get();
    (id.starts_with('"') && id.len() <= LONGEST).then_some(id)
}

/// Returns the names and ids of all streams that a method declares.
///
/// # Errors
/// If a stream is missing, or another value stands in its place.
pub(crate) fn ids<'a>(
    params: Option<&'a str>,
    infos: &[ParamInfo],
) -> Result<Vec<(&'static str, &'a str)>, ErrorObject> {
    let found = params.map(|params| find(params, infos)).unwrap_or_default();
    infos
        .iter()
        .filter(|info| info.is_stream)
        .map(|info| {
            let json = found.iter().find(|(name, _)| *name == info.name).map(|(_, json)| *json);
            let id = json.and_then(id).ok_or_else(|| {
                let name = info.name;
                ErrorObject::invalid_params(format!("parameter `{name}`: {NO_STREAM}"))
            })?;
            Ok((info.name, id))
        })
        .collect()
}

/// Returns the ids of all references to streams among the params of a method of which nothing is known. Each id is a
/// part of `params`.
#[inline]
pub(crate) fn all(params: Option<&str>) -> Vec<&str> {
    let holds_name = |params: &&str| {
        let params = params.as_bytes();
        // The name, or a character of it written as a number.
        memchr::memchr2(b'$', b'\\', params).is_some()
            && [&b"$stream"[..], b"\\u"].iter().any(|it| memchr::memmem::find(params, it).is_some())
    };
    params.filter(holds_name).map(search).unwrap_or_default()
}

#[cold]
fn search(params: &str) -> Vec<&str> {
    let mut scanner = Scanner::new(params);
    let has_names = scanner.peek() == Some(b'{');
    let mut found = Vec::new();
    while scanner.next().is_some_and(|byte| matches!(byte, b'[' | b'{' | b',')) {
        let value = match has_names {
            true => scanner.name().and_then(|_| scanner.value()),
            false => scanner.value(),
        };
        let Some((value, _)) = value else { break };
        found.extend(id(value));
    }
    found
}

/// Returns params with other ids in place of these, which are parts of the params in order.
pub(crate) fn replace(params: &str, ids: &[&str], others: &[Box<str>]) -> String {
    let mut out = String::with_capacity(params.len() + 40 * ids.len());
    let mut done = 0;
    for (id, other) in ids.iter().zip(others) {
        let at = id.as_ptr() as usize - params.as_ptr() as usize;
        out.push_str(&params[done..at]);
        out.push_str(other);
        done = at + id.len();
    }
    out.push_str(&params[done..]);
    out
}

/// Returns the values in the places of the streams, by position or by name. Other mistakes in the params are found when
/// the params are decoded.
fn find<'a>(params: &'a str, infos: &[ParamInfo]) -> Vec<(&'static str, &'a str)> {
    let mut de = serde_json::Deserializer::from_str(params);
    let mut found = Vec::new();
    // An error ends the search; the values that were found before still count.
    let _ = de.deserialize_any(Search { infos, found: &mut found });
    found
}

struct Search<'s, 'a> {
    infos: &'s [ParamInfo],
    found: &'s mut Vec<(&'static str, &'a str)>,
}

impl<'de> Visitor<'de> for Search<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for info in self.infos {
            let Some(value) = seq.next_element::<&RawValue>()? else { break };
            if info.is_stream {
                self.found.push((info.name, value.get()));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let value = map.next_value::<&RawValue>()?;
            let info = self.infos.iter().find(|info| info.is_stream && info.name == key);
            self.found.extend(info.map(|info| (info.name, value.get())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFOS: &[ParamInfo] =
        &[ParamInfo::new("name"), ParamInfo::stream("a"), ParamInfo::stream("b")];

    #[test]
    fn streams_are_found_by_position_and_by_name() {
        let expected = Ok(vec![("a", "\"x\""), ("b", "\"y\"")]);
        for params in [
            r#"[1,{"$stream":"x"},{"$stream":"y"}]"#,
            r#"{"b":{"$stream":"y"},"\u0061":{ "$stream" : "x" }}"#,
        ] {
            assert_eq!(ids(Some(params), INFOS), expected, "{params}");
        }
    }

    #[test]
    fn all_references_are_found_and_replaced_where_they_stand() {
        for (params, expected, replaced) in [
            ("[]", vec![], "[]"),
            (
                r#"["$stream",{"a":{"$stream":"x"}}]"#,
                vec![],
                r#"["$stream",{"a":{"$stream":"x"}}]"#,
            ),
            (r#"[1,{"$stream":"x"}]"#, vec![r#""x""#], r#"[1,{"$stream":"0"}]"#),
            (
                r#"{"a":{ "$stream" : "x" },"b":[{}],"c":{"\u0024stream":"\u0079"}}"#,
                vec![r#""x""#, r#""\u0079""#],
                r#"{"a":{ "$stream" : "0" },"b":[{}],"c":{"\u0024stream":"1"}}"#,
            ),
            (
                r#"[{"$stream":7},{"$stream":"y","z":1}]"#,
                vec![],
                r#"[{"$stream":7},{"$stream":"y","z":1}]"#,
            ),
        ] {
            let found = all(Some(params));
            assert_eq!(found, expected, "{params}");
            let others: Vec<_> = (0..found.len()).map(|at| format!("\"{at}\"").into()).collect();
            assert_eq!(replace(params, &found, &others), replaced);
        }
        assert!(all(None).is_empty());
    }

    #[test]
    fn a_stream_that_is_missing_or_something_else_is_named() {
        for params in [
            None,
            Some("[1]"),
            Some(r#"[1,{"$stream":"x"}]"#),
            Some(r#"[1,{"$stream":"x"},[1]]"#),
            Some(r#"[1,{"$stream":"x"},{"$stream":7}]"#),
            Some(r#"[1,{"$stream":"x"},{"$stream":"y","more":1}]"#),
            Some(r#"{"a":{"$stream":"x"}}"#),
        ] {
            let error = ids(params, INFOS).unwrap_err();
            let name = if params.is_none_or(|params| params == "[1]") { "a" } else { "b" };
            assert!(error.message.contains(&format!("parameter `{name}`: expected a stream")));
        }
        let long = format!(r#"[1,{{"$stream":"{}"}}]"#, "x".repeat(LONGEST));
        assert!(ids(Some(&long), INFOS).is_err());
    }
}
