//! What runs one method: params in, a call of the implementation, its result out.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path};

use super::output::{error_codes, ok_and_err, probe};
use super::param_infos;
use super::server::bound;
use crate::model::{Arg, Kind, Method, Output, Param, Progress, Run, Service, Subscription};
use crate::tokens::{ends, local, nested, projection};

/// A function of its own, so that its name is seen in backtraces and profiles.
///
/// ```text
/// async fn join(&self, cx: &Context, room: &str) -> Result<u32, ChatError>;
///
/// fn join(service: &Arc<impl Chat>, cx: &Context, params: Params<'_>) -> Handler {
///     let _ = ChatError::CODES;
///     let (room, ()) = match decode::<(Param<String>, ())>(params, &[ParamInfo::new("room")]) {
///         Ok(list) => list,
///         Err(error) => return Handler::error(error),
///     };
///     let room = room.into_value();
///     let (service, cx) = (Clone::clone(service), Clone::clone(cx));
///     Handler::new::<u32, ChatError>(async move {
///         Chat::join(&*service, &cx, Borrow::<str>::borrow(&room)).await
///     })
/// }
/// ```
pub(super) fn expand(service: &Service, method: &Method) -> TokenStream {
    let Service { private, ident: contract, .. } = service;
    let Method { ident, cfg, output, .. } = method;
    let bound = bound(service);
    let (service, params) = (local("service"), local("params"));
    let own = |value| quote!(let #value = ::core::clone::Clone::clone(#value););
    let own_service = own(&service);
    let (cx, own_cx) = if needs_context(method) {
        let cx = local("cx");
        (cx.to_token_stream(), own(&cx))
    } else {
        (quote!(_), TokenStream::new())
    };
    let (decode, start) = (decode(private, method), start(private, contract, method));
    let (probe, errors) = (probe(private, method), error_codes(private, output));
    quote! {
        #probe

        #(#cfg)*
        fn #ident(
            #service: &::std::sync::Arc<impl #bound>,
            #cx: &#private::Context,
            #params: #private::Params<'_>,
        ) -> #private::Handler {
            let _ = #errors;
            #decode
            #own_service
            #own_cx
            #start
        }
    }
}

/// For the method itself, or to run it elsewhere.
fn needs_context(method: &Method) -> bool {
    method.run != Run::Inline
        || method.takes_streams()
        || method.progress().is_some()
        || method.args.iter().any(|arg| matches!(arg, Arg::Context))
}

