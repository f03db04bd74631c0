//! The envelope around params and results: one pass over a message's text, nothing copied.
//!
//! Reading is total. Whatever arrives is a request, a notification, a response, or something that
//! deserves exactly one error, and shape alone decides which (specification, sections 4 and 5).

use std::borrow::Cow;
use std::time::Duration;

use crate::error::{ErrorCode, ErrorObject};
use crate::extras::{self, Extras, Written};
use crate::id::is_id;
use crate::limits::Limits;
use crate::scan::{Complexity, Scanner};

/// What a text holds.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    /// One message.
    Single(Incoming<'a>),
    /// A batch: at least one message, at most `batch` of the limits.
    Batch(Vec<Incoming<'a>>),
}

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
}

/// A request: `id` is the JSON text of a valid id.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
    /// What the params ask for.
    pub(crate) complexity: Complexity,
    pub(crate) timeout: Option<Duration>,
    /// Most have none.
    pub(crate) extras: Option<Box<Extras>>,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
    /// What the params ask for.
    pub(crate) complexity: Complexity,
    /// Most have none.
    pub(crate) extras: Option<Box<Extras>>,
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

/// What `jsonrpc` must be.
const VERSION: &str = r#""2.0""#;

/// A day: no deadline is further away (`timeoutMs`).
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a message or a batch of them. Nothing is known of a text that is not JSON to its end.
pub(crate) fn decode<'a>(text: &'a str, limits: &Limits) -> Payload<'a> {
    read(text, limits).unwrap_or_else(|| {
        let error = ErrorObject::new(ErrorCode::PARSE, "not JSON");
        Payload::Single(Incoming::Invalid { id: None, error })
    })
}

fn read<'a>(text: &'a str, limits: &Limits) -> Option<Payload<'a>> {
    let mut scanner = Scanner::new(text);
    let payload = match scanner.peek()? {
        b'[' => batch(&mut scanner, limits)?,
        _ => Payload::Single(message(&mut scanner, limits)?),
    };
    scanner.peek().is_none().then_some(payload)
}

fn batch<'a>(scanner: &mut Scanner<'a>, limits: &Limits) -> Option<Payload<'a>> {
    scanner.take(b'[');
    if scanner.take(b']') {
        return Some(Payload::Single(invalid(None, "an empty batch")));
    }
    let mut messages = Vec::new();
    let mut too_many = false;
    loop {
        if messages.len() < limits.batch {
            messages.push(message(scanner, limits)?);
        } else {
            too_many = true;
            scanner.value()?;
        }
        match scanner.next()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    if too_many {
        let error = ErrorObject::batch_too_big(limits.batch);
        return Some(Payload::Single(Incoming::Invalid { id: None, error }));
    }
    Some(Payload::Batch(messages))
}

fn message<'a>(scanner: &mut Scanner<'a>, limits: &Limits) -> Option<Incoming<'a>> {
    if scanner.peek()? != b'{' {
        scanner.value()?;
        return Some(invalid(None, "a message must be an object"));
    }
    let mut members = Members::default();
    members.read(scanner)?;
    Some(members.classify(limits))
}

fn invalid<'a>(id: Option<&'a str>, message: impl Into<String>) -> Incoming<'a> {
    Incoming::Invalid { id, error: ErrorObject::invalid_request(message) }
}

/// The members that mean something, as their JSON text.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    complexity: Complexity,
    result: Option<&'a str>,
    error: Option<&'a str>,
    timeout: Option<&'a str>,
    extras: Option<Box<Written<'a>>>,
    repeated: Option<Member>,
    id_repeated: bool,
}

impl<'a> Members<'a> {
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        scanner.take(b'{');
        if scanner.take(b'}') {
            return Some(());
        }
        loop {
            if scanner.take_text(r#""jsonrpc":"2.0""#) {
                // So do nearly all begin: 3 % of what a call costs.
                self.insert(Member::JsonRpc, VERSION, Complexity::default());
            } else {
                let member = Member::read(scanner)?;
                let (text, complexity) = scanner.value()?;
                self.insert(member, text, complexity);
            }
            match scanner.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Keeps a member; of one that comes twice, the first.
    #[inline] // called for each member, in two places
    fn insert(&mut self, member: Member, text: &'a str, complexity: Complexity) {
        let place = match member {
            Member::JsonRpc => &mut self.jsonrpc,
            Member::Id => &mut self.id,
            Member::Method => &mut self.method,
            Member::Params => &mut self.params,
            Member::Result => &mut self.result,
            Member::Error => &mut self.error,
            Member::TimeoutMs => &mut self.timeout,
            Member::Extra(extra) => return self.insert_extra(extra, text),
            Member::Unknown => return,
        };
        if place.is_some() {
            self.repeated = Some(member);
            self.id_repeated |= matches!(member, Member::Id);
        } else {
            *place = Some(text);
            if matches!(member, Member::Params) {
                self.complexity = complexity;
            }
        }
    }

    /// Out of the way: with this in between, the compiler made a call of what is done for all others.
    #[cold]
    fn insert_extra(&mut self, extra: Extra, text: &'a str) {
        let place = extra.place(self.extras.get_or_insert_default());
        if place.is_some() {
            self.repeated = Some(Member::Extra(extra));
        } else {
            *place = Some(text);
        }
    }

    fn classify(&self, limits: &Limits) -> Incoming<'a> {
        match self.method {
            Some(method) => self.request_or_notification(method, limits),
            None if self.result.is_some() || self.error.is_some() => self.response(),
            None => invalid(self.readable_id(limits), "neither `method` nor `result` nor `error`"),
        }
    }

