//! The calling half: a stub with the trait's methods, for each target that they may be sent to.

mod stub;
mod target;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use super::quiet;
use crate::model::Service;
use crate::tokens::local;
use stub::stub;
use target::Target;

/// The stub.
///
/// ```text
/// trait Chat { … }      pub struct ChatClient<T = Peer> { target: T }
///                       impl<T> ChatClient<T> { pub fn new(target: T) -> Self { … } }
///                       const _: () = {
///                           impl ChatClient<Peer> { … }
///                           impl ChatClient<&Batch> { … }
///                           impl ChatClient<Group> { … }
///                       };
/// ```
pub(super) fn expand(service: &Service) -> TokenStream {
    let Service { private, cfg, .. } = service;
    let (wrapper, quiet) = (wrapper(service), quiet());
    let (sent, by_name) = (stub::sent(Span::call_site()), local("by_name"));
    let stubs = Target::ALL.map(|target| methods(service, target));
    quote! {
        #wrapper

        #(#cfg)*
        #quiet
        const _: () = {
            // What is sent goes through here: what cannot be is told in the same words for each
            // target, and so once.
            fn #sent<T>(value: T) -> T
            where
                (T, ()): #private::ArgList,
            {
                value
            }

            fn #by_name<L: #private::ArgList>(
                names: &'static [#private::ParamInfo],
                list: L,
            ) -> impl #private::Arguments {
                #private::ByName::new(names, list)
            }

            #(#stubs)*
        };
    }
}

/// The struct and how it is made.
fn wrapper(Service { private, vis, cfg, ident, client, .. }: &Service) -> TokenStream {
    let quiet = quiet();
    let about = format!("Calls the methods of [`{}`] at the other end.", ident.unraw());
    quote! {
        #(#cfg)*
        #quiet
        #[doc = #about]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client<T = #private::Peer> {
            target: T,
        }

        #(#cfg)*
        #quiet
        impl<T> #client<T> {
            /// A stub whose calls go to `target`.
            #[must_use]
            #vis const fn new(target: T) -> Self {
                Self { target }
            }
        }
    }
}

/// `impl ChatClient<Peer> { … }`
fn methods(service: &Service, target: Target) -> TokenStream {
    let Service { private, client, methods, .. } = service;
    let ty = target.ty(private);
    let methods = methods.iter().map(|method| stub(service, target, method));
    quote! {
        impl #client<#ty> {
            #(#methods)*
        }
    }
}
