//! The client: a stub with the trait's methods, for each target of calls.

mod stub;
mod target;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::quiet;
use crate::model::Service;
use crate::tokens::local;
use stub::stub;
use target::Target;

/// Returns the stub.
///
/// ```text
/// trait Chat { … }      pub struct ChatClient<T = Peer> { target: T, namespace: Namespace }
///                       impl<T: Target> ChatClient<T> {
///                           pub fn new(target: T) -> Self { … }
///                           pub fn namespace(self, namespace: impl AsRef<str>) -> Self { … }
///                       }
///                       const _: () = {
///                           use {UnknownAbsence as _, Unsent as _};
///
///                           impl ChatClient<Peer> { … }
///                           impl ChatClient<&Batch> { … }
///                           impl ChatClient<Group> { … }
///                       };
/// ```
pub(super) fn expand(service: &Service) -> TokenStream {
    let (wrapper, quiet, private) = (wrapper(service), quiet(service), &service.private);
    let stubs = Target::ALL.map(|target| methods(service, target));
    quote! {
        #wrapper

        #quiet
        const _: () = {
            // Used only if a parameter cannot be sent or received; that error is reported elsewhere.
            use #private::{UnknownAbsence as _, Unsent as _};

            #(#stubs)*
        };
    }
}

/// Returns the struct and its constructors.
fn wrapper(service: &Service) -> TokenStream {
    let Service { private, vis, deprecated, ident, client, .. } = service;
    let (quiet, namespace) = (quiet(service), local("namespace"));
    let about = format!("Calls the methods of [`{}`] at the other end.", ident.unraw());
    quote! {
        #quiet
        #(#deprecated)*
        #[doc = #about]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #client<T = #private::Peer> {
            target: T,
            namespace: #private::Namespace,
        }

        #quiet
        impl<T: #private::Target> #client<T> {
            /// Creates a stub that sends calls to `target`.
            #[must_use]
            #vis const fn new(target: T) -> Self {
                Self { target, namespace: #private::Namespace::of_trait() }
            }

            /// Replaces the namespace of the trait. Full names, such as aliases, do not change.
            ///
            /// Each call allocates its name. If the namespace is empty, or a name in the namespace is reserved, calls
            /// and notifications fail with `Encode`.
            #[must_use]
            #vis fn namespace(
                self,
                #namespace: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> Self {
                Self {
                    namespace: #private::Namespace::new(::core::convert::AsRef::as_ref(&#namespace)),
                    ..self
                }
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
