//! The service trait without the attributes of this macro.

use syn::{Block, FnArg, ItemTrait, Pat, ReturnType, Signature, TraitItem, TraitItemFn};
use syn::{Token, Type, TypeParamBound, parse_quote, parse_quote_spanned};

use crate::model::{ATTRIBUTES, hidden, of_params};
use crate::parse::is_one_of;
use crate::tokens::by_macro;

/// Returns the trait. Works on the syntax alone, because the trait must compile even if it has mistakes.
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

/// Removes `#[param]` and documentation from a parameter, because Rust allows neither there. Replaces a pattern in a
/// method without a body: patterns are a reported mistake, and rustc would report them again.
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

/// Converts `async fn … -> T` to `fn … -> impl Future<Output = T> + Send`, with the span of the `async`.
fn future(token: Token![async], sig: &Signature) -> ReturnType {
    let output: Type = match &sig.output {
        ReturnType::Type(_, ty) => Type::clone(ty),
        ReturnType::Default => parse_quote!(()),
    };
    parse_quote_spanned! {by_macro(token.span)=>
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    }
}

/// Converts the `{ body }` of an `async fn` to `{ async move { body } }`.
fn async_block(token: Token![async], block: &Block) -> Block {
    parse_quote!({ #token move #block })
}
