//! The handler of one method: decodes the params, calls the implementation, returns the result.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path, Type};

use super::output::{error_codes, item_and_error, ok_and_err, stream_errors};
use super::param_infos;
use super::server::bound;
use crate::model::{
    Arg, Kind, Method, Output, Param, Progress, Run, Service, Subscription, WireName,
};
use crate::parse::Validate;
use crate::tokens::{again, by_macro, ends, local, local_at, nested, projection};

/// Returns the handler of a method. Each handler is a function of its own, so that its name is visible in backtraces
/// and profiles.
///
/// ```text
/// async fn join(&self, cx: &Context, room: &str) -> Result<u32, ChatError>;
///
/// fn join(service: &Arc<impl Chat>, cx: &Context, params: Params<'_>) -> Handler {
///     let _ = ChatError::CODES;
///     let (read_0, ()) = match decode::<(Param<String>, ())>(cx, params, &[ParamInfo::new("room")]) {
///         Ok(list) => list,
///         Err(error) => return Handler::error(error),
///     };
///     let param_0 = read_0.into_value();
///     let (own_service, own_cx) = (Clone::clone(service), Clone::clone(cx));
///     Handler::new::<u32, ChatError>(async move {
///         Chat::join(&*own_service, &own_cx, Borrow::<str>::borrow(&param_0)).await
///     })
/// }
/// ```
///
/// All names in the function are [local], because the names of the parameters could hide items that a user's path
/// names.
pub(super) fn expand(service: &Service, method: &Method) -> TokenStream {
    let Service { private, ident: contract, .. } = service;
    let Method { cfg, allowed, output, .. } = method;
    let (ident, bound) = (again(&method.ident), bound(service));
    let [service, cx, params, own_service, own_cx] =
        ["service", "cx", "params", "own_service", "own_cx"].map(local);
    let own = |own, value| quote!(let #own = ::core::clone::Clone::clone(#value););
    let own_service = own(own_service, &service);
    let own_cx = needs_context(method).then(|| own(own_cx, &cx));
    let (decode, start) = (decode(private, method), start(private, contract, method));
    let (errors, stream_errors) = (error_codes(private, output), stream_errors(private, method));
    quote! {
        #(#cfg)*
        #(#allowed)*
        fn #ident(
            #service: &::std::sync::Arc<impl #bound>,
            #cx: &#private::Context,
            #params: #private::Params<'_>,
        ) -> #private::Handler {
            let _ = #errors;
            #stream_errors
            #decode
            #own_service
            #own_cx
            #start
        }
    }
}

/// Returns whether the handler needs the context: for the method itself, or to run the method outside of the
/// connection's task.
fn needs_context(method: &Method) -> bool {
    method.run != Run::Inline
        || method.takes_streams()
        || method.progress().is_some()
        || method.args.iter().any(|arg| matches!(arg, Arg::Context))
}

