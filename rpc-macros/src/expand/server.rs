//! The server: an implementation of the trait as a `Service`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use super::output::probe;
use super::{dispatch, handler, prefix, quiet};
use crate::model::Service;
use crate::tokens::local;

/// Returns the wrapper around an implementation, and its implementation of `Service`.
///
/// ```text
/// trait Chat { … }      pub struct ChatServer<S> { service: Arc<S>, names: Renamed }
///                       impl<S: Chat> ChatServer<S> { … }
///                       const _: () = {
///                           struct __Handlers;
///                           impl __Handlers { fn join(…) -> Handler { … } … }
///                           impl<S: Chat> Service for ChatServer<S> { … }
///                           impl<S: Chat> ChatServer<S> { pub fn namespace(…) -> Self { … } }
///                       };
/// ```
///
/// The handlers are functions of a type. As free functions they would hide the user's functions of the same names,
/// which a `#[param(validate = join)]` or a `[u8; join()]` may name.
pub(super) fn expand(service: &Service) -> TokenStream {
    let (wrapper, dispatch) = (wrapper(service), dispatch::expand(service, &bound(service)));
    let functions = service.methods.iter().map(|method| handler::expand(service, method));
    let probes = service.methods.iter().map(|method| probe(&service.private, method));
    let (quiet, handlers, server) = (quiet(service), handlers(), &service.server);
    let namespace = namespace(service);
    quote! {
        #wrapper

        // A program that is only one end does not use the other half. This use of the server prevents a warning about
        // dead code.
        #quiet
        const _: ::core::primitive::usize = ::core::mem::size_of::<#server<()>>();

        #quiet
        const _: () = {
            #(#probes)*

            struct #handlers;

            impl #handlers {
                #(#functions)*
            }

            #dispatch

            #namespace
        };
    }
}

/// Returns the type whose functions run the methods.
pub(super) fn handlers() -> Ident {
    local("Handlers")
}

/// Returns the type parameter of the server: `S`, unless the trait itself has this name.
pub(super) fn implementation(service: &Service) -> Ident {
    let name = if service.ident.unraw() == "S" { "__S" } else { "S" };
    Ident::new(name, Span::mixed_site())
}

/// Returns the struct and its constructors.
fn wrapper(service: &Service) -> TokenStream {
    let Service { private, vis, deprecated, ident, server, dynamic, .. } = service;
    let (quiet, bound, s) = (quiet(service), bound(service), implementation(service));
    let unsized_too = dynamic.as_ref().map(|_| quote!(: ?::core::marker::Sized));
    let sized = dynamic.as_ref().map(|_| quote!(where #s: ::core::marker::Sized,));
    let about = format!("Serves an implementation of [`{}`].", ident.unraw());
    let name = server.to_string();
    quote! {
        #quiet
        #(#deprecated)*
        #[doc = #about]
        #vis struct #server<#s #unsized_too> {
            service: ::std::sync::Arc<#s>,
            names: #private::Renamed,
        }

        #quiet
        impl<#s: #bound> #server<#s> {
            /// Serves `service`.
            #[must_use]
            #vis fn new(service: #s) -> Self
            #sized
            {
                Self::shared(::std::sync::Arc::new(service))
            }

            /// Serves a shared `service`.
            #[must_use]
            #vis const fn shared(service: ::std::sync::Arc<#s>) -> Self {
                Self { service, names: #private::Renamed::not() }
            }
        }

        #quiet
        impl<#s #unsized_too> ::core::clone::Clone for #server<#s> {
            fn clone(&self) -> Self {
                Self {
                    service: ::core::clone::Clone::clone(&self.service),
                    names: ::core::clone::Clone::clone(&self.names),
                }
            }
        }

        #quiet
        impl<#s #unsized_too> ::core::fmt::Debug for #server<#s> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name).finish_non_exhaustive()
            }
        }
    }
}

/// Returns the method `namespace`, which needs the private tables of the handlers.
///
/// ```text
/// impl<S: Chat> ChatServer<S> {
///     pub fn namespace(self, namespace: impl AsRef<str>) -> Self { … }
/// }
/// ```
fn namespace(service: &Service) -> TokenStream {
    let Service { private, vis, server, .. } = service;
    let (prefix, bound, s) = (prefix(service), bound(service), implementation(service));
    let (owner, namespace) = (handlers(), local("namespace"));
    let prefixed = local("PREFIXED");
    quote! {
        impl<#s: #bound> #server<#s> {
            /// Replaces the namespace of the trait. Full names, such as aliases, do not change.
            ///
            /// If the namespace is empty, or a name in the namespace is reserved, the builder of the server or client
            /// returns an error.
            #[must_use]
            #vis fn namespace(
                self,
                #namespace: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> Self {
                Self {
                    names: #private::Renamed::to(
                        ::core::convert::AsRef::as_ref(&#namespace),
                        #prefix,
                        <#server<()>>::METHODS,
                        #owner::#prefixed,
                    ),
                    ..self
                }
            }
        }
    }
}

/// Returns the bounds of an implementation. For a trait with generics, which is a reported mistake, the bounds do not
/// name the trait, because the name without its arguments would cause a further error.
pub(super) fn bound(service: &Service) -> TokenStream {
    let contract = if service.generic {
        quote!(::core::marker::Send + ::core::marker::Sync + 'static)
    } else {
        service.ident.to_token_stream()
    };
    let unsized_too = service.dynamic.as_ref().map(|_| quote!(+ ?::core::marker::Sized));
    quote!(#contract #unsized_too)
}
