//! Name clashes between methods.

use super::kind::Kind;
use super::method::Method;
use super::name::WireName;
use crate::errors::Errors;

/// Checks that no name on the wire belongs to two methods.
pub(super) fn check_wire_names(methods: &[Method], errors: &mut Errors) {
    let names: Vec<Name<'_>> = methods.iter().flat_map(names_of).collect();
    for (index, name) in names.iter().enumerate() {
        if let Some(earlier) = names[..index].iter().find(|earlier| clash(name, earlier)) {
            let (text, method) = (&name.wire.text, &earlier.method.ident);
            let message = if earlier.ends {
                format!("`{text}` already ends the subscription `{method}`")
            } else if name.method.selector().is_some() != earlier.method.selector().is_some()
                && name.method.is_subscription()
                && earlier.method.is_subscription()
            {
                format!(
                    "`{text}` is already a name of the method `{method}`: give each of both a \
                     `selector`, or this another name"
                )
            } else {
                format!("`{text}` is already a name of the method `{method}`")
            };
            name.wire.refuse(message, errors);
        }
    }
}

struct Name<'a> {
    method: &'a Method,
    wire: &'a WireName,
    /// Whether the name is that of the method that ends the subscription.
    ends: bool,
}

impl Name<'_> {
    /// Returns whether the first param also selects the method.
    fn is_selected(&self) -> bool {
        !self.ends && self.method.selector().is_some()
    }
}

fn names_of(method: &Method) -> impl Iterator<Item = Name<'_>> {
    let own = method.names().map(move |wire| Name { method, wire, ends: false });
    own.chain(method.unsubscribe().map(move |wire| Name { method, wire, ends: true }))
}

/// Returns whether two names clash. Subscriptions may share the name of the method that ends them, because the id
/// identifies the subscription. Subscriptions with selectors may share their own name.
fn clash(name: &Name<'_>, earlier: &Name<'_>) -> bool {
    let is_of_one = std::ptr::eq(name.method, earlier.method);
    let may_share = (name.ends && earlier.ends)
        || (name.is_selected() && earlier.is_selected() && !is_of_one)
        || exclude_each_other(name.method, earlier.method);
    name.wire.text == earlier.wire.text && !may_share
}

/// Removes methods that clash in the stub: a notification `say` adds a `try_say` to the stub, so no other method can
/// have that name.
pub(super) fn remove_from_stub(methods: &mut Vec<Method>, errors: &mut Errors) {
    let made: Vec<_> = methods
        .iter()
        .filter(|method| matches!(method.kind, Kind::Notification))
        .map(|method| (method.try_ident(), method.ident.clone()))
        .collect();
    methods.retain(|method| {
        let Some((_, say)) = made.iter().find(|(try_say, _)| *try_say == method.ident) else {
            return true;
        };
        let try_say = &method.ident;
        let message =
            format!("rename this: the stub has a `{try_say}` for the notification `{say}`");
        errors.at(try_say, message);
        false
    });
}

/// Returns whether two methods may be two versions of one method under different `cfg`s. A macro cannot evaluate a
/// `cfg`.
pub(super) fn exclude_each_other(method: &Method, other: &Method) -> bool {
    !std::ptr::eq(method, other) && !method.cfg.is_empty() && !other.cfg.is_empty()
}