/// Where the method runs, and what becomes of what it returns.
///
/// ```text
/// async fn join(…) -> …;          Handler::new::<u32, ChatError>(async move { … })
/// … -> Streaming<Message>;        Handler::streaming::<Message, Infallible>(async move { … })
/// #[method(spawn)] async fn …     Handler::spawned::<…>(&Clone::clone(&cx), async move { … })
/// #[method(blocking)] fn …        Handler::blocking::<…>(&Clone::clone(&cx), move || … { … })
/// ```
fn start(private: &Path, contract: &Ident, method: &Method) -> TokenStream {
    let (ok, err) = ok_and_err(&method.output, private);
    let (run, cx) = (run(contract, method), local("cx"));
    // A clone, as the method may take the context itself along.
    let own_cx = quote!(&::core::clone::Clone::clone(&#cx));
    if let Kind::Subscription(Subscription { ty, .. }) = &method.kind {
        // In the place of the result, for a `Streaming` that is not ours.
        let (first, _) = ends(&ok);
        let run = quote_spanned!(first=> async move { #run });
        return match method.run {
            Run::Spawned => {
                quote!(#private::Handler::spawned_streaming::<#ty, #err>(#own_cx, #run))
            }
            Run::Inline | Run::Blocking => {
                quote!(#private::Handler::streaming::<#ty, #err>(#run))
            }
        };
    }
    match method.run {
        Run::Inline => quote!(#private::Handler::new::<#ok, #err>(async move { #run })),
        Run::Spawned => {
            quote!(#private::Handler::spawned::<#ok, #err>(#own_cx, async move { #run }))
        }
        Run::Blocking => quote! {
            #private::Handler::blocking::<#ok, #err>(
                #own_cx,
                move || -> ::core::result::Result<#ok, #err> { #run },
            )
        },
    }
}

/// From `let (room, ()) = match decode…` to `let room = room.into_value();`
fn decode(private: &Path, method: &Method) -> TokenStream {
    let pattern = nested(method.params().map(|param| param.ident.to_token_stream()));
    let types = nested(method.params().map(|param| slot(private, param)));
    let infos = param_infos(private, method);
    let values = method.params().map(|param| value(private, param));
    let [params, list, error] = ["params", "list", "error"].map(local);
    let (pattern, decoded, progress) = match method.progress() {
        None => {
            let decoded = quote!(#private::decode::<#types>(#params, const { #infos }));
            (pattern, decoded, TokenStream::new())
        }
        Some(Progress { ident, value, name, .. }) => {
            let (token, cx, name) = (local("token"), local("cx"), &name.text);
            let decoded =
                quote!(#private::decode_with_token::<#types>(#params, const { #infos }, #name));
            // In the place of the type, of which something is asked.
            let (first, _) = ends(value);
            let made = quote_spanned!(first=> #private::progress::<#value>(#cx, #token));
            (quote!((#pattern, #token)), decoded, quote!(let #ident = #made;))
        }
    };
    quote! {
        let #pattern = match #decoded {
            ::core::result::Result::Ok(#list) => #list,
            ::core::result::Result::Err(#error) => return #private::Handler::error(#error),
        };
        #(#values)*
        #progress
    }
}

/// `let room = room.into_value();`, in the place of the name, for a `default` of a type that has none.
/// A stream is claimed once all else is known to be right.
fn value(private: &Path, Param { ident, item, .. }: &Param) -> TokenStream {
    if item.is_none() {
        return quote_spanned!(ident.span()=> let #ident = #ident.into_value(););
    }
    let [cx, error] = ["cx", "error"].map(local);
    quote_spanned! {ident.span()=>
        let #ident = match #ident.claim(#cx) {
            ::core::result::Result::Ok(#ident) => #ident,
            ::core::result::Result::Err(#error) => return #private::Handler::error(#error),
        };
    }
}

/// Where a parameter is received: `Param<T>`, and `Param<<T as ToOwned>::Owned>` for a `&T`.
fn slot(private: &Path, Param { ty, borrowed, default, item, .. }: &Param) -> TokenStream {
    if let Some(item) = item {
        let (first, _) = ends(ty);
        return quote_spanned!(first=> #private::StreamParam<#item>);
    }
    let slot = if *default { quote!(DefaultParam) } else { quote!(Param) };
    let owned = match borrowed {
        Some(ty) => projection(ty, &quote!(::std::borrow::ToOwned), "Owned"),
        None => ty.to_token_stream(),
    };
    let value = projection(&owned, &quote!(#private::Receive), "Value");
    quote!(#private::#slot<#value>)
}

/// Calls the implementation, by the trait's name: it may have other methods that are called so.
///
/// ```text
/// fn version(&self) -> String;      Ok::<_, Infallible>(Chat::version(&*service))
/// ```
fn run(contract: &Ident, method: &Method) -> TokenStream {
    let Method { ident, output, is_async, .. } = method;
    let service = local("service");
    let args = method.args.iter().map(argument);
    let wait = is_async.then(|| quote!(.await));
    let run = quote!(#contract::#ident(&*#service #(, #args)*) #wait);
    match output {
        Output::Result { .. } | Output::Alias(_) => run,
        Output::Nothing | Output::Plain(_) => {
            quote!(::core::result::Result::Ok::<_, ::core::convert::Infallible>(#run))
        }
    }
}

fn argument(arg: &Arg) -> TokenStream {
    match arg {
        Arg::Context => {
            let cx = local("cx");
            quote!(&#cx)
        }
        Arg::Progress(Progress { ident, .. }) => ident.to_token_stream(),
        Arg::Param(Param { ident, borrowed: Some(ty), .. }) => {
            quote!(::core::borrow::Borrow::<#ty>::borrow(&#ident))
        }
        Arg::Param(Param { ident, .. }) => ident.to_token_stream(),
    }
}
