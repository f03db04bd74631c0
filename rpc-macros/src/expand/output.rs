//! The return type of a method: its success and error types, and the checks that only the compiler can make.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use crate::model::{Kind, Method, Output, Stream, Subscription};
use crate::tokens::{ends, projection};

/// Returns the `T` and `E` of a method's return type.
pub(super) fn ok_and_err(output: &Output, private: &Path) -> (TokenStream, TokenStream) {
    let infallible = quote!(::core::convert::Infallible);
    match output {
        Output::Nothing => (quote!(()), infallible),
        Output::Plain(ty) => (ty.to_token_stream(), infallible),
        Output::Result { ok, err, .. } => (ok.to_token_stream(), err.to_token_stream()),
        Output::Alias(ty) => {
            let is_result = quote!(#private::IsResult);
            (projection(ty, &is_result, "Ok"), projection(ty, &is_result, "Err"))
        }
    }
}

/// Returns the `T` and `E` of a `Streaming<T, E>`.
pub(super) fn item_and_error(
    private: &Path,
    Stream { item, error }: &Stream,
) -> (TokenStream, TokenStream) {
    let error = error.as_ref().map(ToTokens::to_token_stream);
    (item.to_token_stream(), error.unwrap_or_else(|| quote!(#private::Untyped)))
}

/// Returns the return type as written.
pub(super) fn written(output: &Output) -> TokenStream {
    match output {
        Output::Nothing => quote!(()),
        Output::Plain(ty) | Output::Alias(ty) => ty.to_token_stream(),
        Output::Result { ty, .. } => ty.to_token_stream(),
    }
}

/// Returns an assertion that a return type is no alias of `Result`. An alias would be sent as a value, `{"Ok":1}`. A
/// macro sees only the names of types, so the compiler must check this.
///
/// If the type is a `Result`, the import is unused; the assertion fails in that case anyway.
///
/// ```text
/// fn count(&self) -> Outcome<u32>;      const _: () = {
///                                           use IsResultFallback as _;
///                                           assert!(!Probe::<Outcome<u32>>::IS_RESULT, "…");
///                                       };
/// ```
pub(super) fn probe(private: &Path, Method { cfg, allowed, output, .. }: &Method) -> TokenStream {
    let Output::Plain(ty) = output else {
        return TokenStream::new();
    };
    let message = "this is a `Result` under another name: write `Result<T, E>`";
    let (first, last) = ends(ty);
    let condition = quote!(!#private::Probe::<#ty>::IS_RESULT, #message);
    let mut condition = Group::new(Delimiter::Parenthesis, condition);
    condition.set_span(last);
    let assert = quote_spanned!(first=> ::core::assert! #condition);
    quote! {
        #(#cfg)*
        #(#allowed)*
        const _: () = {
            use #private::IsResultFallback as _;
            #assert
        };
    }
}

/// Returns an expression that names the error type. The compiler reports a type that is no error type at each use. If
/// each use begins with the same expression at the same span, the compiler reports the error only once.
pub(super) fn error_codes(private: &Path, output: &Output) -> TokenStream {
    let (_, err) = ok_and_err(output, private);
    quote!(<#err as #private::RpcError>::CODES)
}

/// Returns such expressions for the error types of streams.
pub(super) fn stream_errors(private: &Path, method: &Method) -> TokenStream {
    let returned = match &method.kind {
        Kind::Subscription(Subscription { stream, .. }) => Some(stream),
        _ => None,
    };
    let streams = method.params().filter_map(|param| param.stream.as_ref()).chain(returned);
    let errors = streams.filter_map(|stream| stream.error.as_ref());
    let reads = errors.map(|ty| projection(ty, &quote!(#private::StreamErrorType), "read"));
    quote!(#(let _ = #reads;)*)
}
