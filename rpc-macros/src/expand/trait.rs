//! The trait that implementations write, without our attributes.

use syn::{Block, FnArg, ItemTrait, Pat, ReturnType, Signature, TraitItem, TraitItemFn};
use syn::{Token, Type, TypeParamBound, parse_quote, parse_quote_spanned};

use crate::model::{ATTRIBUTES, hidden, of_params};
use crate::parse::is_one_of;
use crate::tokens::by_macro;

/// The trait, made from its syntax alone: it must hold together even if it has mistakes.
///
/// ```text
/// trait Chat {                      trait Chat: Send + Sync + 'static {
///     #[notification]                   fn say(&self, text: &str)
///     async fn say(&self, text: &str);      -> impl Future<Output = ()> + Send;
/// }                                 }
/// ```
pub(super) fn expand(item: &ItemTrait) -> ItemTrait {
    let mut item = item.clone();
    item.colon_token.get_or_insert_default();
    item.supertraits.extend::<[TypeParamBound; 3]>([
        parse_quote!(::core::marker::Send),
        parse_quote!(::core::marker::Sync),
        parse_quote!('static),
    ]);
    for item in &mut item.items {
        if let TraitItem::Fn(method) = item {
            rewrite(method);
        }
    }
    item
}

fn rewrite(method: &mut TraitItemFn) {
    method.attrs.retain(|attr| !is_one_of(attr, &ATTRIBUTES) && hidden(attr).is_none());
    method.attrs.extend(of_params(&method.sig.inputs));
    method.sig.constness = None;
    for input in &mut method.sig.inputs {
        rewrite_input(input, method.default.is_some());
    }
    if let Some(token) = method.sig.asyncness.take() {
        method.default = method.default.take().map(|block| async_block(token, &block));
        method.sig.output = future(token, &method.sig);
    }
}

/// Takes `#[param]` and documentation away: Rust allows neither there. Patterns are a mistake; without a body rustc would say it once more.
fn rewrite_input(input: &mut FnArg, has_body: bool) {
    let attrs = match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(input) => &mut input.attrs,
    };
    attrs.retain(|attr| !is_one_of(attr, &["param", "doc"]));
    if let FnArg::Typed(input) = input
        && !has_body
        && !matches!(&*input.pat, Pat::Ident(pat) if pat.mutability.is_none())
    {
        input.pat = parse_quote!(_);
    }
}

/// `async fn … -> T` is `fn … -> impl Future<Output = T> + Send`, at the place of the `async`.
fn future(token: Token![async], sig: &Signature) -> ReturnType {
    let output: Type = match &sig.output {
        ReturnType::Type(_, ty) => Type::clone(ty),
        ReturnType::Default => parse_quote!(()),
    };
    parse_quote_spanned! {by_macro(token.span)=>
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    }
}

/// `{ body }` of an `async fn` is `{ async move { body } }`.
fn async_block(token: Token![async], block: &Block) -> Block {
    parse_quote!({ #token move #block })
}
