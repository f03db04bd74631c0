//! Any text is read, and as the specification has it: held against a slow reader that is made of
//! serde_json.

use std::borrow::Cow;
use std::fmt;

use rpc_core::Limits;
use rpc_core::fuzz::{Called, Message, Outcome, Reading, read};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Reads a text both ways.
pub fn check(input: &[u8]) {
    let text = crate::text(input);
    let mut limits = Limits::server();
    (limits.batch, limits.id_bytes, limits.method_bytes) = (5, 12, 12);
    let reading = read(text, &limits);
    assert!(agree(text, &reading, &limits), "{text:?} was read as {reading:?}");
}

fn agree(text: &str, reading: &Reading, limits: &Limits) -> bool {
    let one_error = || !reading.is_batch && reading.messages == [Message::Invalid(None)];
    let Ok(value) = json(text).or_else(|_| json(text.strip_prefix('\u{feff}').unwrap_or(text)))
    else {
        return one_error();
    };
    if !value.starts_with('[') {
        return !reading.is_batch
            && reading.messages.len() == 1
            && is(value, &reading.messages[0], limits);
    }
    let members: Vec<&RawValue> = serde_json::from_str(value).expect("an array of anything");
    if members.is_empty() || members.len() > limits.batch {
        return one_error();
    }
    let mut pairs = members.iter().zip(&reading.messages);
    reading.is_batch
        && reading.messages.len() == members.len()
        && pairs.all(|(member, message)| is(member.get(), message, limits))
}

/// The text of a value without the space around it.
fn json(text: &str) -> serde_json::Result<&str> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get)
}

/// Whether this JSON text is to be read as this message.
fn is(json: &str, message: &Message, limits: &Limits) -> bool {
    if !json.starts_with('{') {
        return *message == Message::Invalid(None);
    }
    let members = Members::of(json);
    match members.first("method").filter(|method| *method != "null") {
        Some(method) => is_call(&members, method, message, limits),
        None if members.has("result") || members.has("error") => {
            is_response(&members, message, limits)
        }
        None => *message == Message::Invalid(members.readable_id(limits)),
    }
}

fn is_call(members: &Members<'_>, method: &str, message: &Message, limits: &Limits) -> bool {
    let id = members.first("id");
    let well_formed = match message {
        // What stands beside a call may also be wrong: that is for the unit tests to say.
        Message::Invalid(_) | Message::Dropped if members.has_extras() => false,
        _ => members.is_well_formed(method, limits),
    };
    match (message, well_formed, id) {
        (Message::Request(seen, called), true, Some(id)) => {
            seen == id && is_called(members, method, called)
        }
        (Message::Notification(called), true, None) => is_called(members, method, called),
        (Message::Dropped, false, None) => method.starts_with('"'),
        (Message::Invalid(seen), false, _) => {
            (id.is_some() || !method.starts_with('"')) && *seen == members.readable_id(limits)
        }
        _ => false,
    }
}

fn is_called(members: &Members<'_>, method: &str, called: &Called) -> bool {
    let params = members.first("params").filter(|params| *params != "null");
    let tokens = params.and_then(tokens);
    string(method).is_some_and(|method| method == called.method)
        && params == called.params.as_deref()
        && tokens.is_none_or(|tokens| tokens == called.complexity.1)
        && members.depth() == called.complexity.0
}

fn is_response(members: &Members<'_>, message: &Message, limits: &Limits) -> bool {
    let Message::Response(id, outcome) = message else { return false };
    let expected = members.first("id");
    let version =
        members.first("jsonrpc").is_none_or(|version| string(version) == Some("2.0".into()));
    let (result, error) = (members.first("result"), members.first("error"));
    // What serde_json would take for something else is for the unit tests to tell apart.
    let is_disguised = [result, error].into_iter().flatten().any(may_be_disguised);
    let sound = version && !members.repeated() && members.depth() <= limits.depth;
    let outcome_fits = match (result, error) {
        _ if !sound => *outcome == Outcome::Malformed,
        _ if is_disguised && *outcome == Outcome::Malformed => true,
        (Some(result), None | Some("null")) => *outcome == Outcome::Result(result.into()),
        (None | Some("null"), Some(error)) => match error_code(error) {
            Some(code) => *outcome == Outcome::Error(code),
            None => *outcome == Outcome::Malformed,
        },
        _ => *outcome == Outcome::Malformed,
    };
    id.as_deref() == expected && outcome_fits
}

