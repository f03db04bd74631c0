//! The description of the service, available without an implementation: one table for the client and the server.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use super::dispatch::{Row, rows};
use super::handler::{owned, slot};
use super::output::{error_codes, written};
use super::type_text::type_text;
use super::{quiet, schemas};
use crate::model::{Deprecation, Kind, Method, Param, Run, Service, Subscription, WireName};
use crate::tokens::again;

/// Returns the table as constants of the stub and of the server.
///
/// Only `ChatClient<Peer>` and `ChatServer<()>` have the constants. So `ChatClient::INFO` and `ChatServer::INFO`
/// compile without type arguments, because only one type is possible.
///
/// ```text
/// impl ChatClient<Peer> {
///     pub const INFO: &ServiceInfo = &ServiceInfo::new("Chat")…;
///     pub const METHODS: &[MethodInfo] = Self::INFO.methods;
/// }
/// impl ChatServer<()> {
///     pub const INFO: &ServiceInfo = ChatClient::INFO;
///     pub const METHODS: &[MethodInfo] = Self::INFO.methods;
/// }
/// impl Stub for ChatClient<Peer> {
///     const INFO: &ServiceInfo = Self::INFO;
/// }
/// ```
pub(super) fn expand(service: &Service) -> TokenStream {
    let Service { private, client, server, .. } = service;
    let (quiet, info, of_client) = (quiet(service), info(service), methods_table(service));
    let checks = schemas::checks(service);
    let client = quote!(#client<#private::Peer>);
    let constants = |ty: TokenStream, info: TokenStream| constants(service, &ty, &info);
    let of_client = constants(client.clone(), quote!(&#info.with_methods(const { #of_client })));
    let of_server = constants(quote!(#server<()>), quote!(<#client>::INFO));
    quote! {
        #quiet
        const _: () = {
            // Used only if a parameter cannot be sent or received; that error is reported elsewhere.
            use #private::{UnknownAbsence as _, Unsent as _};

            #of_client
            #of_server
            impl #private::Stub for #client {
                const INFO: &'static #private::ServiceInfo = Self::INFO;
            }
            #checks
        };
    }
}

/// `impl ChatClient<Peer> { pub const INFO … }`
fn constants(
    Service { private, vis, ident, .. }: &Service,
    ty: &TokenStream,
    info: &TokenStream,
) -> TokenStream {
    let about = format!("What [`{}`] says of its service.", ident.unraw());
    quote! {
        impl #ty {
            #[doc = #about]
            #vis const INFO: &'static #private::ServiceInfo = #info;

            /// The methods of `INFO`: first under their own names, then under their aliases.
            #vis const METHODS: &'static [#private::MethodInfo] = Self::INFO.methods;
        }
    }
}

/// `ServiceInfo::new("Chat").with_namespace("chat").with_separator(".").with_version("1.2").with_docs("…")`
fn info(Service { private, ident, prefix, separator, version, docs, .. }: &Service) -> TokenStream {
    let version = version.iter();
    let name = ident.unraw().to_string();
    let namespace = prefix.strip_suffix(&**separator).into_iter();
    quote! {
        #private::ServiceInfo::new(#name)
            #(.with_namespace(#namespace))*
            .with_separator(#separator)
            #(.with_version(#version))*
            .with_docs(#docs)
    }
}

/// Returns `&[MethodInfo::new("chat.join", …), …]`, in the order of the handlers.
fn methods_table(service: &Service) -> TokenStream {
    let rows = rows(service);
    let rows = rows.iter().map(|row| row_info(service, row));
    quote!(&[#(#rows),*])
}

/// Returns `MethodInfo::new("chat.join", …)…`, or for a name that several methods share:
/// `MethodInfo::new("eth_subscribe", …).with_selected(const { &[("logs", MethodInfo::new(…)), …] })`
fn row_info(service: &Service, row: &Row<'_>) -> TokenStream {
    let (private, cfg, first) = (&service.private, row.cfg(), row.methods[0]);
    if !row.is_selected() {
        let (allowed, info) = (&first.allowed, method_info(service, first, row.name));
        return quote!(#cfg #(#allowed)* #info);
    }
    // If the methods have different own names, each description shows its own name.
    let is_of_one = row.methods.iter().all(|method| method.name.text == first.name.text);
    let own_name = if is_of_one { &first.name } else { row.name };
    let new = new(private, row.name, own_name, &first.kind);
    let ordered = first.ordered.then(|| quote!(.ordered()));
    let unstable = first.unstable.then(|| quote!(.unstable()));
    let selected = row.methods.iter().map(|method| {
        let Method { cfg, allowed, .. } = method;
        let (selector, info) = (method.selector(), method_info(service, method, row.name));
        quote!(#(#cfg)* #(#allowed)* (#selector, #info))
    });
    quote! {
        #cfg
        #new
            .with_flags(#private::MethodFlags::new()#ordered #unstable)
            .with_selected(const { &[#(#selected),*] })
    }
}

/// `MethodInfo::new("chat.join", MethodKind::Request).with_params(&[…])…`
fn method_info(service: &Service, method: &Method, name: &WireName) -> TokenStream {
    let private = &service.private;
    let Method { docs_text: docs, kind, output, .. } = method;
    let new = new(private, name, &method.name, kind);
    // The row of an alias says the same, so nothing is compiled for its types.
    let is_own = name.text == method.name.text;
    let params = method.params().map(|param| param_info(service, param, is_own));
    let (ident, returns) = (method.ident.unraw().to_string(), type_text(&written(output)));
    let progress = method.progress().map(|progress| type_text(&progress.value)).into_iter();
    let timeout = method.timeout.map(|timeout| timeout.as_millis() as u64).into_iter();
    let (flags, errors) = (flags(method), error_codes(private, output));
    let (since, deprecated) = (method.since.iter(), method.deprecation.as_ref());
    let deprecated =
        deprecated.map(|deprecation| deprecated_info(private, deprecation)).into_iter();
    let info = quote! {
        #new
            .with_params(const { &[#(#params),*] })
            .with_ident(#ident)
            .with_returns(#returns)
            #(.with_progress(#progress))*
            #(.with_timeout(::core::time::Duration::from_millis(#timeout)))*
            .with_flags(#private::MethodFlags::new()#flags)
            .with_errors(#errors)
            .with_docs(#docs)
            #(.with_since(#since))*
            #(.with_deprecated(#deprecated))*
    };
    if is_own { schemas::of_method(service, method, &info) } else { info }
}

/// `Deprecated { since: Some("1.2"), note: None }`
fn deprecated_info(private: &Path, Deprecation { since, note }: &Deprecation) -> TokenStream {
    let option = |text: &Option<String>| match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    };
    let (since, note) = (option(since), option(note));
    quote!(#private::Deprecated { since: #since, note: #note })
}

/// `MethodInfo::new("chat.whois", …)`, or `MethodInfo::new_alias("finger", "chat.whois", …)`
fn new(private: &Path, name: &WireName, own_name: &WireName, of: &Kind) -> TokenStream {
    let (name, own_name, kind) = (&*name.text, &*own_name.text, kind(private, of));
    if name == own_name {
        quote!(#private::MethodInfo::new(#name, #kind))
    } else {
        quote!(#private::MethodInfo::new_alias(#name, #own_name, #kind))
    }
}

/// Returns the description of a parameter. Only the type knows the value of a parameter that is left out, and only at
/// run time, so the description holds functions.
///
/// ```text
/// /// The seat.
/// #[param(default)]
/// seat: u8
///
/// default_param(
///     ParamInfo::new("seat").with_type("u8").with_docs("The seat."),
///     || Value(DefaultParam::<u8>::left_out().into_value()).json(),
/// )
/// ```
fn param_info(service: &Service, param: &Param, with_schema: bool) -> TokenStream {
    let private = &service.private;
    let Param { ident, ty, docs, .. } = param;
    let (place, ty) = (again(ident).span(), type_text(ty));
    let info = super::param_info(private, param);
    let docs = (!docs.is_empty()).then_some(docs).into_iter();
    let info = quote!(#info.with_type(#ty) #(.with_docs(#docs))*);
    let info = if with_schema { schemas::of_param(service, param, &info) } else { info };
    match param {
        Param { stream: Some(_), .. } | Param { flatten: true, .. } => info,
        Param { default: false, .. } => {
            let owned = owned(param);
            let is_none = quote_spanned!(place=> #private::Absence::<#owned>::is_none);
            quote!(#private::optional_param(#info, #is_none))
        }
        Param { default: true, .. } => {
            let slot = slot(private, param);
            // The same method call as in the handler, so that a missing default is reported once.
            let value = quote_spanned!(place=> <#slot>::left_out().into_value());
            let json = quote_spanned!(place=> || #private::Value(#value).json());
            quote!(#private::default_param(#info, #json))
        }
    }
}

/// `MethodKind::Request`, or
/// `subscription_kind("chat.message", "chat.stop", false, None)`
fn kind(private: &Path, kind: &Kind) -> TokenStream {
    match kind {
        Kind::Request { .. } => quote!(#private::MethodKind::Request),
        Kind::Notification => quote!(#private::MethodKind::Notification),
        Kind::Subscription(subscription) => {
            let Subscription { item, unsubscribe, id_member, .. } = subscription;
            let (item, unsubscribe) = (&item.text, &unsubscribe.text);
            let has_numbers = subscription.has_numbers();
            let id_member = match id_member {
                Some(name) => quote!(Some(#name)),
                None => quote!(None),
            };
            quote! {
                #private::subscription_kind(
                    #item,
                    #unsubscribe,
                    #has_numbers,
                    ::core::option::Option::#id_member,
                )
            }
        }
    }
}

/// `.idempotent().spawn().ordered().stop_while_away().allow_unknown().by_name()`
fn flags(method: &Method) -> TokenStream {
    let idempotent = match method.kind {
        Kind::Request { idempotent: true } => quote!(.idempotent()),
        _ => TokenStream::new(),
    };
    let run = match method.run {
        Run::Inline => TokenStream::new(),
        Run::Spawned => quote!(.spawn()),
        Run::Blocking => quote!(.blocking()),
        Run::Detached => quote!(.detached()),
    };
    let ordered = method.ordered.then(|| quote!(.ordered()));
    let stop_while_away = method.stop_while_away.then(|| quote!(.stop_while_away()));
    let allow_unknown = method.allow_unknown.then(|| quote!(.allow_unknown()));
    let by_name = method.by_name.then(|| quote!(.by_name()));
    let empty_params = method.empty_params.then(|| quote!(.empty_params()));
    let optional = method.optional.then(|| quote!(.optional()));
    let unstable = method.unstable.then(|| quote!(.unstable()));
    quote! {
        #idempotent #run #ordered #optional #unstable #stop_while_away #allow_unknown #by_name #empty_params
    }
}
