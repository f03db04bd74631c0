//! Subscriptions that share a name. The first param on the wire selects one of them.

use quote::ToTokens;
use syn::LitStr;

use super::clashes::exclude_each_other;
use super::kind::{Kind, Subscription};
use super::method::Method;
use crate::errors::Errors;
use crate::parse::Ids;

/// Checks that subscriptions with the same name have different selectors, and the same properties of the name.
pub(super) fn check(methods: &[Method], errors: &mut Errors) {
    for (index, method) in methods.iter().enumerate() {
        let mut earlier = methods[..index].iter().filter(|earlier| share_a_name(method, earlier));
        let Some(first) = earlier.next() else { continue };
        for earlier in [first].into_iter().chain(earlier) {
            check_selector(method, earlier, errors);
        }
        // Compared with the first only: a comparison with each would report the same difference several times.
        check_same(method, first, errors);
    }
}

fn share_a_name(method: &Method, other: &Method) -> bool {
    let mut names = method.names();
    method.selector().is_some()
        && other.selector().is_some()
        && names.any(|name| other.names().any(|other| name.text == other.text))
}

fn check_selector(method: &Method, earlier: &Method, errors: &mut Errors) {
    let (Some(selector), Some(other)) = (method.selector(), earlier.selector()) else { return };
    if selector.value() == other.value() && !exclude_each_other(method, earlier) {
        let (text, earlier) = (selector.value(), &earlier.ident);
        errors.at(selector, format!("`{text}` already picks the method `{earlier}`"));
    }
}

/// Checks the properties that the connection looks up by name only: how items are sent, how the subscription ends, when
/// it starts, and for whom.
fn check_same(method: &Method, first: &Method, errors: &mut Errors) {
    let (Kind::Subscription(own), Kind::Subscription(other)) = (&method.kind, &first.kind) else {
        return;
    };
    let name = &method.name.text;
    let of_first =
        format!("as that of `{}`, with which this shares the name `{name}`", first.ident);
    if own.item.text != other.item.text {
        let message = format!("write `item = \"{}\"`, {of_first}", other.item.text);
        own.item.refuse(message, errors);
    }
    if own.unsubscribe.text != other.unsubscribe.text {
        let message = format!("write `unsubscribe = \"{}\"`, {of_first}", other.unsubscribe.text);
        own.unsubscribe.refuse(message, errors);
    }
    if own.has_numbers() != other.has_numbers() {
        let kind = if other.has_numbers() { "number" } else { "string" };
        let place = own.ids.as_ref().map(|Ids { written, .. }| written);
        errors.at(place_of(method, place), format!("write `id = \"{kind}\"`, {of_first}"));
    }
    if id_member(own) != id_member(other) {
        let message = format!("write `id_member = \"{}\"`, {of_first}", id_member(other));
        errors.at(place_of(method, own.id_member.as_ref()), message);
    }
    if method.ordered != first.ordered {
        let message = format!("make all that share the name `{name}` `ordered`, or none");
        errors.at(&method.ident, message);
    }
    if method.unstable != first.unstable {
        let message = format!("make all that share the name `{name}` `unstable`, or none");
        errors.at(&method.ident, message);
    }
}

fn id_member(subscription: &Subscription) -> String {
    subscription.id_member.as_ref().map_or_else(|| "subscription".to_owned(), LitStr::value)
}

/// Returns the tokens of an option, or the tokens of the selector if the option is not written.
fn place_of(method: &Method, option: Option<&LitStr>) -> proc_macro2::TokenStream {
    option.or(method.selector()).map(ToTokens::to_token_stream).unwrap_or_default()
}
