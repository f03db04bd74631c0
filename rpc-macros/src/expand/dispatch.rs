//! From the number of a method to what runs it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;

use super::output::error_codes;
use super::param_infos;
use super::server::{handlers, implementation};
use crate::model::{Kind, Method, Run, Service, Subscription, WireName};
use crate::tokens::{again, local};

/// Tables in the same order: what is known of each method, which of its names begin with the prefix of the trait, and what
/// runs it.
///
/// ```text
/// impl __Handlers {
///     const __METHODS: &[MethodInfo] = &[MethodInfo::new("chat.join", …), …];
///     const __PREFIXED: &[Prefixed] = &[Prefixed { name: true, … }, …];
/// }
/// impl<S: Chat> Service for ChatServer<S> {
///     fn methods(&self) -> &[MethodInfo] {
///         self.names.methods(__Handlers::__METHODS)
///     }
///     fn check(&self) -> Result<(), RouterError> { … }
///     fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
///         let handlers: &[fn(&Arc<S>, &Context, Params<'_>) -> Handler] = &[__Handlers::join, …];
///         handlers[method](&self.service, cx, params)
///     }
/// }
/// ```
pub(super) fn expand(service: &Service, bound: &TokenStream) -> TokenStream {
    let Service { private, server, .. } = service;
    let infos = rows(service).map(|(method, name)| info(private, method, &name.text));
    let prefixed_of = rows(service).map(|(method, name)| is_prefixed(private, method, name));
    let contract = service.ident.unraw().to_string();
    let (owner, s) = (handlers(), implementation(service));
    let functions = rows(service).map(|(Method { cfg, ident, .. }, _)| {
        let ident = again(ident);
        quote!(#(#cfg)* #owner::#ident)
    });
    let [method, cx, params, handlers] = ["method", "cx", "params", "handlers"].map(local);
    // Apart from the implementation, whose parameter a user's type may be called as.
    let (methods, prefixed) = (local("METHODS"), local("PREFIXED"));
    quote! {
        impl #owner {
            const #methods: &'static [#private::MethodInfo] = &[#(#infos),*];
            const #prefixed: &'static [#private::Prefixed] = &[#(#prefixed_of),*];
        }

        impl<#s: #bound> #private::Service for #server<#s> {
            fn methods(&self) -> &[#private::MethodInfo] {
                self.names.methods(#owner::#methods)
            }

            fn check(&self) -> ::core::result::Result<(), #private::RouterError> {
                self.names.check(#contract)
            }

            fn call(
                &self,
                #method: ::core::primitive::usize,
                #cx: &#private::Context,
                #params: #private::Params<'_>,
            ) -> #private::Handler {
                let #handlers: &[fn(
                    &::std::sync::Arc<#s>,
                    &#private::Context,
                    #private::Params<'_>,
                ) -> #private::Handler] = &[#(#functions),*];
                #handlers[#method](&self.service, #cx, #params)
            }
        }
    }
}

/// The methods by their own names, then by their aliases.
fn rows(service: &Service) -> impl Iterator<Item = (&Method, &WireName)> {
    let own = service.methods.iter().map(|method| (method, &method.name));
    let aliases = service
        .methods
        .iter()
        .flat_map(|method| method.aliases.iter().map(move |alias| (method, alias)));
    own.chain(aliases)
}

/// `MethodInfo::new("chat.join", MethodKind::Request).with_params(&[…])…`
fn info(private: &Path, method: &Method, name: &str) -> TokenStream {
    let Method { cfg, output, .. } = method;
    let (docs, params) = (method.docs_text(), param_infos(private, method));
    let (kind, flags) = (kind(&method.kind), flags(method));
    let errors = error_codes(private, output);
    quote! {
        #(#cfg)*
        #private::MethodInfo::new(#name, #private::MethodKind::#kind)
            .with_params(#params)
            .with_flags(#private::MethodFlags::new()#flags)
            .with_errors(#errors)
            .with_docs(#docs)
    }
}

/// `Prefixed { name: true, item: false, unsubscribe: false }`
fn is_prefixed(private: &Path, Method { cfg, kind, .. }: &Method, name: &WireName) -> TokenStream {
    let (item, unsubscribe) = match kind {
        Kind::Subscription(Subscription { item, unsubscribe, .. }) => {
            (item.is_prefixed, unsubscribe.is_prefixed)
        }
        Kind::Request { .. } | Kind::Notification => (false, false),
    };
    let name = name.is_prefixed;
    quote! {
        #(#cfg)*
        #private::Prefixed { name: #name, item: #item, unsubscribe: #unsubscribe }
    }
}

/// `Request`, or `Subscription { item: "chat.listen", unsubscribe: "chat.unsubscribe_listen" }`
fn kind(kind: &Kind) -> TokenStream {
    match kind {
        Kind::Request { .. } => quote!(Request),
        Kind::Notification => quote!(Notification),
        Kind::Subscription(Subscription { item, unsubscribe, .. }) => {
            let (item, unsubscribe) = (&item.text, &unsubscribe.text);
            let [item, unsubscribe] =
                [item, unsubscribe].map(|name| quote!(::std::borrow::Cow::Borrowed(#name)));
            quote!(Subscription { item: #item, unsubscribe: #unsubscribe })
        }
    }
}

/// `.idempotent().spawn().ordered().allow_unknown()`
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
    let allow_unknown = method.allow_unknown.then(|| quote!(.allow_unknown()));
    quote!(#idempotent #run #ordered #allow_unknown)
}
