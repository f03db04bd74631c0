//! Decodes the envelope around params and results: one pass over the text of a message, without copies.
//!
//! Decoding is total. Every text is a request, a notification, a response, or an error that gets exactly one answer.
//! Only the shape decides which (specification, sections 4 and 5).

mod item;
mod usual;

use std::borrow::Cow;
use std::time::Duration;

use crate::error::object::ErrorObject;
use crate::limits::Limits;
use crate::util::excerpt::{Excerpt, Shortened};
use crate::wire::attached::Attached;
use crate::wire::extensions::{self, Extensions, Written};
use crate::wire::id::{is_id, whole};
use crate::wire::scan::{Complexity, DISGUISED, Scanner, TOO_DEEP};

pub(crate) use item::{UsualItem, UsualSaid};

/// The content of a text.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    /// One message.
    Single(Incoming<'a>),
    /// A batch: at least one message, at most `batch` of the limits.
    Batch(Vec<Incoming<'a>>),
    /// The text is not complete JSON. It gets one error as an answer, unless [responses](answers_in) can be found in
    /// it.
    Broken,
}

/// A message from the other end.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants no answer.
    Notification(Notification<'a>),
    /// A response to the call with this id, which this end has made. The id is `None` if it is missing.
    Response { id: Option<&'a str>, answer: Response<'a> },
    /// None of these. The answer is this error, with the id if the id could be read.
    Invalid { id: Option<&'a str>, error: ErrorObject, shape: Shape<'a> },
    /// A malformed notification, which is never answered.
    Dropped(&'static str),
}

/// The likely meaning of an invalid message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// A request: it has a string as its method, and an id.
    Request,
    /// A batch with this number of members, which is above the limit.
    Batch(usize),
    /// A response without a content, if this is the id of a call of this end.
    Response(&'a str),
    /// An empty array, which may be the answer to a batch.
    Nothing,
    /// Anything else.
    Other,
}

/// A request. `id` is the JSON text of a valid id.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
    /// The complexity of the params. Its depth is the depth of the deepest member of the message.
    pub(crate) complexity: Complexity,
    pub(crate) timeout: Option<Duration>,
    /// `None` for most requests.
    pub(crate) extensions: Option<Box<Extensions>>,
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a str>,
    /// The complexity of the params. Its depth is the depth of the deepest member of the message.
    pub(crate) complexity: Complexity,
    /// `None` for most notifications.
    pub(crate) extensions: Option<Box<Extensions>>,
}

impl Incoming<'_> {
    /// Returns the id of the call that this message answers.
    pub(crate) fn answers(&self) -> Option<u64> {
        match self {
            Self::Response { id, .. } => whole((*id)?),
            Self::Invalid { shape: Shape::Response(id), .. } => whole(id),
            _ => None,
        }
    }

    /// Returns whether this is an error that names no call.
    pub(crate) fn is_unaddressed(&self) -> bool {
        matches!(self, Self::Response { id, answer: Response::Error(_) } if names_no_call(*id))
    }
}

/// Returns whether an error with this id names no call.
pub(crate) fn names_no_call(id: Option<&str>) -> bool {
    id.is_none_or(|id| id == "null")
}

/// The content of a response.
#[derive(Debug)]
pub(crate) enum Response<'a> {
    /// The JSON text of the result.
    Result(&'a str),
    /// The result, with bytes beside its JSON text. No text is decoded to this.
    Attached(Box<Attached>),
    /// The error of the method.
    Error(ErrorObject),
    /// An invalid response: the reason, and the readable part of its error.
    Malformed(String),
}

impl Response<'_> {
    /// Returns the JSON text of the result, if there is one.
    pub(crate) fn result(&self) -> Option<&str> {
        match self {
            Self::Result(result) => Some(result),
            Self::Attached(result) => Some(result.whole()),
            Self::Error(_) | Self::Malformed(_) => None,
        }
    }
}

const NO_ERROR: &str = "`error` must have an integer `code` and a string `message`";

const NO_METHOD: &str = "`method` must be a string";

/// Bytes of a short member of a batch.
const SHORT: usize = 64;

/// The required value of `jsonrpc`.
const VERSION: &str = r#""2.0""#;

/// The longest deadline (`timeoutMs`): one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The reason for refusing a text that is not JSON.
pub(crate) const NOT_JSON: &str = "not JSON";

/// Some editors and encoders begin a text with this mark. It has no meaning.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The rules for incoming messages. Settings stand here beside the limits, and are read only for messages that break a
/// rule, so the settings cost valid messages nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    batch: usize,
    depth: usize,
    id_bytes: usize,
    method_bytes: usize,
    /// Whether a request or a notification without `jsonrpc` is accepted.
    version_may_be_missing: bool,
}

