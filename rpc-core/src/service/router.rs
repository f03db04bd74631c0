//! A service made of several services, and of methods without a trait.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::method::SUBSCRIPTION;
use crate::method::{MethodInfo, MethodKind, ParamInfo, SubscriptionIds, SubscriptionInfo};
use crate::protocol::target::Target;
use crate::service::caller_type::{self, CallerType};
use crate::service::context::Context;
use crate::service::handler::Handler;
#[cfg(feature = "schema")]
use crate::service::offers::Offers;
use crate::service::router_error::RouterError;
use crate::service::{Params, Service};
use crate::stream::Streaming;
use crate::util::excerpt::Excerpt;
use crate::util::sync::{AtomicBool, Ordering};
use crate::wire::item::{ItemParams, can_hold_id};
use crate::wire::opened::StreamNames;
use crate::wire::reserved;

use fallback::is_free;
use forward::Forwards;

mod closure;
mod dialect;
mod fallback;
mod forward;
mod unfit;

pub use fallback::RawParams;

pub(crate) use closure::read_open;

/// The methods that an end offers: services made from traits, and methods made from closures.
///
/// ```
/// use rpc_core::{Context, Router, Service};
///
/// let router = Router::new()
///     .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
///     .notification("log", |_: Context, (line,): (String,)| async move { println!("{line}") });
/// assert!(router.check().is_ok());
/// ```
#[derive(Default)]
pub struct Router {
    services: Vec<Box<dyn Service>>,
    methods: Vec<MethodInfo>,
    /// For each method the index of its service, and the number of the method in that service.
    places: Vec<(usize, usize)>,
    /// For each method its parameters, if at least one of them is a stream.
    stream_params: Vec<Option<&'static [ParamInfo]>>,
    by_name: Names,
    /// The names of unstable methods, which are offered only to peers that ask for them.
    unstable: Names,
    /// The methods that hand calls on, by the names that they serve.
    forwards: Forwards,
    /// The method that serves all names that are not offered to the peer.
    fallback: Option<usize>,
    /// The method that serves all other names of notifications.
    notification_fallback: Option<usize>,
    /// The unsubscribe methods whose subscription id has a member name other than the usual one, with that member
    /// name.
    id_members: Vec<(Box<str>, Box<str>)>,
    /// For each method, whether a warning was logged that one of its polls took long.
    told: Vec<AtomicBool>,
    /// For each method, whether a warning of unknown parameters in a notification was logged.
    told_ignored: Vec<AtomicBool>,
    /// The type of callers that the services require.
    caller: Option<CallerType>,
    mistakes: Vec<String>,
}

impl Router {
    /// Creates a router without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the methods of `service`.
    #[must_use]
    pub fn service(mut self, service: impl Service) -> Self {
        self.add(Box::new(service));
        self
    }

