//! The kind of a method, from its attribute and its return type.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{LitStr, ReturnType, Signature, TraitItemFn};

use super::attributes::hidden;
use super::name::{Naming, WireName};
use super::types::{self, Stream};
use crate::errors::Errors;
use crate::parse::{self, Ids, MethodArgs};

/// The kind of a method.
pub(crate) enum Kind {
    Request { idempotent: bool },
    Notification,
    Subscription(Subscription),
}

/// The properties of a method that returns a stream.
pub(crate) struct Subscription {
    /// The types of the items and of the stream's error.
    pub(crate) stream: Stream,
    /// The name of the notifications that carry the items.
    pub(crate) item: WireName,
    /// The name of the method that ends the subscription.
    pub(crate) unsubscribe: WireName,
    /// The type of the ids, if the trait sets it.
    pub(crate) ids: Option<Ids>,
    /// The member of the items that holds the id, if the trait sets it.
    pub(crate) id_member: Option<LitStr>,
    /// The first param on the wire, which selects the method among subscriptions with the same name.
    pub(crate) selector: Option<LitStr>,
}

/// The place where a method runs.
#[derive(Clone, Copy, PartialEq, Default)]
pub(crate) enum Run {
    /// In the task of the connection.
    #[default]
    Inline,
    /// In a task of its own.
    Spawned,
    /// On a thread that may block.
    Blocking,
    /// In a task of its own, which may outlive the connection.
    Detached,
}

/// The attributes of this macro that set the kind of a method.
pub(crate) const ATTRIBUTES: [&str; 3] = ["method", "notification", "subscription"];

impl Kind {
    /// Returns the kind, from the attributes and the return type of a method.
    pub(super) fn of(
        item: &TraitItemFn,
        naming: &Naming,
        errors: &mut Errors,
    ) -> (Self, MethodArgs) {
        let (attrs, sig) = (&item.attrs, &item.sig);
        check_attributes(item, errors);
        if let Some(stream) = returned_stream(sig) {
            let mut args = MethodArgs::subscription(attrs, errors);
            let subscription = Subscription::new(stream, sig, &mut args, naming, errors);
            return (Self::Subscription(subscription), args);
        }
        if parse::find(attrs, "notification").is_some() {
            if let ReturnType::Type(..) = &sig.output {
                let message = "nobody waits for what a notification returns: remove the type";
                errors.at(&sig.output, message);
            }
            return (Self::Notification, MethodArgs::notification(attrs, errors));
        }
        let args = MethodArgs::request(attrs, errors);
        (Self::Request { idempotent: args.idempotent }, args)
    }
}

impl Kind {
    /// Returns the selector, which selects the method among subscriptions with the same name.
    pub(super) fn selector(&self) -> Option<&LitStr> {
        match self {
            Self::Subscription(subscription) => subscription.selector.as_ref(),
            Self::Request { .. } | Self::Notification => None,
        }
    }
}

impl Subscription {
    /// Returns whether the ids are numbers.
    pub(crate) fn has_numbers(&self) -> bool {
        self.ids.as_ref().is_some_and(|ids| ids.are_numbers)
    }

    fn new(
        stream: Stream,
        sig: &Signature,
        args: &mut MethodArgs,
        naming: &Naming,
        errors: &mut Errors,
    ) -> Self {
        let (ids, id_member) = (args.ids.take(), args.id_member.take());
        let selector = args.selector.take();
        let MethodArgs { name, item, unsubscribe, .. } = args;
        let subscription = Self {
            stream,
            item: match item {
                Some(item) => WireName::literal(item),
                None => naming.method(&sig.ident, name.as_ref()),
            },
            unsubscribe: match unsubscribe {
                Some(unsubscribe) => WireName::literal(unsubscribe),
                None => naming.unsubscribe(&sig.ident, name.as_ref()),
            },
            ids,
            id_member,
            selector,
        };
        // Names that are derived from the method's own name were checked with that name.
        if item.is_some() {
            subscription.item.check_method(errors);
        }
        if unsubscribe.is_some() {
            subscription.unsubscribe.check_method(errors);
        }
        if let Some(name) = &subscription.id_member {
            check_id_member(name, errors);
        }
        if let Some(selector) = subscription.selector.as_ref().filter(|it| it.value().is_empty()) {
            errors.at(selector, "a selector is not empty");
        }
        subscription
    }
}

/// Checks that no other member of an item has this name, and that the name needs no escapes in JSON.
fn check_id_member(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let is_plain = |char: char| !matches!(char, '"' | '\\' | '\0'..='\x1f');
    if text.is_empty() {
        errors.at(name, "a name on the wire is not empty");
    } else if ["result", "error", "done", "seq", "ack"].contains(&&*text) {
        errors.at(name, format!("items have another member `{text}`: give the id another name"));
    } else if !text.chars().all(is_plain) {
        errors.at(name, "write a name without quotes, backslashes and control characters");
    }
}

/// Checks that there is at most one attribute, and that it fits the return type.
fn check_attributes(item: &TraitItemFn, errors: &mut Errors) {
    for attr in &item.attrs {
        if let Some(name) = hidden(attr) {
            let message = format!(
                "`#[service]` cannot tell whether this holds: write `#[{name}]` without it, or two \
                 methods under `#[cfg(…)]`"
            );
            errors.at(attr, message);
        }
    }
    let [method, notification, subscription] =
        ATTRIBUTES.map(|name| parse::find(&item.attrs, name));
    if let Some(notification) = notification.filter(|_| method.is_some()) {
        let message = "a method waits or does not: remove `#[method]` or `#[notification]`";
        errors.at(notification, message);
    }
    let other = method.map(|attr| (attr, "method"));
    let other = other.or(notification.map(|attr| (attr, "notification")));
    match (returned_stream(&item.sig), subscription, other) {
        (None, Some(_), _) => {
            errors.at(written_output(&item.sig), "a subscription returns `Streaming<T>`");
        }
        (Some(_), Some(_), Some((other, name))) => {
            errors.at(other, format!("this is a subscription: remove `#[{name}]`"));
        }
        (Some(_), None, Some((other, _))) => {
            let message = "what returns a `Streaming` is a subscription: write `#[subscription]`";
            errors.at(other, message);
        }
        _ => {}
    }
}

/// Returns the stream of the return type. A method is a subscription only if it returns a stream.
fn returned_stream(sig: &Signature) -> Option<Stream> {
    match &sig.output {
        ReturnType::Type(_, ty) => types::returned_stream(ty),
        ReturnType::Default => None,
    }
}

/// Returns the tokens of the return type, or the place where the return type is missing.
fn written_output(sig: &Signature) -> TokenStream {
    match &sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => sig.ident.to_token_stream(),
    }
}
