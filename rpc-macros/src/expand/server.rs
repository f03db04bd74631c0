//! The serving half: an implementation of the trait as a `Service`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use super::{dispatch, handler, quiet};
use crate::model::Service;

/// The wrapper around an implementation, and what makes a service of it.
///
/// ```text
/// trait Chat { … }      pub struct ChatServer<S> { service: Arc<S> }
///                       impl<S: Chat> ChatServer<S> { … }
///                       const _: () = {
///                           fn join(…) -> Handler { … }
///                           impl<S: Chat> Service for ChatServer<S> { … }
///                       };
/// ```
pub(super) fn expand(service: &Service) -> TokenStream {
    let (wrapper, dispatch) = (wrapper(service), dispatch::expand(service, &bound(service)));
    let handlers = service.methods.iter().map(|method| handler::expand(service, method));
    let (quiet, cfg) = (quiet(), &service.cfg);
    quote! {
        #wrapper

        #(#cfg)*
        #quiet
        const _: () = {
            #(#handlers)*
            #dispatch
        };
    }
}

/// The struct and how it is made.
fn wrapper(service: &Service) -> TokenStream {
    let Service { vis, cfg, ident, server, dynamic, .. } = service;
    let (quiet, bound) = (quiet(), bound(service));
    let unsized_too = dynamic.as_ref().map(|_| quote!(: ?::core::marker::Sized));
    let sized = dynamic.as_ref().map(|_| quote!(where S: ::core::marker::Sized,));
    let about = format!("Serves an implementation of [`{}`].", ident.unraw());
    let name = server.to_string();
    quote! {
        #(#cfg)*
        #quiet
        #[doc = #about]
        #vis struct #server<S #unsized_too> {
            service: ::std::sync::Arc<S>,
        }

        #(#cfg)*
        #quiet
        impl<S: #bound> #server<S> {
            /// Serves `service`.
            #[must_use]
            #vis fn new(service: S) -> Self
            #sized
            {
                Self::shared(::std::sync::Arc::new(service))
            }

            /// Serves `service`, which others hold as well.
            #[must_use]
            #vis const fn shared(service: ::std::sync::Arc<S>) -> Self {
                Self { service }
            }
        }

        #(#cfg)*
        #quiet
        impl<S #unsized_too> ::core::clone::Clone for #server<S> {
            fn clone(&self) -> Self {
                Self { service: ::core::clone::Clone::clone(&self.service) }
            }
        }

        #(#cfg)*
        #quiet
        impl<S #unsized_too> ::core::fmt::Debug for #server<S> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name).finish_non_exhaustive()
            }
        }
    }
}

/// What is asked of an implementation. Of a trait with generics, which is a mistake that was told,
/// only what all services need: naming the trait without its arguments would be an echo.
pub(super) fn bound(service: &Service) -> TokenStream {
    let contract = if service.generic {
        quote!(::core::marker::Send + ::core::marker::Sync + 'static)
    } else {
        service.ident.to_token_stream()
    };
    let unsized_too = service.dynamic.as_ref().map(|_| quote!(+ ?::core::marker::Sized));
    quote!(#contract #unsized_too)
}