    /// Adds a method. `handler` takes the [`Context`] and the params.
    ///
    /// | type of the params | accepts |
    /// |---|---|
    /// | a tuple or an array; a single parameter is `(a,): (i64,)` | params by position only, because a closure has no parameter names |
    /// | a struct | params by name, or by position in the order of the fields |
    /// | `()` | no params |
    /// | a `Vec`, a map, a `Value`, a struct with `#[serde(flatten)]` | all params that the type reads, of any number and name |
    ///
    /// A number, a string or a bool can never be the type of the params. [`check`](crate::Service::check) reports a
    /// `handler` with such a type.
    ///
    /// As in a trait, missing trailing `Option`s are `None`. Params that do not fit are answered -32602. Surplus
    /// values do not fit, and neither do names that the struct does not have, except `_meta`. In a notification such
    /// names are ignored. To accept params both by name and by position, use a struct or a trait.
    ///
    /// A handler that makes a call may use `?` on the result of the call. The error of the peer is then the answer.
    #[must_use]
    pub fn method<P, T, F>(
        self,
        name: impl Into<Cow<'static, str>>,
        handler: impl Fn(Context, P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        T: Serialize + Send + 'static,
        F: Future<Output = Result<T, ErrorObject>> + Send + 'static,
    {
        self.method_with(name, handler)
    }

    /// Adds a method with a typed error. The params are as in [`method`](Self::method).
    #[must_use]
    pub fn method_with<P, T, E, F>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        handler: impl Fn(Context, P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        T: Serialize + Send + 'static,
        E: RpcError,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let info = MethodInfo::named(name.into(), MethodKind::Request).with_errors(E::CODES);
        self.check_params::<P>(&info.name);
        let start = move |cx: &Context, params: Params<'_>| match closure::decode(Some(cx), params)
        {
            Ok(params) => Handler::new(handler(cx.clone(), params)),
            Err(error) => Handler::error(error),
        };
        self.add(Box::new(Closure { info: [info], start }));
        self
    }

    /// Adds a subscription. `handler` returns a [`Streaming`], whose items are sent as notifications with the same
    /// `name`. A call of `unsubscribe` with the id of the subscription ends the stream. Several subscriptions may
    /// share one `unsubscribe`.
    ///
    /// Pass a [`SubscriptionInfo`] instead of the `unsubscribe` name to choose the name of the item notifications,
    /// ids that are numbers, or the member that holds the id.
    ///
    /// ```
    /// use futures_util::stream;
    /// use rpc_core::schema::SubscriptionInfo;
    /// use rpc_core::{Context, Router, Service, Streaming};
    ///
    /// let seconds = |_: Context, (): ()| async { Ok(Streaming::new(stream::iter(0..60))) };
    /// let slots = SubscriptionInfo::ended_by("slotUnsubscribe").item("slotNotification").number_ids();
    /// let router = Router::new()
    ///     .subscription("seconds", "stop_seconds", seconds)
    ///     .subscription("slotSubscribe", slots, seconds);
    /// assert!(router.check().is_ok());
    /// ```
    #[must_use]
    pub fn subscription<P, T, F>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        unsubscribe: impl Into<SubscriptionInfo>,
        handler: impl Fn(Context, P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        T: Serialize + Send + 'static,
        F: Future<Output = Result<Streaming<T>, ErrorObject>> + Send + 'static,
    {
        let name = name.into();
        self.check_params::<P>(&name);
        let kind = MethodKind::subscription(name.clone(), unsubscribe);
        let start = move |cx: &Context, params: Params<'_>| match closure::decode(Some(cx), params)
        {
            Ok(params) => Handler::streaming(handler(cx.clone(), params)),
            Err(error) => Handler::error(error),
        };
        self.add(Box::new(Closure { info: [MethodInfo::named(name, kind)], start }));
        self
    }

    /// Adds a notification. It takes its params as a [method](Self::method) does. Params that do not fit are logged,
    /// because a notification has no answer.
    #[must_use]
    pub fn notification<P, F>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        handler: impl Fn(Context, P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let info = MethodInfo::named(name.into(), MethodKind::Notification);
        self.check_params::<P>(&info.name);
        let start = move |cx: &Context, params: Params<'_>| match closure::decode(Some(cx), params)
        {
            Ok(params) => {
                let future = handler(cx.clone(), params);
                Handler::new(async move {
                    future.await;
                    Ok::<_, std::convert::Infallible>(())
                })
            }
            Err(error) => Handler::error(error),
        };
        self.add(Box::new(Closure { info: [info], start }));
        self
    }

    /// Makes requests to the method `name` start only when all earlier requests and notifications have ended; see
    /// [`MethodFlags::ordered`](crate::schema::MethodFlags::ordered). Add the method `name` before.
    ///
    /// ```
    /// use rpc_core::{Context, Router, Service};
    ///
    /// let router = Router::new()
    ///     .method("commit", |_: Context, (): ()| async { Ok(()) })
    ///     .ordered("commit");
    /// assert!(router.methods()[0].flags.ordered);
    /// ```
    #[must_use]
    pub fn ordered(mut self, name: &str) -> Self {
        match self.by_name.get_mut(name).or_else(|| self.unstable.get_mut(name)) {
            Some(target @ &mut (Target::Method(method) | Target::Ordered(method))) => {
                *target = Target::Ordered(method);
                self.methods[method].flags.ordered = true;
            }
            Some(Target::Unsubscribe | Target::Item | Target::Fallback(_)) | None => {
                self.mistakes
                    .push(format!("`{name}` cannot be ordered: offer a method of this name first"));
            }
        }
        self
    }

    /// Logs that a poll of a method kept its connection's task busy for long. Logs once for each method, because the
    /// method will do so again.
    #[cold]
    pub(crate) fn took_long(&self, method: usize, took: Duration) {
        if !self.told[method].swap(true, Ordering::Relaxed) {
            tracing::warn!(
                method = self.name(method),
                ?took,
                "a poll kept its connection from everything else: the method needs \
                 `#[method(spawn)]` or `blocking`, a stream a task that makes its items"
            );
        }
    }

    /// Logs that a notification has a parameter that its method does not know. Logs once for each method, because the
    /// sender will go on sending the parameter.
    #[cold]
    pub(crate) fn ignored(&self, method: usize, peer: &str, parameter: &str) {
        if !self.told_ignored[method].swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                method = self.name(method),
                parameter = %Excerpt(parameter),
                "a notification has a parameter that its method does not know: it is ignored, as are \
                 all such of this method from now on, without a word"
            );
        }
    }

    /// Finds the target of a request's name. `asks` returns whether the peer asks for unstable methods.
    #[inline(always)] // each message asks
    pub(crate) fn find(&self, name: &str, asks: impl FnOnce() -> bool) -> Option<Target> {
        match self.by_name.get(name) {
            Some(target) => Some(*target),
            None => {
                self.find_unstable(name, asks).or_else(|| self.find_unoffered(name, self.fallback))
            }
        }
    }

    #[inline] // items of streams come by here
    fn find_unstable(&self, name: &str, asks: impl FnOnce() -> bool) -> Option<Target> {
        if self.unstable.is_empty() {
            return None;
        }
        self.unstable.get(name).copied().filter(|_| asks())
    }

    /// Finds the target of a name that is not offered.
    #[inline] // items of streams come by here
    fn find_unoffered(&self, name: &str, fallback: Option<usize>) -> Option<Target> {
        let method = self.forwards.find(name).or(fallback)?;
        is_free(name).then_some(Target::Fallback(method))
    }

    /// As [`find_unoffered`](Self::find_unoffered), for a notification, beside a fallback for notifications.
    fn find_unoffered_notification(&self, name: &str, fallback: usize) -> Option<Target> {
        let method = self.forwards.find_but_all(name).unwrap_or(fallback);
        is_free(name).then_some(Target::Fallback(method))
    }

    /// Returns whether a method hands its calls on.
    pub(crate) fn is_forward(&self, method: usize) -> bool {
        matches!(self.methods[method].kind, MethodKind::Forward)
    }

    /// Returns the names of the streams that a subscription returns.
    pub(crate) fn stream_names(&self, method: usize) -> Option<StreamNames> {
        let MethodKind::Subscription { item, unsubscribe, ids, id_member } =
            &self.methods[method].kind
        else {
            return None;
        };
        let [item, unsubscribe, id_member] =
            [item, unsubscribe, id_member].map(|name| Box::from(&**name));
        Some(StreamNames { item, unsubscribe, id_member, ids: *ids })
    }

    /// Finds the target of a notification's name. Subscriptions of the peer may have the same names as subscriptions
    /// of this end. Their late items, which no stream takes any more, must not reach the method.
    pub(crate) fn find_notified(
        &self,
        name: &str,
        params: Option<&str>,
        asks: impl FnOnce() -> bool,
    ) -> Option<Target> {
        let stable = self.by_name.get(name).copied();
        let Some(target) = stable.or_else(|| self.find_unstable(name, asks)) else {
            return match self.notification_fallback {
                None => self.find_unoffered(name, self.fallback),
                Some(fallback) => self.find_unoffered_notification(name, fallback),
            };
        };
        if let Target::Method(method) | Target::Ordered(method) = target
            && let MethodKind::Subscription { id_member, .. } = &self.methods[method].kind
            && ItemParams::are(params, id_member)
        {
            return Some(Target::Item);
        }
        Some(target)
    }

    /// Returns the name of the notifications that carry items of a subscription, and the name of the member that
    /// holds the id.
    pub(crate) fn item_names(&self, method: usize) -> (&str, &str) {
        match &self.methods[method].kind {
            MethodKind::Subscription { item, id_member, .. } => (item, id_member),
            _ => (&self.methods[method].name, SUBSCRIPTION),
        }
    }

    /// Returns the kind of ids that a subscription uses.
    pub(crate) fn subscription_ids(&self, method: usize) -> SubscriptionIds {
        match self.methods[method].kind {
            MethodKind::Subscription { ids, .. } => ids,
            _ => SubscriptionIds::Strings,
        }
    }

    /// Returns the JSON text of the id in the params of an `unsubscribe` call. The params must be an object with one
    /// member only, under a name that a subscription of this `unsubscribe` uses for its id.
    pub(crate) fn unsubscribed_id<'a>(
        &self,
        unsubscribe: &str,
        params: &'a str,
    ) -> Option<&'a str> {
        let members = self.id_members.iter().filter(|(method, _)| **method == *unsubscribe);
        let mut members = members.map(|(_, member)| &**member).peekable();
        members.peek()?;
        let params = serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(params).ok()?;
        let mut ids = members.filter_map(|member| params.get(member));
        ids.next().filter(|_| params.len() == 1).map(|id| id.get())
    }

    /// Returns the parameters of a method if at least one of them is a stream.
    pub(crate) fn stream_params(&self, method: usize) -> Option<&'static [ParamInfo]> {
        self.stream_params[method]
    }

    /// Returns the name of a method.
    pub(crate) fn name(&self, method: usize) -> &str {
        &self.methods[method].name
    }

    /// Records a mistake if no call can ever fit the params of the method.
    fn check_params<P: DeserializeOwned>(&mut self, name: &str) {
        if unfit::never_fits::<P>() {
            let ty = std::any::type_name::<P>();
            self.mistakes.push(format!(
                "params of `{name}` can never be a `{ty}`: they are an array or an object, so write \
                 `(value,): ({ty},)` in its closure"
            ));
        }
    }

    fn add(&mut self, service: Box<dyn Service>) {
        self.mistakes.extend(service.check().err().map(|error| error.0));
        match caller_type::join(self.caller, service.caller_type()) {
            Ok(caller) => self.caller = caller,
            Err(error) => self.mistakes.push(error.0),
        }
        for (index, info) in service.methods().iter().enumerate() {
            let method = self.methods.len();
            if matches!(info.kind, MethodKind::Fallback | MethodKind::NotificationFallback) {
                self.insert_fallback(method, &info.kind);
            } else if matches!(info.kind, MethodKind::Forward) {
                if !self.insert_forward(method, &info.name) {
                    continue;
                }
            } else if !info.is_of_protocol
                && let Some(refusal) = names(info).find_map(reserved::refusal)
            {
                self.mistakes.push(refusal);
                continue;
            } else if self.target_of(&info.name).is_some() {
                self.mistakes.push(format!("`{}` is offered twice", info.name));
                continue;
            } else {
                let target = match info.flags.ordered {
                    true => Target::Ordered(method),
                    false => Target::Method(method),
                };
                self.names(info).insert(info.name.clone(), target);
            }
            if let MethodKind::Subscription { unsubscribe, id_member, .. } = &info.kind {
                self.add_id_member(unsubscribe, id_member);
                // Several subscriptions may share this name; the id tells which one is meant.
                match self.target_of(unsubscribe) {
                    Some(Target::Unsubscribe) | None => {
                        self.names(info).insert(unsubscribe.clone(), Target::Unsubscribe);
                    }
                    Some(_) => self.mistakes.push(format!("`{unsubscribe}` is offered twice")),
                }
            }
            self.places.push((self.services.len(), index));
            let takes_streams = info.params.iter().any(|param| param.is_stream);
            self.stream_params.push(takes_streams.then_some(info.params));
            self.methods.push(info.clone());
            self.told.push(AtomicBool::new(false));
            self.told_ignored.push(AtomicBool::new(false));
        }
        self.services.push(service);
    }
}

