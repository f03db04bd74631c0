//! Descriptions of a service, its methods and their parameters, available without a call.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::rpc_error::ErrorInfo;

mod param;
mod service;
#[cfg(feature = "schema")]
pub(crate) mod type_schemas;

pub(crate) use param::Absent;
pub use param::ParamInfo;
pub use service::{ServiceInfo, Stub};

/// The default name of the member that holds the id of a stream.
pub(crate) const SUBSCRIPTION: &str = "subscription";

/// The description of a method.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MethodInfo {
    /// The name on the wire.
    pub name: Cow<'static, str>,
    /// The method's own name on the wire, if `name` is an alias. A table has a row for each alias. All other fields
    /// of this row are the same as in the row of the method's own name.
    pub alias_of: Option<Cow<'static, str>>,
    /// The name of the method in its Rust trait, without `r#`. Empty if the method has no trait, and in the row of a
    /// name that [several methods share](Self::selected).
    pub ident: &'static str,
    /// The way in which the method is meant to be called.
    pub kind: MethodKind,
    /// The parameters on the wire, in order. Also empty if they are not known.
    pub params: &'static [ParamInfo],
    /// The return type, as the trait writes it: `Result<Vec<String>, ChatError>`. Empty if the type is not known.
    pub returns: &'static str,
    /// The type of the progress reports, as the trait writes it: the `u64` of a `Progress<u64>`. Empty if the method
    /// reports no progress, or if the type is not known.
    pub progress: &'static str,
    /// How long a stub waits for the answer, unless the call sets a timeout. `None` if the trait sets no time. The
    /// stub then waits for `call_deadline` of the [`Limits`](crate::Limits).
    pub timeout: Option<Duration>,
    /// Further declarations of the method.
    pub flags: MethodFlags,
    /// The errors that the method can answer with.
    pub errors: &'static [ErrorInfo],
    /// The documentation of the method, as Markdown. Empty without documentation.
    pub docs: &'static str,
    /// The version in which the method appeared, as the trait says it. `None` if the trait does not.
    pub since: Option<&'static str>,
    /// Why callers should no longer call the method. `None` if they may.
    pub deprecated: Option<Deprecated>,
    /// The variants of a method whose first parameter is a selector. Each entry has a value of the selector and the
    /// description of its variant, with the parameters after the first. The description of the method itself then has
    /// no parameters, errors or documentation.
    pub selected: Cow<'static, [(&'static str, MethodInfo)]>,
    #[cfg(feature = "schema")]
    pub(crate) schemas: type_schemas::MethodSchemas,
    /// `true` if the name belongs to the protocol, and the method is the protocol's own.
    pub(crate) is_of_protocol: bool,
}

impl MethodInfo {
    /// Creates a method without parameters, errors or documentation. The `with_` functions add them.
    pub const fn new(name: &'static str, kind: MethodKind) -> Self {
        Self::of_names(name, None, kind)
    }

    /// Creates a method as [`new`](Self::new) does, under another name of the method `alias_of`.
    pub const fn new_alias(name: &'static str, alias_of: &'static str, kind: MethodKind) -> Self {
        Self::of_names(name, Some(Cow::Borrowed(alias_of)), kind)
    }

