//! From the number of a method to what runs it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;

use super::output::error_codes;
use super::param_infos;
use super::server::{handlers, implementation};
use crate::model::{Kind, Method, Run, Service, Subscription, WireName, one_of};
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
///         let handlers: &[Start<S>] = &[__Handlers::join, …];
///         handlers[method](&self.service, cx, params)
///     }
/// }
/// ```
pub(super) fn expand(service: &Service, bound: &TokenStream) -> TokenStream {
    let Service { private, server, .. } = service;
    let rows = rows(service);
    let infos = rows.iter().map(|row| row_info(private, row));
    let prefixed_of = rows.iter().map(|row| is_prefixed(private, row));
    let contract = service.ident.unraw().to_string();
    let (owner, s) = (handlers(), implementation(service));
    let selects = rows.iter().enumerate().map(|(index, row)| select(service, bound, index, row));
    let functions = rows.iter().enumerate().map(|(index, row)| {
        let (cfg, ident) = (row.cfg(), row.function(index));
        quote!(#cfg #owner::#ident)
    });
    let [method, cx, params, handlers] = ["method", "cx", "params", "handlers"].map(local);
    // Apart from the implementation, whose parameter a user's type may be called as.
    let (methods, prefixed) = (local("METHODS"), local("PREFIXED"));
    quote! {
        impl #owner {
            const #methods: &'static [#private::MethodInfo] = &[#(#infos),*];
            const #prefixed: &'static [#private::Prefixed] = &[#(#prefixed_of),*];

            #(#selects)*
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
                let #handlers: &[#private::Start<#s>] = &[#(#functions),*];
                #handlers[#method](&self.service, #cx, #params)
            }
        }
    }
}

/// A name on the wire, and what it means: a method, or those of which the first param picks one.
struct Row<'a> {
    name: &'a WireName,
    methods: Vec<&'a Method>,
}

impl Row<'_> {
    /// Whether the first param picks.
    fn is_selected(&self) -> bool {
        self.methods.iter().any(|method| method.selector().is_some())
    }

    /// There where one of its methods is.
    fn cfg(&self) -> TokenStream {
        match &*self.methods {
            [Method { cfg, .. }] => quote!(#(#cfg)*),
            methods => one_of(methods.iter().map(|method| &*method.cfg)),
        }
    }

    /// What runs it.
    fn function(&self, index: usize) -> Ident {
        match &*self.methods {
            [method] if !self.is_selected() => again(&method.ident),
            _ => local(&format!("select_{index}")),
        }
    }
}

/// The methods by their own names, then by their aliases.
fn rows(service: &Service) -> Vec<Row<'_>> {
    let own = service.methods.iter().map(|method| (method, &method.name));
    let aliases = service
        .methods
        .iter()
        .flat_map(|method| method.aliases.iter().map(move |alias| (method, alias)));
    let mut rows = Vec::<Row<'_>>::new();
    for (method, name) in own.chain(aliases) {
        let same = rows.iter_mut().find(|row| row.name.text == name.text && row.is_selected());
        match same.filter(|_| method.selector().is_some()) {
            Some(row) => row.methods.push(method),
            None => rows.push(Row { name, methods: vec![method] }),
        }
    }
    rows
}

/// What picks the method that is meant, by the first param.
///
/// ```text
/// fn __select_0<S: Node>(service: &Arc<S>, cx: &Context, params: Params<'_>) -> Handler {
///     let choices: &[(&str, Start<S>)] = &[("newHeads", __Handlers::new_heads), …];
///     select(choices, service, cx, params)
/// }
/// ```
fn select(service: &Service, bound: &TokenStream, index: usize, row: &Row<'_>) -> TokenStream {
    if !row.is_selected() {
        return TokenStream::new();
    }
    let (private, owner, s) = (&service.private, handlers(), implementation(service));
    let (cfg, ident) = (row.cfg(), row.function(index));
    let choices = row.methods.iter().map(|method| {
        let (cfg, selector, ident) = (&method.cfg, method.selector(), again(&method.ident));
        quote!(#(#cfg)* (#selector, #owner::#ident))
    });
    let [service, cx, params, list] = ["service", "cx", "params", "choices"].map(local);
    quote! {
        #cfg
        fn #ident<#s: #bound>(
            #service: &::std::sync::Arc<#s>,
            #cx: &#private::Context,
            #params: #private::Params<'_>,
        ) -> #private::Handler {
            let #list: &[(&::core::primitive::str, #private::Start<#s>)] = &[#(#choices),*];
            #private::select(#list, #service, #cx, #params)
        }
    }
}

/// `MethodInfo::new("chat.join", …)…`, or that of a name with those of the methods it may mean:
/// `MethodInfo::new("eth_subscribe", …).with_selected(const { &[("logs", MethodInfo::new(…)), …] })`
fn row_info(private: &Path, row: &Row<'_>) -> TokenStream {
    let (cfg, name) = (row.cfg(), &*row.name.text);
    if !row.is_selected() {
        let infos = row.methods.iter().map(|method| info(private, method, name));
        return quote!(#cfg #(#infos)*);
    }
    let first = row.methods[0];
    let kind = kind(private, &first.kind);
    let ordered = first.ordered.then(|| quote!(.ordered()));
    let selected = row.methods.iter().map(|method| {
        let (cfg, selector) = (&method.cfg, method.selector());
        let info = info(private, method, name);
        quote!(#(#cfg)* (#selector, #info))
    });
    quote! {
        #cfg
        #private::MethodInfo::new(#name, #kind)
            .with_flags(#private::MethodFlags::new()#ordered)
            .with_selected(const { &[#(#selected),*] })
    }
}

/// `MethodInfo::new("chat.join", MethodKind::Request).with_params(&[…])…`
fn info(private: &Path, method: &Method, name: &str) -> TokenStream {
    let (docs, params) = (method.docs_text(), param_infos(private, method, None));
    let (kind, flags) = (kind(private, &method.kind), flags(method));
    let errors = error_codes(private, &method.output);
    quote! {
        #private::MethodInfo::new(#name, #kind)
            .with_params(const { #params })
            .with_flags(#private::MethodFlags::new()#flags)
            .with_errors(#errors)
            .with_docs(#docs)
    }
}

/// `Prefixed { name: true, item: false, unsubscribe: false }`
fn is_prefixed(private: &Path, row: &Row<'_>) -> TokenStream {
    let (item, unsubscribe) = match &row.methods[0].kind {
        Kind::Subscription(Subscription { item, unsubscribe, .. }) => {
            (item.is_prefixed, unsubscribe.is_prefixed)
        }
        Kind::Request { .. } | Kind::Notification => (false, false),
    };
    let (cfg, name) = (row.cfg(), row.name.is_prefixed);
    quote! {
        #cfg
        #private::Prefixed { name: #name, item: #item, unsubscribe: #unsubscribe }
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