/// Whether a name that begins as serde_json's own do may be in there.
fn may_be_disguised(json: &str) -> bool {
    json.contains("private::") || json.contains("\\u")
}

/// The code of an error object.
fn error_code(json: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Object<'a> {
        code: i64,
        #[serde(borrow, rename = "message")]
        _message: Cow<'a, str>,
        #[serde(borrow, default, rename = "data")]
        _data: Option<&'a RawValue>,
    }
    let object = Some(json).filter(|json| json.starts_with('{'))?;
    serde_json::from_str::<Object<'_>>(object).ok().map(|object| object.code)
}

/// The members of an object, in order, as JSON text; a name that is no Unicode is `None`.
struct Members<'a>(Vec<(Option<String>, &'a str)>);

const KNOWN: [&str; 7] = ["jsonrpc", "id", "method", "params", "result", "error", "timeoutMs"];
const EXTRAS: [&str; 4] = ["traceparent", "tracestate", "progressToken", "idempotencyKey"];

impl<'a> Members<'a> {
    fn of(json: &'a str) -> Self {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Option<String>, &'de str)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.push((serde_json::from_str(name.get()).ok(), value.get()));
                }
                Ok(members)
            }
        }
        Self(serde_json::Deserializer::from_str(json).deserialize_map(Object).expect("an object"))
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |member| member.0.as_deref() == Some(name)).map(|member| member.1)
    }

    fn first(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    fn has(&self, name: &str) -> bool {
        self.count(name) > 0
    }

    fn has_extras(&self) -> bool {
        EXTRAS.iter().any(|name| self.has(name))
    }

    fn repeated(&self) -> bool {
        KNOWN.iter().chain(&EXTRAS).any(|name| self.count(name) > 1)
    }

    /// How deep the deepest member nests.
    fn depth(&self) -> usize {
        self.0.iter().map(|(_, json)| depth(json)).max().unwrap_or(0)
    }

    /// The id to answer under.
    fn readable_id(&self, limits: &Limits) -> Option<String> {
        let id = self.first("id").filter(|id| self.count("id") == 1 && is_id(id));
        id.filter(|id| id.len() <= limits.id_bytes).map(String::from)
    }

    /// Whether nothing is wrong with a request or a notification, what stands beside it apart.
    fn is_well_formed(&self, method: &str, limits: &Limits) -> bool {
        let version = self.first("jsonrpc").and_then(string);
        let is_natural = |json: &str| json.bytes().all(|byte| byte.is_ascii_digit());
        version.is_some_and(|version| version == "2.0")
            && !self.repeated()
            && !self.has("result")
            && !self.has("error")
            && self.first("id").is_none_or(|id| is_id(id) && id.len() <= limits.id_bytes)
            && string(method).is_some_and(|method| method.len() <= limits.method_bytes)
            && self
                .first("params")
                .is_none_or(|params| params == "null" || params.starts_with(['[', '{']))
            && self.first("timeoutMs").is_none_or(is_natural)
    }
}

fn is_id(json: &str) -> bool {
    !json.starts_with(['[', '{', 't', 'f'])
}

fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<String>(json).ok().map(Cow::Owned)
}

/// How deep a value nests: counted by hand, as serde_json gives up at 128.
fn depth(json: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut is_string, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            b'"' if !is_escaped => is_string = !is_string,
            b'[' | b'{' if !is_string => open += 1,
            b']' | b'}' if !is_string => open -= 1,
            _ => {}
        }
        is_escaped = is_string && byte == b'\\' && !is_escaped;
        deepest = deepest.max(open);
    }
    deepest
}

/// How many values and names a value holds; `None` where serde_json gives up.
fn tokens(json: &str) -> Option<usize> {
    Count.deserialize(&mut serde_json::Deserializer::from_str(json)).ok()
}

#[derive(Clone, Copy)]
struct Count;

impl<'de> DeserializeSeed<'de> for Count {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut tokens = 1;
        while let Some(inner) = seq.next_element_seed(self)? {
            tokens += inner;
        }
        Ok(tokens)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tokens = 1;
        while let Some((name, inner)) = map.next_entry_seed(self, self)? {
            tokens += name + inner;
        }
        Ok(tokens)
    }
}
