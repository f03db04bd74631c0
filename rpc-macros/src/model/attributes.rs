//! Which attributes of a trait and its methods go along to what is made of them.
//!
//! Each is looked for behind `cfg_attr` too: whether that holds is not known here, and so it goes along
//! as a whole.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, MetaList, Result, Token, parse_quote};

use super::kind::ATTRIBUTES;

/// The attributes that have one of these names.
pub(super) fn named(attrs: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    carried(attrs, &|meta| is_one_of(meta, names).then(|| meta.clone()))
}

/// What the user allows, in these words. So we allow nothing ourselves, which a `forbid` would turn
/// into an error. What is expected was found where it was written, and need not be found again.
pub(crate) fn allowed(attrs: &[Attribute]) -> Vec<Attribute> {
    carried(attrs, &|meta| match meta {
        Meta::List(MetaList { tokens, .. }) if is_one_of(meta, &["allow", "expect"]) => {
            Some(parse_quote!(allow(#tokens)))
        }
        _ => None,
    })
}

/// Where something is deprecated, what is made of it may use it.
pub(super) fn excused(attrs: &[Attribute]) -> Vec<Attribute> {
    carried(attrs, &|meta| {
        is_one_of(meta, &["deprecated"]).then(|| parse_quote!(allow(deprecated)))
    })
}

/// The attribute of ours that stands behind this `cfg_attr`, where it is no attribute of ours.
pub(crate) fn hidden(attr: &Attribute) -> Option<&'static str> {
    let hides = |name: &&str| {
        attr.path().is_ident("cfg_attr")
            && pick(&attr.meta, &|meta| is_one_of(meta, &[name]).then(|| meta.clone())).is_some()
    };
    ATTRIBUTES.into_iter().find(hides)
}

/// The `#[cfg(…)]` of what is there where something is that has one of these; none where one of them has
/// none, and so is there always.
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

/// What `cfg(…)` asks for, or a `cfg_attr` of such.
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

/// All of these, as clippy wants it written.
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

/// What becomes of an attribute, or of those behind a `cfg_attr`.
fn pick(meta: &Meta, pick_one: Pick<'_>) -> Option<Meta> {
    match meta {
        Meta::List(MetaList { tokens, .. }) if is_one_of(meta, &["cfg_attr"]) => {
            // What is no `cfg_attr` rustc will tell.
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
