//! What runs one method: params in, a call of the implementation, its result out.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, Path, Type};

use super::output::{error_codes, ok_and_err, probe};
use super::param_infos;
use super::server::bound;
use crate::model::{Arg, Kind, Method, Output, Param, Progress, Run, Service, Subscription};
use crate::parse::Validate;
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
/// #[method(detached)] async fn …  Handler::detached::<…>(&Clone::clone(&cx), async move { … })
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
            Run::Inline | Run::Blocking | Run::Detached => {
                quote!(#private::Handler::streaming::<#ty, #err>(#run))
            }
        };
    }
    match method.run {
        Run::Inline => quote!(#private::Handler::new::<#ok, #err>(async move { #run })),
        Run::Spawned => {
            quote!(#private::Handler::spawned::<#ok, #err>(#own_cx, async move { #run }))
        }
        Run::Detached => {
            quote!(#private::Handler::detached::<#ok, #err>(#own_cx, async move { #run }))
        }
        Run::Blocking => quote! {
            #private::Handler::blocking::<#ok, #err>(
                #own_cx,
                move || -> ::core::result::Result<#ok, #err> { #run },
            )
        },
    }
}

/// From `let (room, ()) = match decode…` to `let room = room.into_value();`, and whether it is valid.
fn decode(private: &Path, method: &Method) -> TokenStream {
    let pattern = nested(method.params().map(|param| param.ident.to_token_stream()));
    let types = nested(method.params().map(|param| slot(private, param)));
    let infos = param_infos(private, method);
    let is_stream = |param: &&Param| param.item.is_some();
    let values = method.params().filter(|param| !is_stream(param)).map(value);
    let streams = method.params().filter(is_stream).map(|param| claim(private, param));
    let (checks, validation) = (checks(method), validation(private, method));
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
        #checks
        let #pattern = match #decoded {
            ::core::result::Result::Ok(#list) => #list,
            ::core::result::Result::Err(#error) => return #private::Handler::error(#error),
        };
        #(#values)*
        #validation
        #(#streams)*
        #progress
    }
}

/// `let room = room.into_value();`, in the place of the name, for a `default` of a type that has none.
fn value(Param { ident, .. }: &Param) -> TokenStream {
    quote_spanned!(ident.span()=> let #ident = #ident.into_value();)
}

/// A stream is claimed once all else is known to be right.
fn claim(private: &Path, Param { ident, .. }: &Param) -> TokenStream {
    let [cx, error] = ["cx", "error"].map(local);
    quote_spanned! {ident.span()=>
        let #ident = match #ident.claim(#cx) {
            ::core::result::Result::Ok(#ident) => #ident,
            ::core::result::Result::Err(#error) => return #private::Handler::error(#error),
        };
    }
}

/// Asks all that is to be asked before any of it is answered.
///
/// ```text
/// #[param(validate)] user: User, #[param(validate = check::room)] room: &str
///
/// if let Err(error) = validated([
///     ("user", <User as Validate>::validate(&user)),
///     ("room", check_room(Borrow::<str>::borrow(&room))),
/// ]) {
///     return Handler::error(error);
/// }
/// ```
fn validation(private: &Path, method: &Method) -> TokenStream {
    let results: Vec<_> = method.params().filter_map(|param| verdict(private, param)).collect();
    if results.is_empty() {
        return TokenStream::new();
    }
    let error = local("error");
    quote! {
        if let ::core::result::Result::Err(#error) = #private::validated([#(#results),*]) {
            return #private::Handler::error(#error);
        }
    }
}

/// `("user", <User as Validate>::validate(&user))`, of what the method will be given.
fn verdict(private: &Path, param: &Param) -> Option<TokenStream> {
    let Param { ident, ty, borrowed, name, validate, .. } = param;
    let validate = match validate.as_ref()? {
        Validate::Type => {
            let ty = borrowed.as_ref().unwrap_or(ty);
            projection(ty, &quote!(#private::Validate), "validate")
        }
        Validate::With(path) => check(ident, path).into_token_stream(),
    };
    let (first, _) = ends(&validate);
    let value = match borrowed {
        Some(ty) => lent(ident, ty, first),
        // A `&String` is a `&str` as well, if that is what the function takes.
        None => quote_spanned!(first=> &#ident),
    };
    let result = quote_spanned!(first=> #validate(#value));
    let name = &name.text;
    Some(quote!((#name, #result)))
}

/// Names the functions before the parameters have their names: `#[param(validate = room)] room` is
/// what one would write.
///
/// ```text
/// let check_room = check::room;
/// ```
fn checks(method: &Method) -> TokenStream {
    let checks = method.params().filter_map(|Param { ident, validate, .. }| {
        let Some(Validate::With(path)) = validate else { return None };
        let check = check(ident, path);
        Some(quote!(let #check = #path;))
    });
    checks.collect()
}

/// In the place of the path, for one that is no such function.
fn check(param: &Ident, path: &Path) -> Ident {
    let mut check = local(&format!("check_{}", param.unraw()));
    let (first, _) = ends(path);
    check.set_span(check.span().located_at(first));
    check
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
        Arg::Param(Param { ident, borrowed: Some(ty), .. }) => lent(ident, ty, Span::call_site()),
        Arg::Param(Param { ident, .. }) => ident.to_token_stream(),
    }
}

/// A `String` as the `&str` that the method takes.
fn lent(ident: &Ident, ty: &Type, place: Span) -> TokenStream {
    quote_spanned!(place=> ::core::borrow::Borrow::<#ty>::borrow(&#ident))
}
