//! Pieces of generated code that both macros need.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

/// The place of `span`, as something that the macro wrote there: lints leave it alone, and as a name of
/// something local it is another than the user's.
pub(crate) fn by_macro(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// A name of the user's, used again by the macro.
pub(crate) fn again(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(by_macro(ident.span()));
    ident
}

/// A local name that clashes with none of the user's, not even with one of a constant, which a pattern
/// would mean otherwise.
pub(crate) fn local(name: &str) -> Ident {
    local_at(name, Span::call_site())
}

/// The same in the place of what it is about.
pub(crate) fn local_at(name: &str, place: Span) -> Ident {
    Ident::new(&format!("__{name}"), by_macro(place))
}

/// Lists are nested pairs, of any length: `(a, (b, ()))`. They stand in the places of their items,
/// for errors about these.
pub(crate) fn nested(items: impl DoubleEndedIterator<Item = TokenStream>) -> TokenStream {
    items.rev().fold(quote!(()), |rest, item| quote_spanned!(item.span()=> (#item, #rest)))
}

/// `&[ParamInfo::new("room"), ParamInfo::new("text")]`
pub(crate) fn param_infos(private: &Path, names: impl Iterator<Item = String>) -> TokenStream {
    quote!(&[#(#private::ParamInfo::new(#names)),*])
}

/// `<io::Result<T> as IsResult>::Ok`, in the place of the `io::Result<T>`: if it is none, that is
/// told under what the user wrote, and not under the macro.
pub(crate) fn projection(ty: &impl ToTokens, of: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(ty);
    let name = Ident::new(name, last);
    quote_spanned!(first=> <#ty as #of>::#name)
}

/// The places of the first and the last token: on stable Rust no span holds both.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
