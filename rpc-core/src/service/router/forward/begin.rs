//! From a served call to the message that hands it on.

use crate::error::call::CallError;
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::peer::Peer;
use crate::peer::call::forwarded::passed_on;
use crate::peer::notify::Notify;
use crate::peer::pending_call::{Options, PendingCall, Timeout};
use crate::peer::remote_profile::RemoteSupport;
use crate::service::Params;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::progress::Progress;
use crate::stream::Streaming;
use crate::util::random::{new_id, quoted};
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::extensions::{Extensions, LONGEST_KEY};
use crate::wire::request::{Outgoing, RawText};
use crate::wire::stream_ref;

use super::call::{ForwardedCall, Told};
use super::plain_methods::PlainMethods;

/// How often a message may be handed on.
const MOST: u8 = 16;

/// Hands on a call. The call starts at the first poll of the handler.
pub(super) fn begin(peer: Peer, cx: &Context, params: Params<'_>) -> Handler {
    let handed_on = cx.members().map_or(0, |members| members.forwarded);
    if handed_on >= MOST {
        let name = cx.method();
        let message = format!("`{name}` was handed on {MOST} times: the peers form a loop");
        return Handler::error(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message));
    }
    let begun = match cx.is_notification() {
        true => notify(peer, cx, params, handed_on + 1),
        false => call(peer, cx, params, handed_on + 1),
    };
    begun.unwrap_or_else(Handler::error)
}

fn notify(
    peer: Peer,
    cx: &Context,
    params: Params<'_>,
    forwarded: u8,
) -> Result<Handler, ErrorObject> {
    let message = message(&peer, cx, text(params))?;
    let members = match peer.shared.remote.get() {
        RemoteSupport::Extended => {
            Extensions { trace: cx.trace().cloned(), forwarded, ..Extensions::default() }
        }
        RemoteSupport::Unknown | RemoteSupport::Plain => Extensions::default(),
    };
    let notify = Notify::forwarding(peer.shared, message, Box::new(members));
    Ok(Handler::new(async move { notify.await.map_err(|error| passed_on(CallError::from(error))) }))
}

fn call(
    peer: Peer,
    cx: &Context,
    params: Params<'_>,
    forwarded: u8,
) -> Result<Handler, ErrorObject> {
    let mut options = Options::default();
    options.timeout = Timeout::Never;
    let mut told = None;
    if peer.shared.remote.get() == RemoteSupport::Extended {
        let plain_methods = peer.shared.values.get_or_default::<PlainMethods>();
        let idempotency_key = cx.idempotency_key().map(|key| key_of(cx, key)).transpose()?;
        let is_told = plain_methods.is_to_tell(cx.method());
        if is_told || idempotency_key.is_some() {
            let forwarded = if is_told { forwarded } else { 0 };
            let members = Extensions { idempotency_key, forwarded, ..Extensions::default() };
            options.extensions = Some(Box::new(members));
        }
        told = is_told.then(|| Told { plain_methods, method: cx.method().into() });
    }
    if cx.progress_token().is_some() && can_report(&peer, params) {
        let progress = Progress::<()>::new(cx, None);
        let listener = move |json: &str| progress.pass_on(json);
        options.progress = true;
        options.rare_mut().listener = Some(Arc::new(Mutex::new(listener)));
    }
    let ids = stream_ref::all(params.text);
    let message = match params.text {
        Some(text) if !ids.is_empty() => with_streams(&peer, cx, params, text, &ids, &mut options)?,
        _ => message(&peer, cx, self::text(params))?,
    };
    let call = PendingCall::new(peer.shared, Ok(message)).with_options(options);
    Ok(Handler::forwarding(ForwardedCall::new(call, told)))
}

/// Takes the streams among the params, and puts them among those of the call.
#[cold]
fn with_streams(
    peer: &Peer,
    cx: &Context,
    params: Params<'_>,
    text: &str,
    ids: &[&str],
    options: &mut Options,
) -> Result<Outgoing, ErrorObject> {
    if cx.idempotency_key().is_some() {
        let why = "`idempotencyKey`: a stream cannot be given again";
        return Err(ErrorObject::invalid_params(why));
    }
    let mut streams = Vec::with_capacity(ids.len());
    for id in ids {
        let stream = cx.claim(id).ok_or_else(|| {
            ErrorObject::invalid_params("a stream that did not come with this request")
        })?;
        // The items are passed on as text: the type is never used.
        streams.push((quoted(&new_id()), Streaming::<()>::from(stream).into_items()));
    }
    let others: Vec<_> = streams.iter().map(|(id, _)| id.clone()).collect();
    options.rare_mut().streams = Some(Arc::new(Mutex::new(streams)));
    let whole = params.attached.map(|attached| attached.whole());
    let replaced = match whole {
        None => stream_ref::replace(text, ids, &others),
        Some(whole) => stream_ref::replace(whole, &stream_ref::all(Some(whole)), &others),
    };
    message(peer, cx, RawText::Plain(&replaced))
}

fn text(params: Params<'_>) -> RawText<'_> {
    match (params.attached, params.text) {
        (Some(attached), _) => RawText::Attached(attached),
        (None, Some(text)) => RawText::Plain(text),
        (None, None) => RawText::None,
    }
}

fn message(peer: &Peer, cx: &Context, params: RawText<'_>) -> Result<Outgoing, ErrorObject> {
    let limit = peer.shared.config.limits.message_out;
    Outgoing::raw(cx.method(), params, limit).map_err(ErrorObject::invalid_params)
}

/// Returns whether the dialect of the peer can ask for progress of a call with these params.
fn can_report(peer: &Peer, params: Params<'_>) -> bool {
    peer.shared.remote.dialect() == Dialect::JsonRpc
        || params.as_str().is_none_or(|params| params.starts_with('{'))
}

/// Returns the key under which the other peer knows a key of this caller. To that peer all callers are one.
///
/// # Errors
/// The key is too long for that.
#[cold]
fn key_of(cx: &Context, key: &str) -> Result<Box<str>, ErrorObject> {
    let name = cx.shared().identity();
    let caller = name.as_deref().unwrap_or(&cx.shared().id);
    let whole = format!("{}:{caller}{key}", caller.len());
    if whole.len() > LONGEST_KEY {
        let message = format!(
            "`idempotencyKey` is too long to be handed on with the name of its caller: both have {} bytes, {LONGEST_KEY} \
             are allowed",
            whole.len()
        );
        return Err(ErrorObject::invalid_params(message));
    }
    Ok(whole.into())
}