/// The names that are offered to a peer.
type Names = HashMap<Cow<'static, str>, Target, FxBuildHasher>;

/// Returns all names that a method occupies: its own name, and the names of its subscription.
fn names(info: &MethodInfo) -> impl Iterator<Item = &str> {
    let more = match &info.kind {
        MethodKind::Subscription { item, unsubscribe, .. } => [Some(&**item), Some(&**unsubscribe)],
        _ => [None; 2],
    };
    std::iter::once(&*info.name).chain(more.into_iter().flatten())
}

impl Router {
    /// Returns the target of a name that is offered to any peer.
    fn target_of(&self, name: &str) -> Option<Target> {
        self.by_name.get(name).or_else(|| self.unstable.get(name)).copied()
    }

    /// Returns the names to which those of a method belong.
    fn names(&mut self, info: &MethodInfo) -> &mut Names {
        if info.flags.unstable { &mut self.unstable } else { &mut self.by_name }
    }

    /// Remembers the member name of a subscription's id, unless the name is the usual one.
    fn add_id_member(&mut self, unsubscribe: &str, id_member: &str) {
        if !can_hold_id(id_member) {
            self.mistakes.push(format!(
                "`{}` cannot be the member that holds an id: give it another name",
                id_member.escape_debug()
            ));
        }
        if id_member != SUBSCRIPTION {
            self.id_members.push((unsubscribe.into(), id_member.into()));
        }
    }
}