impl Rules {
    pub(crate) fn new(limits: &Limits, version_may_be_missing: bool) -> Self {
        let &Limits { batch, depth, id_bytes, method_bytes, .. } = limits;
        Self { batch, depth, id_bytes, method_bytes, version_may_be_missing }
    }
}

/// Decodes a message or a batch of messages. A text that is not complete JSON is [`Payload::Broken`].
#[inline] // so that the usual message is put in its place once
pub(crate) fn decode<'a>(text: &'a str, rules: &Rules) -> Payload<'a> {
    let mut scanner = Scanner::new(text);
    match usual::take(&mut scanner, rules) {
        Some(message) if scanner.is_at_end() => Payload::Single(message),
        _ => decode_any(text, rules),
    }
}

/// As [`decode`], but gives `take` what is an item in the usual spelling. Returns `None` if `take` returns that the item
/// was taken.
#[inline] // as `decode`
pub(crate) fn decode_beside_items<'a>(
    text: &'a str,
    rules: &Rules,
    take: impl FnOnce(UsualItem<'a>) -> bool,
) -> Option<Payload<'a>> {
    let mut scanner = Scanner::new(text);
    match usual::take(&mut scanner, rules) {
        Some(message) if scanner.is_at_end() => Some(Payload::Single(message)),
        _ => decode_item_or_any(text, rules, take),
    }
}

#[inline(never)]
fn decode_item_or_any<'a>(
    text: &'a str,
    rules: &Rules,
    take: impl FnOnce(UsualItem<'a>) -> bool,
) -> Option<Payload<'a>> {
    if item::read(text, rules).is_some_and(take) {
        return None;
    }
    Some(decode_any(text, rules))
}

#[inline(never)]
fn decode_any<'a>(text: &'a str, rules: &Rules) -> Payload<'a> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    read(text, rules).unwrap_or(Payload::Broken)
}

/// Returns the ids of the responses that can be found in a text that is not JSON. So the callers of these calls need
/// not wait until their deadline. Some peers write numbers that JSON does not have, write several texts into one
/// message, or write only a part of a text.
#[cold]
pub(crate) fn answers_in(text: &str) -> Vec<String> {
    let text = with_plain_words(text.trim_start_matches(BYTE_ORDER_MARK));
    let mut scanner = Scanner::new(&text);
    let mut ids = Vec::new();
    loop {
        match scanner.peek() {
            Some(b'[' | b',' | b']') => drop(scanner.next()),
            Some(b'{') => {
                let mut members = Members::default();
                let is_whole = members.read(&mut scanner).is_some();
                if members.is_response() {
                    ids.extend(members.id.map(String::from));
                }
                if !is_whole {
                    return ids;
                }
            }
            _ if scanner.value().is_some() => {}
            _ => return ids,
        }
    }
}

/// Returns the same text with zeros in place of words that JSON does not have: `NaN`, `Infinity`, `undefined`, `0x1f`.
/// The result has the same length.
fn with_plain_words(text: &str) -> String {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._()".contains(&byte);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte == b'"' || in_word(byte)) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let string = string_end(found);
        let end = string.unwrap_or_else(|| {
            found.bytes().position(|byte| !in_word(byte)).unwrap_or(found.len())
        });
        let (word, after) = found.split_at(end);
        if string.is_some() || Scanner::new(word).value().is_some_and(|(read, _)| read == word) {
            out.push_str(word);
        } else {
            out.push('0');
            out.extend(std::iter::repeat_n(' ', word.len() - 1));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Returns the end of the string that begins here; `None` if no string begins here.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    let mut bytes = text.strip_prefix('"')?.bytes();
    let end = bytes.position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    Some(end.map_or(text.len(), |end| end + 2))
}

/// Returns the id of a request of this end.
#[cold]
pub(crate) fn id_of(request: &str) -> Option<u64> {
    let mut members = Members::default();
    members.read(&mut Scanner::new(request))?;
    whole(members.id?)
}

/// Returns the texts of the members of a batch that was decoded before.
#[cold]
pub(crate) fn members_of(batch: &str) -> Vec<&str> {
    let mut scanner = Scanner::new(batch.trim_start_matches(BYTE_ORDER_MARK));
    let mut members = Vec::new();
    while scanner.next().is_some_and(|byte| byte != b']') {
        members.extend(scanner.value().map(|(text, _)| text));
    }
    members
}

fn read<'a>(text: &'a str, rules: &Rules) -> Option<Payload<'a>> {
    let mut scanner = Scanner::new(text);
    let payload = match scanner.peek()? {
        b'[' => batch(&mut scanner, rules)?,
        _ => Payload::Single(message(&mut scanner, rules)?),
    };
    scanner.peek().is_none().then_some(payload)
}

