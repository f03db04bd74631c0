//! The attributes of a trait and its methods that are copied to the generated items.
//!
//! Attributes behind `cfg_attr` are copied together with the `cfg_attr`, because a macro cannot evaluate its condition.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, MetaList, Result, Token, parse_quote};

use super::kind::ATTRIBUTES;

/// Returns the attributes with one of these names.
pub(super) fn named(attrs: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    carried(attrs, &|meta| is_one_of(meta, names).then(|| meta.clone()))
}

/// Returns `allow(…)` for each lint that the user allows or expects. The macro allows no other lints, because a
/// `forbid` would turn an `allow` into an error. An `expect` becomes an `allow`, because its lint fires in the user's
/// code only.
pub(crate) fn allowed(attrs: &[Attribute]) -> Vec<Attribute> {
    carried(attrs, &|meta| match meta {
        Meta::List(MetaList { tokens, .. }) if is_one_of(meta, &["allow", "expect"]) => {
            Some(parse_quote!(allow(#tokens)))
        }
        _ => None,
    })
}

/// Returns `allow(deprecated)` if the item is deprecated, because the generated code uses the item.
pub(super) fn excused(attrs: &[Attribute]) -> Vec<Attribute> {
    carried(attrs, &|meta| {
        is_one_of(meta, &["deprecated"]).then(|| parse_quote!(allow(deprecated)))
    })
}

/// Returns the name of an attribute of this macro behind this `cfg_attr`. The macro does not see such an attribute.
pub(crate) fn hidden(attr: &Attribute) -> Option<&'static str> {
    let hides = |name: &&str| {
        attr.path().is_ident("cfg_attr")
            && pick(&attr.meta, &|meta| is_one_of(meta, &[name]).then(|| meta.clone())).is_some()
    };
    ATTRIBUTES.into_iter().find(hides)
}

/// Returns the `#[cfg(…)]` of an item that exists if at least one of several items exists. Each element of `cfgs` is
/// the attributes of one item. Returns no `cfg` if one of the items has none.
pub(crate) fn one_of<'a>(cfgs: impl Iterator<Item = &'a [Attribute]>) -> TokenStream {
    let mut each = Vec::new();
    for cfg in cfgs {
        if cfg.is_empty() {
            return TokenStream::new();
        }
        each.push(all(cfg.iter().map(|attr| condition(&attr.meta))));
    }
    quote!(#[cfg(any(#(#each),*))])
}

/// Returns the condition of a `cfg(…)`, or of a `cfg_attr` that contains `cfg(…)`.
fn condition(meta: &Meta) -> TokenStream {
    let Meta::List(MetaList { tokens, .. }) = meta else { return quote!(all()) };
    if is_one_of(meta, &["cfg_attr"])
        && let Ok((condition, attrs)) = conditional.parse2(tokens.clone())
    {
        let all = all(attrs.iter().map(self::condition));
        return quote!(any(not(#condition), #all));
    }
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.pop_if(|last| matches!(last, TokenTree::Punct(comma) if comma.as_char() == ','));
    quote!(#(#tokens)*)
}

/// Returns `all(…)` of the conditions, or a single condition alone, because clippy rejects `all` of one condition.
fn all(conditions: impl Iterator<Item = TokenStream>) -> TokenStream {
    let conditions: Vec<_> = conditions.collect();
    match &*conditions {
        [single] => single.clone(),
        conditions => quote!(all(#(#conditions),*)),
    }
}

type Pick<'a> = &'a dyn Fn(&Meta) -> Option<Meta>;

fn carried(attrs: &[Attribute], pick_one: Pick<'_>) -> Vec<Attribute> {
    let picked = attrs.iter().filter_map(|attr| pick(&attr.meta, pick_one));
    picked.map(|meta| parse_quote!(#[#meta])).collect()
}

/// Applies `pick_one` to an attribute, or to each attribute behind a `cfg_attr`.
fn pick(meta: &Meta, pick_one: Pick<'_>) -> Option<Meta> {
    match meta {
        Meta::List(MetaList { tokens, .. }) if is_one_of(meta, &["cfg_attr"]) => {
            // rustc reports a malformed `cfg_attr`.
            let (condition, attrs) = conditional.parse2(tokens.clone()).ok()?;
            let picked: Vec<_> = attrs.iter().filter_map(|meta| pick(meta, pick_one)).collect();
            (!picked.is_empty()).then(|| parse_quote!(cfg_attr(#condition, #(#picked),*)))
        }
        meta => pick_one(meta),
    }
}

/// `condition, attribute, …`
fn conditional(input: ParseStream<'_>) -> Result<(TokenStream, Vec<Meta>)> {
    let mut condition = TokenStream::new();
    while !input.peek(Token![,]) {
        let token: TokenTree = input.parse()?;
        condition.extend(quote!(#token));
    }
    input.parse::<Token![,]>()?;
    let attrs = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
    Ok((condition, attrs.into_iter().collect()))
}

fn is_one_of(meta: &Meta, names: &[&str]) -> bool {
    names.iter().any(|name| meta.path().is_ident(name))
}
