//! What is known of a service, its methods and their parameters without a call.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::rpc_error::ErrorInfo;

mod param;
mod service;

pub(crate) use param::Absent;
pub use param::ParamInfo;
pub use service::ServiceInfo;

/// The name of the member that holds the id of the stream, unless both ends have agreed on another.
pub(crate) const SUBSCRIPTION: &str = "subscription";

/// What is known of a method without calling it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MethodInfo {
    /// Its name on the wire.
    pub name: Cow<'static, str>,
    /// The method's own name on the wire, if `name` is an alias of it. A table has a row for each alias; what the
    /// row tells beside its name is the same as in the row of the own name.
    pub alias_of: Option<Cow<'static, str>>,
    /// The name of the method in its Rust trait, without an `r#`. Empty if the method has no trait, and in the row of a name
    /// that [several methods share](Self::selected).
    pub ident: &'static str,
    /// How it is meant to be called.
    pub kind: MethodKind,
    /// Its parameters on the wire, in order; empty as well if they are not known.
    pub params: &'static [ParamInfo],
    /// The type that it returns, as its trait has it written: `Result<Vec<String>, ChatError>`. Empty if the type is not
    /// known.
    pub returns: &'static str,
    /// The type of the values by which the method reports its progress, as its trait has it written: the `u64` of a
    /// `Progress<u64>`. Empty if the method reports none, or if the type is not known.
    pub progress: &'static str,
    /// How long a stub waits for the answer, unless its caller says otherwise. `None` if the trait does not say: then the stub waits for
    /// `call_deadline` of the [`Limits`](crate::Limits).
    pub timeout: Option<Duration>,
    /// What else was declared of it.
    pub flags: MethodFlags,
    /// The errors it can answer with.
    pub errors: &'static [ErrorInfo],
    /// Its documentation.
    pub docs: &'static str,
    /// If the first parameter picks one of several: what picks each, and what is known of that one, its
    /// parameters behind the first. Then no parameters, errors or documentation are told beside these.
    pub selected: Cow<'static, [(&'static str, MethodInfo)]>,
}

impl MethodInfo {
    /// A method without parameters, errors or documentation; the other setters add them.
    pub const fn new(name: &'static str, kind: MethodKind) -> Self {
        Self::of_names(name, None, kind)
    }

    /// As [`new`](Self::new), of another name of the method `alias_of`.
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
            selected: Cow::Borrowed(&[]),
        }
    }

    /// As [`new`](Self::new), of a name that was made at run time.
    pub(crate) fn named(name: Cow<'static, str>, kind: MethodKind) -> Self {
        Self { name, ..Self::new("", kind) }
    }

    /// The same method with these parameters.
    #[must_use]
    pub const fn with_params(mut self, params: &'static [ParamInfo]) -> Self {
        self.params = params;
        self
    }

    /// The same method, which returns a value of the type that is written like this.
    #[must_use]
    pub const fn with_returns(mut self, returns: &'static str) -> Self {
        self.returns = returns;
        self
    }

    /// Returns the same method, whose name in its Rust trait is this.
    #[must_use]
    pub const fn with_ident(mut self, ident: &'static str) -> Self {
        self.ident = ident;
        self
    }

    /// Returns the same method, which reports its progress by values of the type that is written like this.
    #[must_use]
    pub const fn with_progress(mut self, progress: &'static str) -> Self {
        self.progress = progress;
        self
    }

    /// Returns the same method, whose stub waits this long.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same method with these flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: MethodFlags) -> Self {
        self.flags = flags;
        self
    }

    /// The same method with these errors.
    #[must_use]
    pub const fn with_errors(mut self, errors: &'static [ErrorInfo]) -> Self {
        self.errors = errors;
        self
    }

    /// The same method with this documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The same method, of which the first parameter picks one of these.
    #[must_use]
    pub const fn with_selected(mut self, selected: &'static [(&'static str, MethodInfo)]) -> Self {
        // What was there is borrowed too, or nothing; a constant cannot drop it, as it may be owned by its type.
        std::mem::forget(std::mem::replace(&mut self.selected, Cow::Borrowed(selected)));
        self
    }
}

/// How a method is meant to be called. Either way works: a request to a notification method is
/// answered `null` when the handler ended, a notification to a request method drops the result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MethodKind {
    /// The caller waits for an answer.
    Request,
    /// Nobody waits.
    Notification,
    /// The caller waits for a stream of items.
    #[non_exhaustive]
    Subscription {
        /// The name of the notifications that carry the items.
        item: Cow<'static, str>,
        /// The method that ends the stream.
        unsubscribe: Cow<'static, str>,
        /// The kind of the ids of its streams.
        ids: SubscriptionIds,
        /// The name of the member of an item's params that holds the id of the stream.
        id_member: Cow<'static, str>,
    },
    /// It serves requests and notifications of names that nobody offers: see
    /// [`Router::fallback`](crate::Router::fallback). Its own name is not called.
    Fallback,
    /// It serves notifications of names that nobody offers: see
    /// [`Router::notification_fallback`](crate::Router::notification_fallback). Its own name is not called.
    NotificationFallback,
}

/// What statistics, metrics and tables of methods call the one that serves all other names: those are the other
/// end's choice, and there is no end of them.
pub(crate) const FALLBACK: &str = "*";

