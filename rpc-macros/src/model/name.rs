//! Names on the wire, with the place where an error about them belongs.

use std::fmt::Display;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::LitStr;
use syn::ext::IdentExt;

use super::Case;
use crate::errors::Errors;
use crate::parse::ServiceArgs;
use crate::reserved;

/// The name of a method or a parameter on the wire.
pub(crate) struct WireName {
    pub(crate) text: String,
    /// Whether it begins with the prefix of the trait, which another namespace replaces.
    pub(crate) is_prefixed: bool,
    /// The tokens that it comes from.
    written: TokenStream,
}

impl WireName {
    /// A name as it is written.
    pub(super) fn literal(name: &LitStr) -> Self {
        Self { text: name.value(), is_prefixed: false, written: name.to_token_stream() }
    }

    /// The name of a Rust identifier, spelled in the style that was asked for.
    pub(super) fn of_ident(ident: &Ident, case: Option<Case>) -> Self {
        let name = ident.unraw().to_string();
        let text = case.map(|case| case.apply(&name)).unwrap_or(name);
        Self { text, is_prefixed: false, written: ident.to_token_stream() }
    }

    /// Adds an error where the name is written.
    pub(super) fn refuse(&self, message: impl Display, errors: &mut Errors) {
        errors.at(&self.written, message);
    }

    /// An empty name cannot be called, a reserved one is not ours to give.
    pub(super) fn check_method(&self, errors: &mut Errors) {
        if self.text.is_empty() {
            self.refuse("a name on the wire is not empty", errors);
        } else if reserved::is_reserved(&self.text) {
            self.refuse(reserved(&self.text), errors);
        }
    }
}

/// How the names of methods and parameters are made.
pub(super) struct Naming {
    /// Namespace and separator.
    pub(super) prefix: String,
    /// What stands after a namespace.
    pub(super) separator: String,
    methods: Option<Case>,
    params: Option<Case>,
}

impl Naming {
    pub(super) fn new(args: &ServiceArgs, errors: &mut Errors) -> Self {
        let ServiceArgs { rename_all: methods, rename_all_params: params, .. } = *args;
        let separator = args.separator.as_ref().map_or_else(|| ".".to_owned(), LitStr::value);
        Self { prefix: prefix(args, &separator, errors), separator, methods, params }
    }

    /// The name of a method; `name` replaces its own part of it.
    pub(super) fn method(&self, ident: &Ident, name: Option<&LitStr>) -> WireName {
        self.whole(self.own(ident, name))
    }

    /// The name of what ends the subscription that has this name, unless the trait says another.
    pub(super) fn unsubscribe(&self, ident: &Ident, name: Option<&LitStr>) -> WireName {
        let mut own = self.own(ident, name);
        own.text = self.methods.unwrap_or(Case::Snake).put_before("unsubscribe", &own.text);
        self.whole(own)
    }

    fn own(&self, ident: &Ident, name: Option<&LitStr>) -> WireName {
        match name {
            Some(name) => WireName::literal(name),
            None => WireName::of_ident(ident, self.methods),
        }
    }

    fn whole(&self, mut own: WireName) -> WireName {
        if !own.text.is_empty() {
            own.text.insert_str(0, &self.prefix);
        }
        own.is_prefixed = true;
        own
    }

    pub(super) fn param(&self, ident: &Ident, rename: Option<&LitStr>) -> WireName {
        match rename {
            Some(name) => WireName::literal(name),
            None => WireName::of_ident(ident, self.params),
        }
    }
}

/// What all names of the service start with. A mistake in it is told once, not at each method.
fn prefix(args: &ServiceArgs, separator: &str, errors: &mut Errors) -> String {
    let Some(namespace) = &args.namespace else {
        if let Some(separator) = &args.separator {
            errors
                .at(separator, "`separator` stands after a `namespace`: give one, or leave it out");
        }
        return String::new();
    };
    let prefix = namespace.value() + separator;
    if namespace.value().is_empty() {
        errors.at(namespace, "a namespace is not empty: leave `namespace` out for bare names");
        return String::new();
    }
    if prefix.starts_with(reserved::PREFIX) {
        errors.at(namespace, reserved(&prefix));
        return String::new();
    }
    prefix
}

fn reserved(name: &str) -> String {
    let why = if name.starts_with(reserved::PREFIX) {
        reserved::prefix_told()
    } else {
        reserved::names_told()
    };
    format!("`{name}` is reserved: {why}")
}