fn batch<'a>(scanner: &mut Scanner<'a>, rules: &Rules) -> Option<Payload<'a>> {
    scanner.take(b'[');
    if scanner.take(b']') {
        return Some(Payload::Single(invalid(None, "an empty batch", Shape::Nothing)));
    }
    let mut messages = Vec::with_capacity(rules.batch.min(scanner.left() / SHORT));
    let mut count = 0;
    loop {
        count += 1;
        if count <= rules.batch {
            messages.push(message(scanner, rules)?);
        } else {
            scanner.value()?;
        }
        match scanner.next()? {
            b',' => {}
            b']' => break,
            _ => return None,
        }
    }
    if count > rules.batch {
        let error = ErrorObject::batch_too_big(rules.batch);
        let shape = Shape::Batch(count);
        return Some(Payload::Single(Incoming::Invalid { id: None, error, shape }));
    }
    Some(Payload::Batch(messages))
}

#[inline(always)] // what single messages and members of batches share is out of line
fn message<'a>(scanner: &mut Scanner<'a>, rules: &Rules) -> Option<Incoming<'a>> {
    match usual::take(scanner, rules) {
        Some(message) => Some(message),
        None => any_message(scanner, rules),
    }
}

fn any_message<'a>(scanner: &mut Scanner<'a>, rules: &Rules) -> Option<Incoming<'a>> {
    if scanner.peek()? != b'{' {
        scanner.value()?;
        return Some(invalid(None, "a message must be an object", Shape::Other));
    }
    let mut members = Members::default();
    members.read(scanner)?;
    Some(members.classify(rules))
}

fn invalid<'a>(id: Option<&'a str>, message: impl Into<String>, shape: Shape<'a>) -> Incoming<'a> {
    Incoming::Invalid { id, error: ErrorObject::invalid_request(message), shape }
}

/// The known members of a message, as JSON text.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    /// The complexity of the params. Its depth is the depth of the deepest member of the message.
    complexity: Complexity,
    result: Option<&'a str>,
    error: Option<&'a str>,
    /// Whether the result or the error contains a [disguised](Complexity::is_disguised) object.
    is_disguised: bool,
    timeout: Option<&'a str>,
    extensions: Option<Box<Written<'a>>>,
    repeated: Option<Member>,
    id_repeated: bool,
}

