//! Attribute arguments as small structs that keep their tokens, so that an error finds its place.

mod given;
mod options;

use proc_macro2::TokenStream;
use syn::{Attribute, DeriveInput, Expr, LitStr, Path, Variant};

use crate::errors::Errors;
use crate::model::Case;
use options::Options;

/// `#[service(…)]`.
pub(crate) struct ServiceArgs {
    pub(crate) namespace: Option<LitStr>,
    pub(crate) separator: Option<LitStr>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) rename_all_params: Option<Case>,
    /// Where generated code finds `rpc_core`.
    pub(crate) krate: Path,
}

impl ServiceArgs {
    pub(crate) fn new(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::of_tokens("service", tokens, errors);
        let args = Self {
            namespace: options.string("namespace"),
            separator: options.string("separator"),
            rename_all: options.case("rename_all"),
            rename_all_params: options.case("rename_all_params"),
            krate: options.krate(),
        };
        options.finish(&["by_name", "dyn"]);
        args
    }
}

/// `#[method(…)]` and `#[notification(…)]`: what both may hold.
pub(crate) struct MethodArgs {
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    /// Of requests only.
    pub(crate) idempotent: bool,
}

impl MethodArgs {
    pub(crate) fn request(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("method", attrs, errors);
        let args = Self {
            name: options.string("name"),
            aliases: options.strings("aliases"),
            idempotent: options.flag("idempotent"),
        };
        options.finish(&["by_name", "spawn", "blocking", "ordered", "detached", "timeout"]);
        args
    }

    pub(crate) fn notification(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("notification", attrs, errors);
        let args = Self {
            name: options.string("name"),
            aliases: options.strings("aliases"),
            idempotent: false,
        };
        options.misplaced("idempotent", "a notification is never sent again: remove `idempotent`");
        options.finish(&["by_name", "spawn", "blocking", "ordered"]);
        args
    }
}

/// `#[param(…)]`.
pub(crate) struct ParamArgs {
    pub(crate) rename: Option<LitStr>,
    pub(crate) default: bool,
}

impl ParamArgs {
    pub(crate) fn new(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("param", attrs, errors);
        let args = Self { rename: options.string("rename"), default: options.flag("default") };
        options.finish(&[]);
        args
    }
}

/// The code of an error, and where it stands.
pub(crate) struct Code {
    pub(crate) value: i64,
    pub(crate) written: Expr,
}

/// `#[rpc(…)]` on an enum: where generated code finds `rpc_core`.
pub(crate) fn error_enum(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let mut options = Options::of_attributes("rpc", attrs, errors);
    let krate = options.krate();
    options.misplaced("code", "each variant has a code of its own: write it there");
    options.finish(&[]);
    krate
}

/// `#[rpc(…)]` on a variant.
pub(crate) fn error_variant(variant: &Variant, errors: &mut Errors) -> Option<Code> {
    let mut options = Options::of_attributes("rpc", &variant.attrs, errors);
    let code = options.code(&variant.ident);
    options.finish(&[]);
    code
}

/// `#[rpc(…)]` on a struct, which is both.
pub(crate) fn error_struct(item: &DeriveInput, errors: &mut Errors) -> (Path, Option<Code>) {
    let mut options = Options::of_attributes("rpc", &item.attrs, errors);
    let args = (options.krate(), options.code(&item.ident));
    options.finish(&[]);
    args
}

/// Whether `attr` has one of these names.
pub(crate) fn is_one_of(attr: &Attribute, names: &[&str]) -> bool {
    names.iter().any(|name| attr.path().is_ident(name))
}

/// The first attribute that is `#[name]` or `#[name(…)]`.
pub(crate) fn find<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attrs.iter().find(|attr| attr.path().is_ident(name))
}