impl MethodKind {
    /// The kind of the subscription that is made by the method `name`.
    pub fn subscription(
        name: impl Into<Cow<'static, str>>,
        info: impl Into<SubscriptionInfo>,
    ) -> Self {
        let SubscriptionInfo { item, unsubscribe, ids, id_member } = info.into();
        let item = item.unwrap_or_else(|| name.into());
        Self::Subscription { item, unsubscribe, ids, id_member }
    }

    /// The same of names that are known when the program is compiled.
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

/// The kind of ids that an end gives to the streams that it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
// Not `String`: where another thing is called so, rustc writes `std::string::String` in all errors.
pub enum SubscriptionIds {
    /// Strings of 32 random hexadecimal digits.
    #[default]
    Strings,
    /// Random integers from 1 to 99,999,999,999,999: below 10<sup>14</sup>, so that JavaScript and Lua read them to
    /// the last digit. No two open streams of a connection have the same one.
    Numbers,
}

/// How a subscription looks on the wire, beside the name of the method that makes it: for
/// [`Router::subscription`](crate::Router::subscription), to which the name of the method that ends it
/// is enough where the rest is as usual.
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
    /// A subscription that ends by a call of the method `unsubscribe` with its id. Its items have the
    /// name of the method that makes it, its ids are strings, and items hold them as `subscription`.
    pub fn ended_by(unsubscribe: impl Into<Cow<'static, str>>) -> Self {
        let (unsubscribe, ids) = (unsubscribe.into(), SubscriptionIds::Strings);
        Self { item: None, unsubscribe, ids, id_member: SUBSCRIPTION.into() }
    }

    /// The same with notifications of this name, a whole one, to carry the items.
    #[must_use]
    pub fn item(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.item = Some(name.into());
        self
    }

    /// The same with [numbers](SubscriptionIds::Numbers) as ids.
    #[must_use]
    pub fn number_ids(mut self) -> Self {
        self.ids = SubscriptionIds::Numbers;
        self
    }

    /// The same with this member of an item's params, in place of `subscription`, to hold the id. The
    /// method that ends the stream takes the id by this name too.
    #[must_use]
    pub fn id_member(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.id_member = name.into();
        self
    }
}

/// What is [ended by](SubscriptionInfo::ended_by) the method of this name.
impl<T: Into<Cow<'static, str>>> From<T> for SubscriptionInfo {
    fn from(unsubscribe: T) -> Self {
        Self::ended_by(unsubscribe)
    }
}

/// What a method declares beside its signature; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MethodFlags {
    /// Running it twice does what running it once does, so that a call whose fate is unknown may
    /// be sent again. A statement for whoever reads the table: nothing is sent again by itself. A call
    /// of any other method may be sent again under an [idempotency key](crate::Call::idempotency_key).
    pub idempotent: bool,
    /// It runs in a task of its own.
    pub spawn: bool,
    /// It runs on a thread of its own.
    pub blocking: bool,
    /// It runs in a task of its own, which goes on when the connection ends.
    pub detached: bool,
    /// A request to it starts only when all requests and notifications that came before it on its
    /// connection have ended, those to ordered methods too. What comes after it does not wait for it,
    /// unless it is ordered as well.
    ///
    /// An earlier handler that waits for a call of its own is not waited for: that call may be what the
    /// ordered request serves, and neither would ever end. While it waits, nor is a notification that
    /// stands behind it. A call counts as such if the handler makes it, or a task under
    /// [`Context::scope`](crate::Context::scope); a handler that waits for anything else that depends on the ordered request
    /// holds it up until one of both runs out of time. A call that was cancelled has ended, though what
    /// it runs elsewhere may need a moment more.
    pub ordered: bool,
    /// A request may have parameters with names that are unknown: those are ignored, as in a notification. More values
    /// than there are parameters stay an error.
    pub allow_unknown: bool,
    /// A stub sends the params as an object, by their names; otherwise as an array. A service takes both.
    pub by_name: bool,
    /// A stub sends params where there is nothing to send: `[]`, or `{}` if they go by name.
    pub empty_params: bool,
}

impl MethodFlags {
    /// No flags.
    pub const fn new() -> Self {
        Self {
            idempotent: false,
            spawn: false,
            blocking: false,
            detached: false,
            ordered: false,
            allow_unknown: false,
            by_name: false,
            empty_params: false,
        }
    }

    /// The same flags, `idempotent` as well.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The same flags, `spawn` as well.
    #[must_use]
    pub const fn spawn(mut self) -> Self {
        self.spawn = true;
        self
    }

    /// The same flags, `blocking` as well.
    #[must_use]
    pub const fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// The same flags, `detached` as well.
    #[must_use]
    pub const fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// The same flags, `ordered` as well.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// The same flags, `allow_unknown` as well.
    #[must_use]
    pub const fn allow_unknown(mut self) -> Self {
        self.allow_unknown = true;
        self
    }

    /// Returns the same flags, `by_name` as well.
    #[must_use]
    pub const fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }

    /// Returns the same flags, `empty_params` as well.
    #[must_use]
    pub const fn empty_params(mut self) -> Self {
        self.empty_params = true;
        self
    }
}