impl Service for Router {
    fn methods(&self) -> &[MethodInfo] {
        &self.methods
    }

    /// The builders of servers and clients call this. Without this check the first method of several with the same
    /// name would be served.
    fn check(&self) -> Result<(), RouterError> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(RouterError(self.mistakes.join("; "))) }
    }

    /// Returns the type that the services require, if any of them requires a type. Services that require different
    /// types are an error of [`check`](Service::check).
    fn caller_type(&self) -> Option<CallerType> {
        self.caller
    }

    #[cfg(feature = "schema")]
    fn offers(&self, reader: Option<&Context>) -> Option<&Offers> {
        self.services.iter().find_map(|service| service.offers(reader))
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        let (service, method) = self.places[method];
        self.services[service].call(method, cx, params)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods.iter().map(|info| &info.name)).finish()
    }
}

/// One method, made from a closure.
struct Closure<S> {
    info: [MethodInfo; 1],
    start: S,
}

impl<S> Service for Closure<S>
where
    S: Fn(&Context, Params<'_>) -> Handler + Send + Sync + 'static,
{
    fn methods(&self) -> &[MethodInfo] {
        &self.info
    }

    fn call(&self, _: usize, cx: &Context, params: Params<'_>) -> Handler {
        (self.start)(cx, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_is_offered_before() {
        let nothing = |_: Context, (): ()| async { Ok(()) };
        let inner = Router::new().method("a", nothing).ordered("a").method("b", nothing);
        let router = Router::new().service(inner).ordered("b").ordered("b");
        assert!(router.check().is_ok());
        assert_eq!(
            (router.find("a", || false), router.find("b", || false)),
            (Some(Target::Ordered(0)), Some(Target::Ordered(1)))
        );
        let error = router.ordered("c").check().unwrap_err().to_string();
        assert_eq!(error, "`c` cannot be ordered: offer a method of this name first");
    }

    #[test]
    fn a_closure_that_nobody_can_call_is_a_mistake() {
        let router = Router::new()
            .method("a", |_: Context, _: u8| async { Ok(()) })
            .notification("b", |_: Context, _: bool| async {})
            .subscription("c", "d", |_: Context, _: f64| async {
                Ok(Streaming::<u8>::new(futures_util::stream::empty()))
            });
        let told = router.check().unwrap_err().to_string();
        for (name, ty) in [("a", "u8"), ("b", "bool"), ("c", "f64")] {
            let mistake = format!("params of `{name}` can never be a `{ty}`");
            assert!(told.contains(&mistake) && told.contains(&format!("({ty},)")), "{told}");
        }
    }

    #[test]
    fn services_of_one_router_ask_for_one_type_of_caller() {
        let named =
            |name: &'static str| Router::new().method(name, |_: Context, (): ()| async { Ok(()) });
        struct User;
        struct Admin;
        let user = CallerType::of::<User>();
        let both = Router::new()
            .service(named("a"))
            .service(named("b").requires_caller::<User>().layer(crate::layers::Tracing::new()))
            .service(Router::new().service(named("c").requires_caller::<User>()));
        assert_eq!((both.check(), both.caller_type()), (Ok(()), Some(user)));
        assert_eq!(named("a").caller_type(), None);

        let admins = named("d").requires_caller::<Admin>();
        let error = both.service(admins).check().unwrap_err().to_string();
        assert!(error.contains("::User`") && error.contains("::Admin`"), "{error}");
        let twice = named("a").requires_caller::<User>().requires_caller::<Admin>();
        assert_eq!(Router::new().service(twice).check().unwrap_err().to_string(), error);
    }

    #[test]
    fn a_name_is_offered_once_and_reserved_ones_never() {
        let nothing = |_: Context, (): ()| async { Ok(()) };
        let router = Router::new()
            .method("a", nothing)
            .service(Router::new().method("a", nothing).method("b", nothing).method("b", nothing))
            .method("$/ping", nothing)
            .method("rpc.a", nothing)
            .method("$/setTrace", nothing)
            .subscription("c", "$/stop", |_: Context, (): ()| async {
                Ok(Streaming::<u8>::new(futures_util::stream::empty()))
            });
        let refusal = |name| reserved::refusal(name).unwrap();
        let [ping, rpc, stop] = ["$/ping", "rpc.a", "$/stop"].map(refusal);
        assert_eq!(
            router.check().unwrap_err().to_string(),
            format!("`b` is offered twice; `a` is offered twice; {ping}; {rpc}; {stop}")
        );
        assert_eq!(
            ["a", "b", "$/setTrace", "c"].map(|name| router.find(name, || false)),
            [Some(Target::Method(0)), Some(Target::Method(1)), Some(Target::Method(2)), None]
        );
    }
}