    const fn of_names(
        name: &'static str,
        alias_of: Option<Cow<'static, str>>,
        kind: MethodKind,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            alias_of,
            ident: "",
            kind,
            params: &[],
            returns: "",
            progress: "",
            timeout: None,
            flags: MethodFlags::new(),
            errors: &[],
            docs: "",
            since: None,
            deprecated: None,
            selected: Cow::Borrowed(&[]),
            #[cfg(feature = "schema")]
            schemas: type_schemas::MethodSchemas::NONE,
            is_of_protocol: false,
        }
    }

    /// Creates a method as [`new`](Self::new) does, with a name that was made at run time.
    pub(crate) fn named(name: Cow<'static, str>, kind: MethodKind) -> Self {
        Self { name, ..Self::new("", kind) }
    }

    /// Creates a method of the protocol, whose name no other service may offer.
    pub(crate) const fn of_protocol(name: &'static str, kind: MethodKind) -> Self {
        let mut info = Self::of_names(name, None, kind);
        info.is_of_protocol = true;
        info
    }

    /// Sets the parameters.
    #[must_use]
    pub const fn with_params(mut self, params: &'static [ParamInfo]) -> Self {
        self.params = params;
        self
    }

    /// Sets the return type, as the trait writes it.
    #[must_use]
    pub const fn with_returns(mut self, returns: &'static str) -> Self {
        self.returns = returns;
        self
    }

    /// Sets the name of the method in its Rust trait.
    #[must_use]
    pub const fn with_ident(mut self, ident: &'static str) -> Self {
        self.ident = ident;
        self
    }

    /// Sets the type of the progress reports, as the trait writes it.
    #[must_use]
    pub const fn with_progress(mut self, progress: &'static str) -> Self {
        self.progress = progress;
        self
    }

    /// Sets how long a stub waits for the answer.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: MethodFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Sets the errors.
    #[must_use]
    pub const fn with_errors(mut self, errors: &'static [ErrorInfo]) -> Self {
        self.errors = errors;
        self
    }

    /// Sets the documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Sets the version in which the method appeared.
    #[must_use]
    pub const fn with_since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Sets why callers should no longer call the method.
    #[must_use]
    pub const fn with_deprecated(mut self, deprecated: Deprecated) -> Self {
        self.deprecated = Some(deprecated);
        self
    }

    /// Sets the variants that the first parameter selects.
    #[must_use]
    pub const fn with_selected(mut self, selected: &'static [(&'static str, MethodInfo)]) -> Self {
        // The old value is borrowed or empty, so `forget` leaks nothing. A constant function cannot drop it, because
        // its type may own memory.
        std::mem::forget(std::mem::replace(&mut self.selected, Cow::Borrowed(selected)));
        self
    }
}

/// The arguments of `#[deprecated]` on a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deprecated {
    /// The version since which the method is deprecated.
    pub since: Option<&'static str>,
    /// What to do instead.
    pub note: Option<&'static str>,
}

/// The way in which a method is meant to be called. Other ways work as well. A request to a notification method is
/// answered `null` when the handler has ended. A notification to a request method drops the result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MethodKind {
    /// The caller waits for an answer.
    Request,
    /// The caller does not wait.
    Notification,
    /// The caller waits for a stream of items.
    #[non_exhaustive]
    Subscription {
        /// The name of the notifications that carry the items.
        item: Cow<'static, str>,
        /// The name of the method that ends the stream.
        unsubscribe: Cow<'static, str>,
        /// The kind of the stream ids.
        ids: SubscriptionIds,
        /// The name of the member of an item's params that holds the id of the stream.
        id_member: Cow<'static, str>,
    },
    /// The method serves requests and notifications of names that are not offered; see
    /// [`Router::fallback`](crate::Router::fallback). Its own name cannot be called.
    Fallback,
    /// The method serves notifications of names that are not offered; see
    /// [`Router::notification_fallback`](crate::Router::notification_fallback). Its own name cannot be called.
    NotificationFallback,
    /// The method hands on requests and notifications to another peer; see [`Router::forward`](crate::Router::forward).
    /// Its own name is the pattern of the names that it hands on, and cannot be called.
    Forward,
}

/// The name of a fallback in statistics, metrics and tables of methods. The names that a fallback serves are left
/// out, because the peer chooses them and their number has no bound.
pub(crate) const FALLBACK: &str = "*";