impl<'a> Members<'a> {
    #[inline(always)] // each message comes by here; the other place is cold
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        scanner.take(b'{');
        if scanner.take(b'}') {
            return Some(());
        }
        loop {
            let member = Member::read(scanner)?;
            let Some((text, complexity)) = scanner.value() else {
                self.break_off(member);
                return None;
            };
            self.insert(member, text, complexity);
            match scanner.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Notes that there is a result or an error, although its value is not JSON.
    #[cold]
    fn break_off(&mut self, member: Member) {
        if let Member::Result | Member::Error = member {
            self.insert(member, "", Complexity::default());
        }
    }

    /// Stores a member. If a member occurs twice, the first one counts.
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
            Member::Extra(extra) => return self.insert_extra(extra, text, complexity),
            Member::Unknown => return self.measure(complexity),
        };
        if place.is_some() {
            self.repeated = Some(member);
            self.id_repeated |= matches!(member, Member::Id);
        } else {
            *place = Some(text);
            if matches!(member, Member::Params) {
                let depth = complexity.depth.max(self.complexity.depth);
                self.complexity = Complexity { depth, ..complexity };
            } else if complexity.depth > 0 {
                self.measure(complexity);
                self.is_disguised |= complexity.is_disguised;
            }
        }
    }

    /// Kept out of line: inlined here, it made the compiler stop inlining `insert` for all other members.
    #[cold]
    fn insert_extra(&mut self, extra: Extra, text: &'a str, complexity: Complexity) {
        self.measure(complexity);
        let place = extra.place(self.extensions.get_or_insert_default());
        if place.is_some() {
            self.repeated = Some(Member::Extra(extra));
        } else {
            *place = Some(text);
        }
    }

    /// Counts the depth of a member other than `params`.
    #[cold]
    fn measure(&mut self, complexity: Complexity) {
        self.complexity.depth = self.complexity.depth.max(complexity.depth);
    }

    fn classify(&self, rules: &Rules) -> Incoming<'a> {
        match self.method {
            Some(method) if method != "null" => self.request_or_notification(method, rules),
            _ if self.is_response() => self.response(rules),
            method => {
                let why = match method {
                    Some(_) => NO_METHOD,
                    None => "neither `method` nor `result` nor `error`",
                };
                let shape = self.id.map_or(Shape::Other, Shape::Response);
                invalid(self.readable_id(rules), why, shape)
            }
        }
    }

    /// Some peers write `"method": null` into their responses.
    fn is_response(&self) -> bool {
        self.method.is_none_or(|method| method == "null")
            && (self.result.is_some() || self.error.is_some())
    }

    #[inline(always)] // as nearly all messages are one
    fn request_or_notification(&self, method: &'a str, rules: &Rules) -> Incoming<'a> {
        match self.checked(method, rules) {
            Ok(Checked { method, params, timeout, extensions }) => {
                let complexity = self.complexity;
                match self.id {
                    Some(id) => Incoming::Request(Request {
                        id,
                        method,
                        params,
                        complexity,
                        timeout,
                        extensions,
                    }),
                    None => {
                        let extensions =
                            extensions.and_then(|extensions| extensions.of_notification());
                        Incoming::Notification(Notification {
                            method,
                            params,
                            complexity,
                            extensions,
                        })
                    }
                }
            }
            Err(why) => self.refused(method, why, rules),
        }
    }

    #[cold]
    fn refused(&self, method: &str, why: Cow<'static, str>, rules: &Rules) -> Incoming<'a> {
        let shape = match (method.starts_with('"'), self.id) {
            // A message with a string as its method and without an id is a notification, whatever else is wrong with
            // it.
            (true, None) => return Incoming::Dropped("malformed"),
            (true, Some(_)) => Shape::Request,
            (false, _) => Shape::Other,
        };
        invalid(self.readable_id(rules), why, shape)
    }

    /// Returns the parts of a request or notification if the message is valid.
    #[inline(always)]
    fn checked(&self, method: &'a str, rules: &Rules) -> Result<Checked<'a>, Cow<'static, str>> {
        self.check_version(rules.version_may_be_missing)?;
        self.check_repeated()?;
        if self.result.is_some() || self.error.is_some() {
            return Err("`result` or `error` beside `method`".into());
        }
        if let Some(id) = self.id {
            if !is_id(id) {
                return Err("`id` must be a string, a number or null".into());
            }
            if id.len() > rules.id_bytes {
                let limit = rules.id_bytes;
                return Err(format!("`id` is too long: `id_bytes` is {limit}").into());
            }
        }
        let method = string(method).ok_or(NO_METHOD)?;
        if method.len() > rules.method_bytes {
            let limit = rules.method_bytes;
            return Err(format!("`method` is too long: `method_bytes` is {limit}").into());
        }
        let params = match self.params {
            // Clients in Go and C#, and clients of language servers, write `null` if there are no params.
            Some("null") => None,
            Some(params) if !params.starts_with(['[', '{']) => {
                return Err("`params` must be an array or an object".into());
            }
            params => params,
        };
        let timeout = self.timeout.map(timeout).transpose()?;
        Ok(Checked { method, params, timeout, extensions: self.extensions(rules)? })
    }

    #[inline(always)] // two comparisons for nearly all
    fn extensions(&self, rules: &Rules) -> Result<Option<Box<Extensions>>, &'static str> {
        if self.extensions.is_none() && !self.complexity.has_meta {
            return Ok(None);
        }
        self.read_extensions(rules).map(|extensions| Some(Box::new(extensions)))
    }

    #[cold]
    fn read_extensions(&self, rules: &Rules) -> Result<Extensions, &'static str> {
        let written = self.extensions.as_ref().map(|written| written.read(rules.id_bytes));
        let mut extensions = written.transpose()?.unwrap_or_default();
        let params = self.params.filter(|params| params.starts_with('{'));
        if let Some(params) = params.filter(|_| self.complexity.has_meta) {
            extensions::in_params(params, &mut extensions, rules.id_bytes);
        }
        Ok(extensions)
    }

    fn response(&self, rules: &Rules) -> Incoming<'a> {
        let answer = self.answer(rules).unwrap_or_else(|why| self.malformed(why));
        Incoming::Response { id: self.id, answer }
    }

    fn answer(&self, rules: &Rules) -> Result<Response<'a>, &'static str> {
        self.check_version(true)?;
        self.check_repeated()?;
        if self.complexity.depth > rules.depth {
            return Err(TOO_DEEP);
        }
        if self.is_disguised {
            return Err(DISGUISED);
        }
        match (self.result, self.error) {
            (Some(result), None | Some("null")) => Ok(Response::Result(result)),
            // The derived `Deserialize` would also accept an array.
            (None | Some("null"), Some(error)) if error.starts_with('{') => {
                serde_json::from_str(error).map(Response::Error).map_err(|_| NO_ERROR)
            }
            (Some(result), Some(_)) if result != "null" => Err("both `result` and `error`"),
            _ => Err(NO_ERROR),
        }
    }

    /// Makes an invalid response, with the readable part of its error.
    #[cold]
    fn malformed(&self, why: &str) -> Response<'a> {
        Response::Malformed(match self.error {
            Some(error) => format!("{why}: {}", remains(error)),
            None => why.into(),
        })
    }

    /// Some peers leave `jsonrpc` out of their responses, and refusing these would gain nothing. In requests and
    /// notifications the setting decides.
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

    /// Returns the id for the answer, if there is exactly one id and it is valid.
    fn readable_id(&self, rules: &Rules) -> Option<&'a str> {
        self.id.filter(|id| !self.id_repeated && is_id(id) && id.len() <= rules.id_bytes)
    }
}

