//! How a method is called: what its attribute says, and what its result.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ReturnType, Signature, TraitItemFn};

use super::attributes::hidden;
use super::name::{Naming, WireName};
use super::types::{self, Stream};
use crate::errors::Errors;
use crate::parse::{self, MethodArgs};

/// How a method is called.
pub(crate) enum Kind {
    Request { idempotent: bool },
    Notification,
    Subscription(Subscription),
}

/// What else a method that returns a stream is about.
pub(crate) struct Subscription {
    /// The types of its items, and of the error that it ends with.
    pub(crate) stream: Stream,
    /// The name of the notifications that carry them.
    pub(crate) item: WireName,
    /// The name of the method that ends it.
    pub(crate) unsubscribe: WireName,
}

/// How a method is run.
#[derive(Clone, Copy, PartialEq, Default)]
pub(crate) enum Run {
    /// In the task of its connection.
    #[default]
    Inline,
    /// In a task of its own.
    Spawned,
    /// On a thread where it may block.
    Blocking,
    /// In a task of its own, which outlives its connection.
    Detached,
}

/// The attributes of ours that say how a method is called.
pub(crate) const ATTRIBUTES: [&str; 3] = ["method", "notification", "subscription"];

impl Kind {
    /// What the attributes and the result of a method say.
    pub(super) fn of(
        item: &TraitItemFn,
        naming: &Naming,
        errors: &mut Errors,
    ) -> (Self, MethodArgs) {
        let (attrs, sig) = (&item.attrs, &item.sig);
        check_attributes(item, errors);
        if let Some(stream) = returned_stream(sig) {
            let args = MethodArgs::subscription(attrs, errors);
            return (
                Self::Subscription(Subscription::new(stream, sig, &args, naming, errors)),
                args,
            );
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

impl Subscription {
    fn new(
        stream: Stream,
        sig: &Signature,
        args: &MethodArgs,
        naming: &Naming,
        errors: &mut Errors,
    ) -> Self {
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
        };
        // What follows from the method's own name was checked there.
        if item.is_some() {
            subscription.item.check_method(errors);
        }
        if unsubscribe.is_some() {
            subscription.unsubscribe.check_method(errors);
        }
        subscription
    }
}

/// At most one attribute, and the one that fits the result.
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

/// The stream that is returned: nothing else makes a method a subscription.
fn returned_stream(sig: &Signature) -> Option<Stream> {
    match &sig.output {
        ReturnType::Type(_, ty) => types::returned_stream(ty),
        ReturnType::Default => None,
    }
}

/// The return type, or where it is missed.
fn written_output(sig: &Signature) -> TokenStream {
    match &sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => sig.ident.to_token_stream(),
    }
}