impl MethodKind {
    /// Returns the kind of the subscription that the method `name` makes.
    pub fn subscription(
        name: impl Into<Cow<'static, str>>,
        info: impl Into<SubscriptionInfo>,
    ) -> Self {
        let SubscriptionInfo { item, unsubscribe, ids, id_member } = info.into();
        let item = item.unwrap_or_else(|| name.into());
        Self::Subscription { item, unsubscribe, ids, id_member }
    }

    /// Returns the kind of a subscription whose names are constants.
    pub(crate) const fn of_constants(
        item: &'static str,
        unsubscribe: &'static str,
        ids: SubscriptionIds,
        id_member: &'static str,
    ) -> Self {
        let [item, unsubscribe, id_member] =
            [Cow::Borrowed(item), Cow::Borrowed(unsubscribe), Cow::Borrowed(id_member)];
        Self::Subscription { item, unsubscribe, ids, id_member }
    }
}

/// The kind of ids that an end gives to its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "schema", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", serde(rename_all = "lowercase"))]
#[non_exhaustive]
// Not `String`: if another item in scope is called `String`, rustc writes `std::string::String` in all errors.
pub enum SubscriptionIds {
    /// Strings of 32 random hexadecimal digits.
    #[default]
    Strings,
    /// Random integers from 1 to 99,999,999,999,999. They are below 10<sup>14</sup>, so JavaScript and Lua read them
    /// without a loss. No two open streams of a connection have the same id.
    Numbers,
}

/// The wire format of a subscription, for [`Router::subscription`](crate::Router::subscription). If only the name of
/// the unsubscribe method differs from the defaults, that name is enough instead of a `SubscriptionInfo`.
///
/// ```
/// use rpc_core::schema::SubscriptionInfo;
///
/// let solana = SubscriptionInfo::ended_by("slotUnsubscribe").item("slotNotification").number_ids();
/// let starknet = SubscriptionInfo::ended_by("starknet_unsubscribe")
///     .item("starknet_subscriptionNewHeads")
///     .id_member("subscription_id");
/// assert_ne!(solana, starknet);
/// assert_eq!(SubscriptionInfo::from("stop"), SubscriptionInfo::ended_by("stop"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionInfo {
    item: Option<Cow<'static, str>>,
    unsubscribe: Cow<'static, str>,
    ids: SubscriptionIds,
    id_member: Cow<'static, str>,
}

impl SubscriptionInfo {
    /// Creates a subscription. A call of the method `unsubscribe` with the subscription's id ends it. By default
    /// items have the name of the subscribing method, ids are strings, and items hold the id in the member
    /// `subscription`.
    pub fn ended_by(unsubscribe: impl Into<Cow<'static, str>>) -> Self {
        let (unsubscribe, ids) = (unsubscribe.into(), SubscriptionIds::Strings);
        Self { item: None, unsubscribe, ids, id_member: SUBSCRIPTION.into() }
    }

    /// Sets the complete name of the notifications that carry the items.
    #[must_use]
    pub fn item(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.item = Some(name.into());
        self
    }

    /// Makes the ids [numbers](SubscriptionIds::Numbers).
    #[must_use]
    pub fn number_ids(mut self) -> Self {
        self.ids = SubscriptionIds::Numbers;
        self
    }

    /// Sets the name of the member of an item's params that holds the id, in place of `subscription`. The unsubscribe
    /// method takes the id under this name as well.
    #[must_use]
    pub fn id_member(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.id_member = name.into();
        self
    }
}

/// Creates a subscription from the name of its unsubscribe method; see [`SubscriptionInfo::ended_by`].
impl<T: Into<Cow<'static, str>>> From<T> for SubscriptionInfo {
    fn from(unsubscribe: T) -> Self {
        Self::ended_by(unsubscribe)
    }
}