/// Returns the readable part of an invalid error.
fn remains(error: &str) -> String {
    let mut scanner = Scanner::new(error);
    let (mut code, mut message) = (None, None);
    while error.starts_with('{') && scanner.next().is_some_and(|byte| byte != b'}') {
        let Some(name) = scanner.name() else { break };
        let Some((value, _)) = scanner.value() else { break };
        match string(name).as_deref() {
            Some("code") => code = code.or(Some(value)),
            Some("message") => message = message.or(Some(value)),
            _ => {}
        }
    }
    let said = |json| string(json).unwrap_or(Cow::Borrowed(json));
    match (code, message) {
        (None, None) => format!("it is {}", Excerpt(error)),
        (Some(code), None) => format!("code {}", Excerpt(code)),
        (None, Some(message)) => format!("message {}", Shortened(&said(message), LONGEST_MESSAGE)),
        (Some(code), Some(message)) => {
            let message = said(message);
            format!("code {}, message {}", Excerpt(code), Shortened(&message, LONGEST_MESSAGE))
        }
    }
}

/// Largest number of bytes that are repeated of the message of an invalid error.
const LONGEST_MESSAGE: usize = 300;

/// The checked parts of a request or a notification.
struct Checked<'a> {
    method: Cow<'a, str>,
    params: Option<&'a str>,
    timeout: Option<Duration>,
    extensions: Option<Box<Extensions>>,
}

/// Returns the value of a JSON string, borrowed unless it has escapes.
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
    // Only a number that is too large fails here, and it is longer than a day.
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

/// A member that is an extension of the specification.
#[derive(Debug, Clone, Copy)]
enum Extra {
    Traceparent,
    Tracestate,
    ProgressToken,
    IdempotencyKey,
    Forwarded,
}

impl Extra {
    fn place<'m, 'a>(self, written: &'m mut Written<'a>) -> &'m mut Option<&'a str> {
        match self {
            Self::Traceparent => &mut written.traceparent,
            Self::Tracestate => &mut written.tracestate,
            Self::ProgressToken => &mut written.progress,
            Self::IdempotencyKey => &mut written.idempotency_key,
            Self::Forwarded => &mut written.forwarded,
        }
    }
}

impl Member {
    #[inline(always)]
    fn read(scanner: &mut Scanner<'_>) -> Option<Self> {
        // The usual spellings differ in one letter, so a letter and one comparison identify a member. That saves a
        // third of the time for decoding an envelope.
        Some(match scanner.second() {
            Some(b'j') if scanner.take_text(r#""jsonrpc":"#) => Self::JsonRpc,
            Some(b'i') if scanner.take_text(r#""id":"#) => Self::Id,
            Some(b'm') if scanner.take_text(r#""method":"#) => Self::Method,
            Some(b'p') if scanner.take_text(r#""params":"#) => Self::Params,
            Some(b'r') if scanner.take_text(r#""result":"#) => Self::Result,
            _ => Self::named(scanner.name()?),
        })
    }

    /// Returns the member with this name. `name` includes the quotes.
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
            r#""forwarded""# => Self::Extra(Extra::Forwarded),
            // A name that is not valid Unicode (`"\ud800"`) is an unknown member, and no error.
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
            Self::Extra(Extra::Forwarded) => "`forwarded` is given twice",
            Self::Unknown => "a member is given twice",
        }
    }
}

#[cfg(test)]
mod tests;