    fn request_or_notification(&self, method: &'a str, limits: &Limits) -> Incoming<'a> {
        let (params, complexity) = (self.params, self.complexity);
        match self.checked(method, limits) {
            Ok(Checked { method, timeout, extras }) => match self.id {
                Some(id) => {
                    Incoming::Request(Request { id, method, params, complexity, timeout, extras })
                }
                None => {
                    let extras = extras.and_then(|extras| extras.of_notification());
                    Incoming::Notification(Notification { method, params, complexity, extras })
                }
            },
            // With a string as its method and without an id it is a notification, however broken.
            Err(_) if self.id.is_none() && method.starts_with('"') => {
                Incoming::Dropped("malformed")
            }
            Err(why) => invalid(self.readable_id(limits), why),
        }
    }

    /// What can be read of a request, if nothing at all is wrong.
    fn checked(&self, method: &'a str, limits: &Limits) -> Result<Checked<'a>, Cow<'static, str>> {
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
        Ok(Checked { method, timeout, extras: self.extras(limits)? })
    }

    #[inline(always)] // two comparisons for nearly all
    fn extras(&self, limits: &Limits) -> Result<Option<Box<Extras>>, &'static str> {
        if self.extras.is_none() && !extras::may_have_meta(self.params) {
            return Ok(None);
        }
        self.read_extras(limits).map(|extras| Some(Box::new(extras)))
    }

    #[cold]
    fn read_extras(&self, limits: &Limits) -> Result<Extras, &'static str> {
        let written = self.extras.as_ref().map(|written| written.read(limits.id_bytes));
        let mut extras = written.transpose()?.unwrap_or_default();
        if let Some(params) = self.params.filter(|_| extras::may_have_meta(self.params)) {
            extras::in_params(params, &mut extras, limits.id_bytes);
        }
        Ok(extras)
    }

    fn response(&self) -> Incoming<'a> {
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
            Some(VERSION) => Ok(()),
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

/// What was read of a request or a notification.
struct Checked<'a> {
    method: Cow<'a, str>,
    timeout: Option<Duration>,
    extras: Option<Box<Extras>>,
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
    Extra(Extra),
    Unknown,
}

/// A member that plain peers do not know.
#[derive(Debug, Clone, Copy)]
enum Extra {
    Traceparent,
    Tracestate,
    ProgressToken,
    IdempotencyKey,
}

impl Extra {
    fn place<'m, 'a>(self, written: &'m mut Written<'a>) -> &'m mut Option<&'a str> {
        match self {
            Self::Traceparent => &mut written.traceparent,
            Self::Tracestate => &mut written.tracestate,
            Self::ProgressToken => &mut written.progress,
            Self::IdempotencyKey => &mut written.idempotency_key,
        }
    }
}

impl Member {
    fn read(scanner: &mut Scanner<'_>) -> Option<Self> {
        // As everyone writes them they are told apart by a letter and one comparison; so reading an
        // envelope takes a third less time.
        Some(match scanner.second() {
            Some(b'j') if scanner.take_text(r#""jsonrpc":"#) => Self::JsonRpc,
            Some(b'i') if scanner.take_text(r#""id":"#) => Self::Id,
            Some(b'm') if scanner.take_text(r#""method":"#) => Self::Method,
            Some(b'p') if scanner.take_text(r#""params":"#) => Self::Params,
            Some(b'r') if scanner.take_text(r#""result":"#) => Self::Result,
            _ => Self::named(scanner.name()?),
        })
    }

    /// The member with this name, in its quotes.
    fn named(name: &str) -> Self {
        match name {
            r#""jsonrpc""# => Self::JsonRpc,
            r#""id""# => Self::Id,
            r#""method""# => Self::Method,
            r#""params""# => Self::Params,
            r#""result""# => Self::Result,
            r#""error""# => Self::Error,
            r#""timeoutMs""# => Self::TimeoutMs,
            r#""traceparent""# => Self::Extra(Extra::Traceparent),
            r#""tracestate""# => Self::Extra(Extra::Tracestate),
            r#""progressToken""# => Self::Extra(Extra::ProgressToken),
            r#""idempotencyKey""# => Self::Extra(Extra::IdempotencyKey),
            // A name that is no Unicode, `"\ud800"`, is one that we do not know and no more.
            _ if name.contains('\\') => match serde_json::from_str::<String>(name) {
                Ok(plain) if !plain.contains(['\\', '"']) => Self::named(&format!("\"{plain}\"")),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    const fn given_twice(self) -> &'static str {
        match self {
            Self::JsonRpc => "`jsonrpc` is given twice",
            Self::Id => "`id` is given twice",
            Self::Method => "`method` is given twice",
            Self::Params => "`params` is given twice",
            Self::Result => "`result` is given twice",
            Self::Error => "`error` is given twice",
            Self::TimeoutMs => "`timeoutMs` is given twice",
            Self::Extra(Extra::Traceparent) => "`traceparent` is given twice",
            Self::Extra(Extra::Tracestate) => "`tracestate` is given twice",
            Self::Extra(Extra::ProgressToken) => "`progressToken` is given twice",
            Self::Extra(Extra::IdempotencyKey) => "`idempotencyKey` is given twice",
            Self::Unknown => "a member is given twice",
        }
    }
}

#[cfg(test)]
mod tests;
