//! Parts of generated code that both macros use.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

/// Returns the location of `span` with the hygiene of the macro: lints ignore the tokens, and local names do not clash
/// with the user's names.
pub(crate) fn by_macro(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// Returns a name of the user for use by the macro.
pub(crate) fn again(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(by_macro(ident.span()));
    ident
}

/// Returns a local name that clashes with no name of the user, not even with a constant. A pattern with the name of a
/// constant would match the constant.
pub(crate) fn local(name: &str) -> Ident {
    local_at(name, Span::call_site())
}

/// Returns such a local name with the location of `place`.
pub(crate) fn local_at(name: &str, place: Span) -> Ident {
    Ident::new(&format!("__{name}"), by_macro(place))
}

/// Returns a list of any length as nested pairs: `(a, (b, ()))`. Each pair has the span of its item, for errors about
/// the item.
pub(crate) fn nested(items: impl DoubleEndedIterator<Item = TokenStream>) -> TokenStream {
    items.rev().fold(quote!(()), |rest, item| quote_spanned!(item.span()=> (#item, #rest)))
}

/// `&[ParamInfo::new("room"), ParamInfo::new("text")]`
pub(crate) fn param_infos(private: &Path, names: impl Iterator<Item = String>) -> TokenStream {
    quote!(&[#(#private::ParamInfo::new(#names)),*])
}

/// Returns `<io::Result<T> as IsResult>::Ok` with the span of `io::Result<T>`, so that the compiler reports a wrong
/// type at the user's code and not at the macro.
pub(crate) fn projection(ty: &impl ToTokens, of: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(ty);
    let name = Ident::new(name, last);
    quote_spanned!(first=> <#ty as #of>::#name)
}

/// Returns the spans of the first and the last token, because stable Rust cannot join two spans.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
