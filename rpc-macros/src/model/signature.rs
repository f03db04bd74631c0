//! The check of a signature apart from its parameters and its return type.

use syn::{Error, FnArg, Receiver, ReceiverKind, Safety, Signature};

use crate::errors::Errors;
use crate::parse;

/// Checks that a method is `fn name(&self)` or `async fn name(&self)`.
pub(super) fn check(sig: &Signature, errors: &mut Errors) {
    if !sig.generics.params.is_empty() {
        let message = "the other end must know all types: a service method has no generics";
        errors.at(&sig.generics, message);
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, "a service method has no `where` clause");
    }
    if let Some(token) = &sig.constness {
        errors.at(token, "a service method is not `const`: remove it");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.at(token, "whoever is connected can call this: a service method is not `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "a service method is not `extern`: remove it");
    }
    if sig.ident == "new" {
        let message = "the stub is made with `new`: rename the method, the wire may keep the name: \
                       `#[method(name = \"new\")]`";
        errors.at(&sig.ident, message);
    }
    if sig.ident == "namespace" {
        let message = "the stub has a `namespace`: rename the method, the wire may keep the name: \
                       `#[method(name = \"namespace\")]`";
        errors.at(&sig.ident, message);
    }
    if let Some(name) = ["INFO", "METHODS"].iter().find(|name| sig.ident == name) {
        let message = format!(
            "the stub has a constant `{name}`: rename the method, the wire may keep the name: \
             `#[method(name = \"{name}\")]`"
        );
        errors.at(&sig.ident, message);
    }
    check_receiver(sig, errors);
}

fn check_receiver(sig: &Signature, errors: &mut Errors) {
    const MESSAGE: &str = "write `&self`: a service method takes `&self`";
    match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match parse::find(&receiver.attrs, "doc") {
            Some(docs) => errors.at(docs, "`&self` is no parameter: write this above the method"),
            None if !is_ref_self(receiver) => errors.at(receiver, MESSAGE),
            None => {}
        },
        _ => errors.push(Error::new(sig.paren_token.span.open(), MESSAGE)),
    }
}

fn is_ref_self(receiver: &Receiver) -> bool {
    receiver.attrs.is_empty() && matches!(receiver.kind, ReceiverKind::Reference(_, None, None))
}
