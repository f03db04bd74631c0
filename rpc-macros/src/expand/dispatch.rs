//! The dispatch from the index of a method to its handler.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;
use syn::ext::IdentExt;

use super::server::{handlers, implementation};
use crate::model::{Kind, Method, Service, Subscription, WireName, one_of};
use crate::tokens::{again, local};

/// Returns two tables in the order of the [method descriptions](super::info): the names that begin with the prefix of
/// the trait, and the handlers.
///
/// ```text
/// impl __Handlers {
///     const __PREFIXED: &[Prefixed] = &[Prefixed { name: true, … }, …];
/// }
/// impl<S: Chat> Service for ChatServer<S> {
///     fn methods(&self) -> &[MethodInfo] {
///         self.names.methods(ChatServer::METHODS)
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
    let prefixed_of = rows.iter().map(|row| is_prefixed(private, row));
    let contract = service.ident.unraw().to_string();
    let (owner, s) = (handlers(), implementation(service));
    let selects = rows.iter().enumerate().map(|(index, row)| select(service, bound, index, row));
    let functions = rows.iter().enumerate().map(|(index, row)| {
        let (cfg, ident) = (row.cfg(), row.function(index));
        quote!(#cfg #owner::#ident)
    });
    let [method, cx, params, handlers] = ["method", "cx", "params", "handlers"].map(local);
    // Outside of the generic implementation, because a user's type may have the name of its type parameter.
    let prefixed = local("PREFIXED");
    quote! {
        impl #owner {
            const #prefixed: &'static [#private::Prefixed] = &[#(#prefixed_of),*];

            #(#selects)*
        }

        impl<#s: #bound> #private::Service for #server<#s> {
            fn methods(&self) -> &[#private::MethodInfo] {
                self.names.methods(<#server<()>>::METHODS)
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

/// A name on the wire with its method, or with several methods of which the first param selects one.
pub(super) struct Row<'a> {
    pub(super) name: &'a WireName,
    pub(super) methods: Vec<&'a Method>,
}

impl Row<'_> {
    /// Returns whether the first param selects the method.
    pub(super) fn is_selected(&self) -> bool {
        self.methods.iter().any(|method| method.selector().is_some())
    }

    /// Returns the `cfg` of the row: the row exists if one of its methods exists.
    pub(super) fn cfg(&self) -> TokenStream {
        match &*self.methods {
            [Method { cfg, .. }] => quote!(#(#cfg)*),
            methods => one_of(methods.iter().map(|method| &*method.cfg)),
        }
    }

    /// Returns the name of the handler.
    fn function(&self, index: usize) -> Ident {
        match &*self.methods {
            [method] if !self.is_selected() => again(&method.ident),
            _ => local(&format!("select_{index}")),
        }
    }
}

/// Returns the methods, first under their own names, then under their aliases.
pub(super) fn rows(service: &Service) -> Vec<Row<'_>> {
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

/// Returns the handler that selects the method by the first param.
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