/// Returns the constructor of the handler, which determines where the method runs and how its result is sent.
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
    let (run, cx) = (run(contract, method), local("own_cx"));
    // A clone, because the future of the method may own the context.
    let own_cx = quote!(&::core::clone::Clone::clone(&#cx));
    if let Kind::Subscription(Subscription { stream, .. }) = &method.kind {
        let (item, ends_with) = item_and_error(private, stream);
        // With the span of the return type, for an error about a `Streaming` of another crate.
        let (first, _) = ends(&ok);
        let untyped = stream.error.as_ref();
        let untyped = untyped.map(|_| quote!(.map(#private::untyped::<#item, #ends_with>)));
        let run = quote_spanned!(by_macro(first)=> async move { #run #untyped });
        return match method.run {
            Run::Spawned => {
                quote!(#private::Handler::spawned_streaming::<#item, #err>(#own_cx, #run))
            }
            Run::Inline | Run::Blocking | Run::Detached => {
                quote!(#private::Handler::streaming::<#item, #err>(#run))
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

/// Returns the statements from `let (read_0, ()) = match decode…` to `let param_0 = read_0.into_value();`, and the
/// validation.
fn decode(private: &Path, method: &Method) -> TokenStream {
    let params = || method.params().enumerate();
    let pattern: Vec<_> = params().map(|(index, param)| read(index, param)).collect();
    // The selector was already read to select this handler.
    let skipped = method.selector().map(|_| quote!(_));
    let pattern: Vec<_> =
        skipped.into_iter().chain(pattern.iter().map(ToTokens::to_token_stream)).collect();
    let pattern = nested(pattern.into_iter());
    let is_stream = |(_, param): &(usize, &Param)| param.stream.is_some();
    let values = params().filter(|param| !is_stream(param)).map(value);
    let streams = params().filter(is_stream).map(|param| claim(private, param));
    let validation = validation(private, method);
    let [cx, list, error] = ["cx", "list", "error"].map(local);
    let decoded = decoded(private, method);
    let (pattern, progress) = match method.progress() {
        None => (pattern, TokenStream::new()),
        Some(Progress { value, .. }) => {
            let (token, progress) = (local("token"), local("progress"));
            // With the span of the type, because the type must satisfy a bound.
            let (first, _) = ends(value);
            let made = quote_spanned!(by_macro(first)=> #private::progress::<#value>(#cx, #token));
            (quote!((#pattern, #token)), quote!(let #progress = #made;))
        }
    };
    quote! {
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

/// Returns `decode::<(Param<String>, ())>(cx, params, &[ParamInfo::new("room")])`, or for a flattened parameter
/// `decode_flattened::<InitializeParams>(params)`.
fn decoded(private: &Path, method: &Method) -> TokenStream {
    let [cx, params] = ["cx", "params"].map(local);
    if let Some(param) = method.flattened() {
        let ty = received(private, param);
        return match method.progress() {
            None => quote!(#private::decode_flattened::<#ty>(#params)),
            Some(Progress { name: WireName { text: name, .. }, is_renamed: true, .. }) => quote! {
                #private::decode_flattened_with_token::<#ty>(
                    #params,
                    ::core::option::Option::Some(#name),
                )
            },
            // All members of the params belong to the type. A member is the progress token only if the trait names it.
            Some(_) => quote! {
                #private::decode_flattened_with_token::<#ty>(
                    #params,
                    ::core::option::Option::None,
                )
            },
        };
    }
    let skipped = method.selector().map(|_| quote!(#private::SelectorParam));
    let types = skipped.into_iter().chain(method.params().map(|param| slot(private, param)));
    let types = nested(types.collect::<Vec<_>>().into_iter());
    let infos = param_infos(private, method, method.selector());
    match method.progress() {
        None => quote!(#private::decode::<#types>(#cx, #params, const { #infos })),
        Some(Progress { name, .. }) => {
            let name = &name.text;
            quote!(#private::decode_with_token::<#types>(#cx, #params, const { #infos }, #name))
        }
    }
}

/// Returns the variable of a decoded parameter, with the parameter's span.
fn read(index: usize, Param { ident, .. }: &Param) -> Ident {
    local_at(&format!("read_{index}"), ident.span())
}

/// Returns the variable of a parameter's value.
fn param(index: usize, Param { ident, .. }: &Param) -> Ident {
    local_at(&format!("param_{index}"), ident.span())
}

/// Returns `let param_0 = read_0.into_value();` with the span of the name, for an error about a `default` of a type
/// without `Default`.
fn value((index, of): (usize, &Param)) -> TokenStream {
    let (read, param) = (read(index, of), param(index, of));
    quote_spanned!(param.span()=> let #param = #read.into_value();)
}

/// Returns the statement that claims a stream. Streams are claimed after all other params are known to be valid.
fn claim(private: &Path, (index, of): (usize, &Param)) -> TokenStream {
    let (read, param) = (read(index, of), param(index, of));
    let [cx, stream, error] = ["cx", "stream", "error"].map(local);
    quote_spanned! {param.span()=>
        let #param = match #read.claim(#cx) {
            ::core::result::Result::Ok(#stream) => #stream,
            ::core::result::Result::Err(#error) => return #private::Handler::error(#error),
        };
    }
}

/// Returns the validation of the params. All validations run, so that one error reports all violations.
///
/// ```text
/// #[param(validate)] user: User, #[param(validate = check::room)] room: &str
///
/// if let Err(error) = validated([
///     ("user", <User as Validate>::validate(&param_0)),
///     ("room", check::room(Borrow::<str>::borrow(&param_1))),
/// ]) {
///     return Handler::error(error);
/// }
/// ```
fn validation(private: &Path, method: &Method) -> TokenStream {
    let verdict = |(index, of)| verdict(private, param(index, of), of);
    let results: Vec<_> = method.params().enumerate().filter_map(verdict).collect();
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

/// Returns `("user", <User as Validate>::validate(&param_0))`, for the value that the method gets.
fn verdict(private: &Path, value: Ident, param: &Param) -> Option<TokenStream> {
    let Param { ty, borrowed, name, validate, flatten, .. } = param;
    let validate = match validate.as_ref()? {
        Validate::Type => {
            let ty = borrowed.as_ref().unwrap_or(ty);
            projection(ty, &quote!(#private::Validate), "validate")
        }
        Validate::With(path) => path.to_token_stream(),
    };
    let (first, _) = ends(&validate);
    let value = match borrowed {
        Some(ty) => lent(&value, ty, first),
        // A `&String` coerces to a `&str`, if the function takes one.
        None => quote_spanned!(by_macro(first)=> &#value),
    };
    let result = quote_spanned!(by_macro(first)=> #validate(#value));
    // The paths of a flattened parameter begin with the names of its own members.
    let name = if *flatten { "" } else { &*name.text };
    Some(quote!((#name, #result)))
}

/// Returns the type that decodes a parameter: `Param<T>`, or `Param<<T as ToOwned>::Owned>` for a `&T`.
pub(super) fn slot(private: &Path, param: &Param) -> TokenStream {
    let Param { ty, default, stream, .. } = param;
    if let Some(stream) = stream {
        let (first, _) = ends(ty);
        let (item, error) = item_and_error(private, stream);
        return quote_spanned!(first=> #private::StreamParam<#item, #error>);
    }
    let slot = if *default { quote!(DefaultParam) } else { quote!(Param) };
    let value = received(private, param);
    quote!(#private::#slot<#value>)
}

/// Returns `<T as Receive>::Value`: the type, with an error if the type cannot be received.
fn received(private: &Path, param: &Param) -> TokenStream {
    projection(&owned(param), &quote!(#private::Receive), "Value")
}

/// Returns the type of a received parameter: `T`, or `<T as ToOwned>::Owned` for a `&T`.
pub(super) fn owned(Param { ty, borrowed, .. }: &Param) -> TokenStream {
    match borrowed {
        Some(ty) => projection(ty, &quote!(::std::borrow::ToOwned), "Owned"),
        None => ty.to_token_stream(),
    }
}

/// Returns the call of the implementation. The call names the trait, because the implementation may have other methods
/// with the same name.
///
/// ```text
/// fn version(&self) -> String;      Ok::<_, Infallible>(Chat::version(&*service))
/// ```
fn run(contract: &Ident, method: &Method) -> TokenStream {
    let Method { output, is_async, .. } = method;
    let (ident, service) = (again(&method.ident), local("own_service"));
    let args = arguments(method);
    let wait = is_async.then(|| quote!(.await));
    let run = quote!(#contract::#ident(&*#service #(, #args)*) #wait);
    match output {
        Output::Result { .. } | Output::Alias(_) => run,
        Output::Nothing | Output::Plain(_) => {
            quote!(::core::result::Result::Ok::<_, ::core::convert::Infallible>(#run))
        }
    }
}

/// `&own_cx, Borrow::<str>::borrow(&param_0), progress`
fn arguments(method: &Method) -> Vec<TokenStream> {
    let mut params = method.params().enumerate();
    let argument = |arg: &Arg| match arg {
        Arg::Context => {
            let cx = local("own_cx");
            quote!(&#cx)
        }
        Arg::Progress(_) => local("progress").to_token_stream(),
        Arg::Param(of) => {
            let (index, _) = params.next().expect("each is one of them");
            let param = param(index, of);
            match &of.borrowed {
                Some(ty) => lent(&param, ty, Span::call_site()),
                None => param.to_token_stream(),
            }
        }
    };
    method.args.iter().map(argument).collect()
}

/// Returns the expression that borrows a `String` as the `&str` of the method.
fn lent(ident: &Ident, ty: &Type, place: Span) -> TokenStream {
    quote_spanned!(by_macro(place)=> ::core::borrow::Borrow::<#ty>::borrow(&#ident))
}
