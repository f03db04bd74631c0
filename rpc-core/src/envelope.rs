//! The envelope around params and results: one pass over a message's text, nothing copied.
//!
//! Reading is total. Whatever arrives is a request, a notification, a response, or something that
//! deserves exactly one error, and shape alone decides which (specification, sections 4 and 5).

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::ErrorObject;
use crate::id::is_id;
use crate::limits::Limits;

/// A message from the other end.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// An answer to the call of ours with this id; `None` if it names no id.
    Response { id: Option<&'a str>, answer: Answer<'a> },
    /// None of these: answered with this error, under the id if it could be read.
    Invalid { id: Option<&'a str>, error: ErrorObject },
    /// A malformed notification, which is never answered.
    Dropped(&'static str),
    /// A batch, as the texts of its members; at least one, at most `batch` of the limits.
    Batch(Vec<&'a str>),
}

/// A request: `id` is the JSON text of a valid id.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
    pub(crate) timeout: Option<Duration>,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
}

/// What a response says.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    /// The JSON text of the result.
    Result(&'a str),
    /// The method failed.
    Error(ErrorObject),
    /// Not what a response may look like.
    Malformed(&'static str),
}

const NO_ERROR: &str = "`error` must have an integer `code` and a string `message`";

/// A day: no deadline is further away (`timeoutMs`).
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a message or a batch of them.
pub(crate) fn decode<'a>(text: &'a str, limits: &Limits) -> Incoming<'a> {
    match read(text, limits) {
        Ok(Message::Object(members)) => members.classify(limits),
        Ok(Message::Array(members)) if members.is_empty() => invalid(None, "an empty batch"),
        Ok(Message::Array(members)) if members.len() > limits.batch => {
            Incoming::Invalid { id: None, error: ErrorObject::batch_too_big(limits.batch) }
        }
        Ok(Message::Array(members)) => Incoming::Batch(members),
        Ok(Message::Other) => invalid(None, "a message must be an object"),
        Err(_) => Incoming::Invalid {
            id: None,
            error: ErrorObject::new(crate::ErrorCode::PARSE, "not JSON"),
        },
    }
}

/// Reads a member of a batch, which is a message and no batch.
pub(crate) fn decode_member<'a>(text: &'a str, limits: &Limits) -> Incoming<'a> {
    match decode(text, limits) {
        Incoming::Batch(_) => invalid(None, "a message must be an object"),
        Incoming::Invalid { error, .. } if text.starts_with('[') => invalid(None, error.message),
        incoming => incoming,
    }
}

fn read<'a>(text: &'a str, limits: &Limits) -> serde_json::Result<Message<'a>> {
    let mut de = serde_json::Deserializer::from_str(text);
    let message = de.deserialize_any(MessageVisitor { batch: limits.batch })?;
    de.end()?;
    Ok(message)
}

fn invalid<'a>(id: Option<&'a str>, message: impl Into<String>) -> Incoming<'a> {
    Incoming::Invalid { id, error: ErrorObject::invalid_request(message) }
}

enum Message<'a> {
    Object(Members<'a>),
    /// The texts of its elements; of more than a batch may have, one too many.
    Array(Vec<&'a str>),
    Other,
}

/// The members that mean something, as their JSON text.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
    timeout: Option<&'a str>,
    repeated: Option<Member>,
    id_repeated: bool,
}

impl<'a> Members<'a> {
    /// Keeps a member; of one that comes twice, the first.
    fn insert(&mut self, member: Member, text: &'a str) {
        let place = match member {
            Member::JsonRpc => &mut self.jsonrpc,
            Member::Id => &mut self.id,
            Member::Method => &mut self.method,
            Member::Params => &mut self.params,
            Member::Result => &mut self.result,
            Member::Error => &mut self.error,
            Member::TimeoutMs => &mut self.timeout,
            Member::Unknown => return,
        };
        if place.is_some() {
            self.repeated = Some(member);
            self.id_repeated |= matches!(member, Member::Id);
        } else {
            *place = Some(text);
        }
    }

