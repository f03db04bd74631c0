//! One method of a stub, for one of its targets.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use super::target::Target;
use crate::expand::handler::{owned, slot};
use crate::expand::output::{item_and_error, ok_and_err};
use crate::expand::{param_infos, prefix};
use crate::model::{Kind, Method, Param, Service, Subscription, WireName};
use crate::tokens::{again, local, nested, projection};

/// Returns the method of the stub for `target`, or no tokens if the target does not support the method.
pub(super) fn stub(service: &Service, target: Target, method: &Method) -> TokenStream {
    if method.takes_streams() && !matches!(target, Target::Peer) {
        return TokenStream::new();
    }
    match (&method.kind, target) {
        (Kind::Request { .. }, _) => request(service, target, method),
        (Kind::Subscription(subscription), Target::Peer) => {
            subscribe(service, target, method, subscription)
        }
        (Kind::Subscription(_), Target::Batch | Target::Group) => TokenStream::new(),
        (Kind::Notification, Target::Peer) => {
            let say = notification(service, target, method);
            let try_say = try_notification(service, method);
            quote!(#say #try_say)
        }
        (Kind::Notification, Target::Batch | Target::Group) => {
            notification(service, target, method)
        }
    }
}

/// Returns the stub's method for a request.
///
/// ```text
/// async fn join(&self, cx: &Context, room: &str) -> Result<u32, ChatError>;
///
/// pub fn join(&self, room: &str) -> Call<u32, ChatError> {
///     call::<u32, ChatError>(&self.target, self.namespace.name(PREFIX, "chat.join"), (room, ()))
/// }
///
/// #[method(optional)] async fn who_is(&self, user: &str) -> User;
///
/// pub fn who_is(&self, user: &str) -> Call<Option<User>> {
///     optional(call::<Option<User>, Infallible, _>(&self.target, name("chat.who_is"), (user, ())))
/// }
/// ```
fn request(service: &Service, target: Target, method: &Method) -> TokenStream {
    let (private, name) = (&service.private, name(service, &method.name));
    let (mut ok, err) = ok_and_err(&method.output, private);
    // Each member of a group answers for itself.
    let is_optional = method.optional && !matches!(target, Target::Group);
    if is_optional {
        ok = quote!(::core::option::Option<#ok>);
    }
    let (args, timeout) = (args(private, method), timeout(method));
    let result = target.call(private, method, &ok, &err);
    let call = target.function("call");
    // The compiler infers `P` from the return type of the function.
    let progress = match target {
        Target::Peer | Target::Batch => quote!(, _),
        Target::Group => TokenStream::new(),
    };
    let call = quote!(#private::#call::<#ok, #err #progress>(&self.target, #name, #args));
    let mut call = with_streams(private, method, &call);
    if is_optional {
        call = quote!(#private::optional(#call));
    }
    // A call to a group is not made again: its members come and go.
    let may_repeat = matches!(method.kind, Kind::Request { idempotent: true });
    let repeats = (may_repeat && !matches!(target, Target::Group)).then(|| quote!(.idempotent()));
    let body = quote!(#call #repeats #timeout);
    function(service, method, &result, &body)
}

/// Returns the stub's method for a subscription.
///
/// ```text
/// async fn listen(&self, room: &str) -> Result<Streaming<Message>, ChatError>;
///
/// pub fn listen(&self, room: &str) -> Call<Streaming<Message>, ChatError> {
///     subscribe::<Message, Untyped, ChatError>(
///         &self.target, name("chat.listen"), name("chat.unsubscribe_listen"), (room, ()),
///     )
/// }
/// ```
fn subscribe(
    service: &Service,
    target: Target,
    method: &Method,
    Subscription { stream, unsubscribe, id_member, .. }: &Subscription,
) -> TokenStream {
    let private = &service.private;
    let [name, unsubscribe] = [&method.name, unsubscribe].map(|of| name(service, of));
    let (_, err) = ok_and_err(&method.output, private);
    let (args, timeout) = (args(private, method), timeout(method));
    let (item, ends_with) = item_and_error(private, stream);
    let streaming = quote!(#private::Streaming<#item, #ends_with>);
    let result = target.call(private, method, &streaming, &err);
    let call = quote! {
        #private::subscribe::<#item, #ends_with, #err, _>(&self.target, #name, #unsubscribe, #args)
    };
    let call = with_streams(private, method, &call);
    let id_member = id_member.iter();
    let body = quote!(#call #(.id_member(#id_member))* #timeout);
    function(service, method, &result, &body)
}

/// Returns the stub's method for a notification.
///
/// ```text
/// #[notification] async fn say(&self, text: &str);
///
/// pub fn say(&self, text: &str) -> Notify {
///     notify(&self.target, name("chat.say"), (text, ()))
/// }
/// ```
fn notification(service: &Service, target: Target, method: &Method) -> TokenStream {
    let (private, name) = (&service.private, name(service, &method.name));
    let (notify, args) = (target.function("notify"), args(private, method));
    let body = quote!(#private::#notify(&self.target, #name, #args));
    function(service, method, &target.notified(private), &body)
}

/// Returns the form of a notification that never waits.
///
/// ```text
/// pub fn try_say(&self, text: &str) -> Result<(), NotifyError> {
///     try_notify(&self.target, name("chat.say"), (text, ()))
/// }
/// ```
fn try_notification(service: &Service, method: &Method) -> TokenStream {
    let Service { private, vis, .. } = service;
    let Method { ident, cfg, allowed, .. } = method;
    let (try_ident, name) = (method.try_ident(), name(service, &method.name));
    let (params, args) = (params(method), args(private, method));
    let about = format!("`{}` without waiting: fails if the queue is full.", ident.unraw());
    quote! {
        #(#cfg)*
        #(#allowed)*
        #[doc = #about]
        #vis fn #try_ident(
            &self #params
        ) -> ::core::result::Result<(), #private::NotifyError> {
            #private::try_notify(&self.target, #name, #args)
        }
    }
}

/// Wraps a call so that it carries the streams among its params.
///
/// ```text
/// async fn upload(&self, name: &str, chunks: Streaming<Base64>) -> u64;
///
/// {
///     let mut streams = Streams::new();
///     let call = call::<…>(&self.target, "upload", (name, (streams.add(chunks), ())));
///     streams.go_with(call)
/// }
/// ```
fn with_streams(private: &Path, method: &Method, call: &TokenStream) -> TokenStream {
    if !method.takes_streams() {
        return call.clone();
    }
    let (streams, made) = (local("streams"), local("call"));
    quote! {
        {
            let mut #streams = #private::Streams::new();
            let #made = #call;
            #streams.go_with(#made)
        }
    }
}

/// `pub fn join(&self, room: &str) -> result { body }`
fn function(
    Service { vis, .. }: &Service,
    method: &Method,
    result: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let Method { cfg, allowed, .. } = method;
    let ident = again(&method.ident);
    let (docs, params) = (docs(method), params(method));
    quote! {
        #(#cfg)*
        #(#allowed)*
        #docs
        #vis fn #ident(&self #params) -> #result {
            #body
        }
    }
}

/// Returns `self.namespace.name(const { &Prefix { … } }, "chat.join")`, or `Name::from("join")` for a full name.
fn name(service: &Service, WireName { text, is_prefixed, .. }: &WireName) -> TokenStream {
    let private = &service.private;
    if *is_prefixed {
        let prefix = prefix(service);
        quote!(self.namespace.name(#prefix, #text))
    } else {
        quote!(<#private::Name<'_> as ::core::convert::From<&'static ::core::primitive::str>>::from(#text))
    }
}

/// Returns the method's own documentation, or a default, so that a user's `deny(missing_docs)` does not reject the
/// stub.
fn docs(method: &Method) -> TokenStream {
    let Method { docs, param_docs, .. } = method;
    let missing = docs.iter().all(|attr| !attr.path().is_ident("doc"));
    let about = missing.then(|| format!("Calls `{}`.", method.name.text)).into_iter();
    quote!(#(#docs)* #(#[doc = #about])* #(#param_docs)*)
}

/// `, room: &str, text: &str`
fn params(method: &Method) -> TokenStream {
    let param = |Param { ident, ty, .. }: &Param| {
        let ident = again(ident);
        quote!(, #ident: #ty)
    };
    method.params().map(param).collect()
}

/// Returns the arguments: `(room, (text, ()))`, with a selector `(&"logs", (filter, ()))`, and by name
/// `by_name(&[ParamInfo::new("room"), …], (room, …))`. Empty params are not sent, unless the method sets
/// `empty_params`: then the arguments are `always((room, …))`.
fn args(private: &Path, method: &Method) -> TokenStream {
    if let Some(param) = method.flattened() {
        return flattened(private, param);
    }
    let selector = method.selector().map(|selector| quote!(&#selector));
    let params: Vec<_> = method.params().map(|param| arg(private, param)).collect();
    let mut args = nested(selector.into_iter().chain(params));
    if method.by_name && (method.empty_params || method.params().next().is_some()) {
        let infos = param_infos(private, method, None);
        args = quote!(#private::by_name(const { #infos }, #args));
    }
    if method.empty_params {
        args = quote!(#private::always(#args));
    }
    args
}

/// `Value::<<InitializeParams as Give>::Value>(params).flattened("params")`, see [`arg`].
fn flattened(private: &Path, param: &Param) -> TokenStream {
    let ident = again(&param.ident);
    let ty = projection(&param.ty, &quote!(#private::Give), "Value");
    let (value, name) = (quote!(#private::Value::<#ty>(#ident)), param.ident.unraw().to_string());
    quote_spanned!(ident.span()=> #value.flattened(#name))
}

/// Returns `Value::<<&str as Give>::Value>(room).sent(Absence::<String>::is_none)`. If the value cannot be sent, the
/// compiler reports the same error at the type for each target, and so shows it once. For a stream the id is sent:
/// `streams.add(chunks)`.
fn arg(private: &Path, param: &Param) -> TokenStream {
    let ident = again(&param.ident);
    let place = ident.span();
    let ty = projection(&param.ty, &quote!(#private::Give), "Value");
    let owned = owned(param);
    let value = quote!(#private::Value::<#ty>(#ident));
    let may_be_missing = quote!(#private::Absence::<#owned>::is_none);
    match param {
        Param { stream: Some(_), .. } => {
            let streams = local("streams");
            quote_spanned!(place=> #streams.add(#ident))
        }
        Param { default: false, .. } => quote_spanned!(place=> #value.sent(#may_be_missing)),
        Param { borrowed: None, .. } => {
            let slot = slot(private, param);
            // The same method call as in the handler, so that a missing default is reported once.
            let default = quote_spanned!(place=> <#slot>::left_out().into_value());
            quote_spanned!(place=> #value.sent_or_default(#may_be_missing, || #default))
        }
        // The default of the receiver's owned type cannot be compared with a borrowed argument, so it is always sent.
        _ => quote_spanned!(place=> #value.sent(|| false)),
    }
}

/// Returns `.timeout(Duration::from_millis(2000))`, if the trait sets a timeout.
fn timeout(method: &Method) -> TokenStream {
    let millis = method.timeout.map(|timeout| timeout.as_millis() as u64).into_iter();
    quote!(#(.timeout(::core::time::Duration::from_millis(#millis)))*)
}
