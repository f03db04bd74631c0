//! What two methods cannot both be called.

use super::method::{Kind, Method};
use super::name::WireName;
use crate::errors::Errors;

/// No name on the wire may mean two methods.
pub(super) fn check_wire_names(methods: &[Method], errors: &mut Errors) {
    let names: Vec<(&Method, &WireName)> =
        methods.iter().flat_map(|method| method.names().map(move |name| (method, name))).collect();
    for (index, (method, name)) in names.iter().enumerate() {
        let same = |(other, earlier): &&(&Method, &WireName)| {
            earlier.text == name.text && !exclude_each_other(method, other)
        };
        if let Some((other, _)) = names[..index].iter().find(same) {
            let (name_text, other) = (&name.text, &other.ident);
            name.refuse(format!("`{name_text}` is already a name of the method `{other}`"), errors);
        }
    }
}

/// A notification `say` gives the stub a `try_say` as well: another method of that name cannot be
/// in the stub.
pub(super) fn remove_from_stub(methods: &mut Vec<Method>, errors: &mut Errors) {
    let made: Vec<_> = methods
        .iter()
        .filter(|method| method.kind == Kind::Notification)
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

/// Two methods under a `cfg` may be two versions of one; which of them is there is not known here.
fn exclude_each_other(method: &Method, other: &Method) -> bool {
    !std::ptr::eq(method, other) && !method.cfg.is_empty() && !other.cfg.is_empty()
}