/// Declarations of a method beside its signature. All flags are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MethodFlags {
    /// Running the method twice has the same effect as running it once, so a call whose fate is unknown may be sent
    /// again. A client that reconnects makes such a call again by itself when its session is lost; layers find the flag
    /// at [`CallRequest::is_idempotent`](crate::layers::CallRequest::is_idempotent). A call of any other method may be
    /// sent again under an [idempotency key](crate::Call::idempotency_key).
    pub idempotent: bool,
    /// The method runs in a task of its own.
    pub spawn: bool,
    /// The method runs on a thread of its own.
    pub blocking: bool,
    /// The method runs in a task of its own, which goes on when the connection ends.
    pub detached: bool,
    /// A request to the method starts only when all earlier requests and notifications of its connection have ended,
    /// including requests to ordered methods. Later requests do not wait for the ordered request, unless they are
    /// ordered as well.
    ///
    /// The ordered request does not wait for an earlier handler that waits for a call of its own. The call may depend
    /// on the ordered request, and then neither would ever end. While such a handler waits, the ordered request does
    /// not wait for notifications that queue behind the handler either. A call counts if the handler makes it, or a
    /// task under [`Context::scope`](crate::Context::scope). A handler that waits in any other way for the ordered
    /// request blocks it until one of the two runs out of time. A cancelled call counts as ended, though work that it
    /// runs in another task or thread may need a moment more.
    pub ordered: bool,
    /// The method stops when its caller loses its link, although the caller's session goes on. The caller hears -32014,
    /// or -32009 if the method had not begun, when it is back. Other methods run on while the caller is away, up to
    /// their deadlines and at most until the session ends; [`away_handlers`](crate::Limits::away_handlers) bounds how
    /// many. Calls under an [idempotency key](crate::Call::idempotency_key) go on in any case.
    pub stop_while_away: bool,
    /// A request may have parameters with unknown names. They are ignored, as in a notification. More positional
    /// values than parameters stay an error.
    pub allow_unknown: bool,
    /// A stub sends the params as an object, by name. Without this flag it sends an array. A service accepts both.
    pub by_name: bool,
    /// An end that offers the service may lack the method. Its stub returns an `Option`, which is `None` if the other
    /// end answers -32601.
    pub optional: bool,
    /// The method may change or go. It is served only to a peer that asks for unstable methods
    /// ([`EndpointConfig::unstable`](crate::transport::EndpointConfig::unstable)). For any other peer there is no such
    /// method: a request is answered -32601, and neither `rpc.discover` nor `rpc.model` has the method.
    pub unstable: bool,
    /// A stub sends empty params if there is nothing to send: `[]`, or `{}` by name.
    pub empty_params: bool,
}

impl MethodFlags {
    /// Creates flags that are all off.
    pub const fn new() -> Self {
        Self {
            idempotent: false,
            spawn: false,
            blocking: false,
            detached: false,
            ordered: false,
            stop_while_away: false,
            allow_unknown: false,
            by_name: false,
            optional: false,
            unstable: false,
            empty_params: false,
        }
    }

    /// Turns `idempotent` on.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Turns `spawn` on.
    #[must_use]
    pub const fn spawn(mut self) -> Self {
        self.spawn = true;
        self
    }

    /// Turns `blocking` on.
    #[must_use]
    pub const fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// Turns `detached` on.
    #[must_use]
    pub const fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// Turns `ordered` on.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Turns `stop_while_away` on.
    #[must_use]
    pub const fn stop_while_away(mut self) -> Self {
        self.stop_while_away = true;
        self
    }

    /// Turns `allow_unknown` on.
    #[must_use]
    pub const fn allow_unknown(mut self) -> Self {
        self.allow_unknown = true;
        self
    }

    /// Turns `by_name` on.
    #[must_use]
    pub const fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }

    /// Turns `optional` on.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Turns `unstable` on.
    #[must_use]
    pub const fn unstable(mut self) -> Self {
        self.unstable = true;
        self
    }

    /// Turns `empty_params` on.
    #[must_use]
    pub const fn empty_params(mut self) -> Self {
        self.empty_params = true;
        self
    }
}
