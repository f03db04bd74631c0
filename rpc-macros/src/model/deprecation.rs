//! The arguments of `#[deprecated]` on a method.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, MetaNameValue, Token};

use crate::parse;

/// The arguments of `#[deprecated]`.
pub(crate) struct Deprecation {
    pub(crate) since: Option<String>,
    pub(crate) note: Option<String>,
}

impl Deprecation {
    /// Reads the attribute, if there is one. rustc reports a malformed one.
    pub(super) fn of(attrs: &[Attribute]) -> Option<Self> {
        let attr = parse::find(attrs, "deprecated")?;
        let (mut since, mut note) = (None, None);
        match &attr.meta {
            Meta::Path(_) => {}
            Meta::NameValue(MetaNameValue { value, .. }) => note = text(value),
            Meta::List(list) => {
                let parser = Punctuated::<MetaNameValue, Token![,]>::parse_terminated;
                for MetaNameValue { path, value, .. } in
                    list.parse_args_with(parser).into_iter().flatten()
                {
                    if path.is_ident("since") {
                        since = text(&value);
                    } else if path.is_ident("note") {
                        note = text(&value);
                    }
                }
            }
        }
        Some(Self { since, note })
    }
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
