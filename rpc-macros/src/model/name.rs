//! Names on the wire, with the tokens at which errors about them are reported.

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
    /// Whether the name begins with the prefix of the trait. Another namespace replaces that prefix.
    pub(crate) is_prefixed: bool,
    /// The tokens that the name is made from.
    written: TokenStream,
}

impl WireName {
    /// Creates a name from a literal.
    pub(super) fn literal(name: &LitStr) -> Self {
        Self { text: name.value(), is_prefixed: false, written: name.to_token_stream() }
    }

    /// Creates a name from a Rust identifier, in the style of `rename_all`.
    pub(super) fn of_ident(ident: &Ident, case: Option<Case>) -> Self {
        let name = ident.unraw().to_string();
        let text = case.map(|case| case.apply(&name)).unwrap_or(name);
        Self { text, is_prefixed: false, written: ident.to_token_stream() }
    }

    /// Adds an error at the tokens of the name.
    pub(super) fn refuse(&self, message: impl Display, errors: &mut Errors) {
        errors.at(&self.written, message);
    }

    /// Checks that the name is neither empty nor reserved.
    pub(super) fn check_method(&self, errors: &mut Errors) {
        if self.text.is_empty() {
            self.refuse("a name on the wire is not empty", errors);
        } else if reserved::is_reserved(&self.text) {
            self.refuse(reserved(&self.text), errors);
        }
    }
}

/// The rules for the names of methods and parameters.
pub(super) struct Naming {
    /// The namespace and the separator.
    pub(super) prefix: String,
    /// The text between a namespace and the rest of the name.
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

    /// Returns the name of a method. `name` replaces the part that is made from the identifier.
    pub(super) fn method(&self, ident: &Ident, name: Option<&LitStr>) -> WireName {
        self.whole(self.own(ident, name))
    }

    /// Returns the default name of the method that ends this subscription.
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

/// Returns the prefix of all names of the service. An error in the prefix is reported once, not at each method.
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
        reserved::prefix_reason()
    } else {
        reserved::names_reason()
    };
    format!("`{name}` is reserved: {why}")
}