    fn classify(self, limits: &Limits) -> Incoming<'a> {
        match self.method {
            Some(method) => self.request_or_notification(method, limits),
            None if self.result.is_some() || self.error.is_some() => self.response(),
            None => invalid(self.readable_id(limits), "neither `method` nor `result` nor `error`"),
        }
    }

    fn request_or_notification(self, method: &'a str, limits: &Limits) -> Incoming<'a> {
        match self.checked(method, limits) {
            Ok((method, timeout)) => match self.id {
                Some(id) => Incoming::Request(Request { id, method, params: self.params, timeout }),
                None => Incoming::Notification(Notification { method, params: self.params }),
            },
            // With a string as its method and without an id it is a notification, however broken.
            Err(_) if self.id.is_none() && method.starts_with('"') => {
                Incoming::Dropped("malformed")
            }
            Err(why) => invalid(self.readable_id(limits), why),
        }
    }

    /// The method's name and the timeout, if nothing at all is wrong.
    fn checked(
        &self,
        method: &'a str,
        limits: &Limits,
    ) -> Result<(Cow<'a, str>, Option<Duration>), Cow<'static, str>> {
        self.check_version(false)?;
        self.check_repeated()?;
        if self.result.is_some() || self.error.is_some() {
            return Err("`result` or `error` beside `method`".into());
        }
        if let Some(id) = self.id {
            if !is_id(id) {
                return Err("`id` must be a string, a number or null".into());
            }
            if id.len() > limits.id_bytes {
                let limit = limits.id_bytes;
                return Err(format!("`id` is too long: `id_bytes` is {limit}").into());
            }
        }
        let method = string(method).ok_or("`method` must be a string")?;
        if method.len() > limits.method_bytes {
            let limit = limits.method_bytes;
            return Err(format!("`method` is too long: `method_bytes` is {limit}").into());
        }
        if self.params.is_some_and(|params| !params.starts_with(['[', '{'])) {
            return Err("`params` must be an array or an object".into());
        }
        let timeout = self.timeout.map(timeout).transpose()?;
        Ok((method, timeout))
    }

    fn response(self) -> Incoming<'a> {
        let answer = self.answer().unwrap_or_else(Answer::Malformed);
        let id = if self.id_repeated { None } else { self.id };
        Incoming::Response { id, answer }
    }

    fn answer(&self) -> Result<Answer<'a>, &'static str> {
        self.check_version(true)?;
        self.check_repeated()?;
        match (self.result, self.error) {
            (Some(result), None | Some("null")) => Ok(Answer::Result(result)),
            (Some(_), Some(_)) => Err("both `result` and `error`"),
            // What is derived would read an array as well.
            (None, Some(error)) if !error.starts_with('{') => Err(NO_ERROR),
            (None, Some(error)) => {
                serde_json::from_str(error).map(Answer::Error).map_err(|_| NO_ERROR)
            }
            (None, None) => Err("neither `result` nor `error`"),
        }
    }

    /// Some peers leave `jsonrpc` out of their responses; nothing is gained by refusing these.
    fn check_version(&self, may_be_missing: bool) -> Result<(), &'static str> {
        match self.jsonrpc {
            Some(version) if string(version).is_some_and(|version| version == "2.0") => Ok(()),
            None if may_be_missing => Ok(()),
            None => Err("`jsonrpc` is missing, it must be \"2.0\""),
            Some(_) => Err("`jsonrpc` must be \"2.0\""),
        }
    }

    fn check_repeated(&self) -> Result<(), &'static str> {
        match self.repeated {
            Some(member) => Err(member.given_twice()),
            None => Ok(()),
        }
    }

    /// The id to answer under, if there is just one and it may be one.
    fn readable_id(&self, limits: &Limits) -> Option<&'a str> {
        self.id.filter(|id| !self.id_repeated && is_id(id) && id.len() <= limits.id_bytes)
    }
}

/// The value of a JSON string, borrowed unless it holds escapes.
fn string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

fn timeout(json: &str) -> Result<Duration, &'static str> {
    if !json.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("`timeoutMs` must be an integer from 0");
    }
    // Only a number that does not fit can fail here, and that is more than a day.
    Ok(json.parse().map_or(LONGEST, Duration::from_millis).min(LONGEST))
}

struct MessageVisitor {
    batch: usize,
}

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(member) = map.next_key::<Member>()? {
            if matches!(member, Member::Unknown) {
                map.next_value::<IgnoredAny>()?;
            } else {
                members.insert(member, map.next_value::<&RawValue>()?.get());
            }
        }
        Ok(Message::Object(members))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while members.len() <= self.batch
            && let Some(member) = seq.next_element::<&RawValue>()?
        {
            members.push(member.get());
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Message::Array(members))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }
}

/// A member of a message, by its name.
#[derive(Debug, Clone, Copy)]
enum Member {
    JsonRpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    TimeoutMs,
    Unknown,
}

impl Member {
    const fn given_twice(self) -> &'static str {
        match self {
            Self::JsonRpc => "`jsonrpc` is given twice",
            Self::Id => "`id` is given twice",
            Self::Method => "`method` is given twice",
            Self::Params => "`params` is given twice",
            Self::Result => "`result` is given twice",
            Self::Error => "`error` is given twice",
            Self::TimeoutMs => "`timeoutMs` is given twice",
            Self::Unknown => "a member is given twice",
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        // As bytes: a name that is no Unicode, `"\ud800"`, is a name we do not know and no more.
        de.deserialize_bytes(MemberVisitor)
    }
}

struct MemberVisitor;

impl Visitor<'_> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Member, E> {
        Ok(match name {
            b"jsonrpc" => Member::JsonRpc,
            b"id" => Member::Id,
            b"method" => Member::Method,
            b"params" => Member::Params,
            b"result" => Member::Result,
            b"error" => Member::Error,
            b"timeoutMs" => Member::TimeoutMs,
            _ => Member::Unknown,
        })
    }
}

#[cfg(test)]
mod tests;
