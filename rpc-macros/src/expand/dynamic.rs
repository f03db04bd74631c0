//! `dyn DynChat`: implementations whose type is known only at run time.
//!
//! The trait returns futures of unnamed types, so the trait is not `dyn` compatible. A second trait boxes the futures.
//! Every implementation of the first trait implements the second, and the `dyn` of the second implements the first. So
//! an implementation needs no changes, and pays for boxes only behind a `dyn`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{ItemTrait, Lifetime, Path, Type, TypeReference, parse_quote};

use super::{output, quiet};
use crate::model::{Arg, Method, Param, Progress, Service};
use crate::tokens::{again, by_macro, local, local_at};

/// Returns the trait that boxes futures, and the implementations between this trait and the service trait.
///
/// ```text
/// trait Chat { … }      pub trait DynChat: Send + Sync + 'static { … }
///                       impl<__S: Chat> DynChat for __S { … }
///                       impl Chat for dyn DynChat { … }
/// ```
///
/// The last implementation is generated only if the trait is `whole`. If a method is left out for its mistakes, the
/// implementation would cause a further error.
pub(super) fn expand(service: &Service, contract: &ItemTrait, whole: bool) -> TokenStream {
    let Service { vis, deprecated, ident, methods, .. } = service;
    let Some(dynamic) = service.dynamic.as_ref().filter(|_| !service.generic) else {
        return TokenStream::new();
    };
    let (quiet, supertraits) = (quiet(service), &contract.supertraits);
    let about = format!(
        "Any [`{0}`]: `dyn {1}` implements `{0}`, and whatever implements `{0}` can be made one.",
        ident.unraw(),
        dynamic.unraw()
    );
    let declared = methods.iter().map(|method| {
        let head = boxed_head(service, method);
        quote!(#head;)
    });
    // `__S`, because users may have a type `S`.
    let boxed = methods.iter().map(|method| boxed(service, method));
    let unboxed = methods.iter().map(|method| unboxed(service, dynamic, method));
    let contract = whole.then(|| {
        quote! {
            #quiet
            impl #ident for dyn #dynamic {
                #(#unboxed)*
            }
        }
    });
    quote! {
        #quiet
        #(#deprecated)*
        #[doc = #about]
        #vis trait #dynamic: #supertraits {
            #(#declared)*
        }

        #quiet
        impl<__S: #ident> #dynamic for __S {
            #(#boxed)*
        }

        #contract
    }
}

/// Returns the signature of the boxed method. The method has another name, so that only one trait in scope has a
/// `join`. One lifetime is enough for all references, because only the shortest one matters.
///
/// ```text
/// async fn join(&self, cx: &Context, room: &str) -> u32;
///
/// fn dyn_join<'call>(&'call self, cx: &'call Context, room: &'call str)
///     -> Pin<Box<dyn Future<Output = u32> + Send + 'call>>
/// ```
fn boxed_head(Service { private, .. }: &Service, method: &Method) -> TokenStream {
    let Method { cfg, allowed, is_async, output, .. } = method;
    let (name, call) = (boxed_name(method), call_lifetime());
    let params = params(private, method, Some(&call));
    let result = output::written(output);
    let result = if *is_async {
        quote! {
            ::core::pin::Pin<::std::boxed::Box<
                dyn ::core::future::Future<Output = #result> + ::core::marker::Send + #call,
            >>
        }
    } else {
        result
    };
    quote! {
        #(#cfg)*
        #(#allowed)*
        #[doc(hidden)]
        fn #name<#call>(&#call self #params) -> #result
    }
}

/// `fn dyn_join<'call>(…) -> … { Box::pin(Chat::join(self, cx, room)) }`
fn boxed(service: &Service, method: &Method) -> TokenStream {
    let Service { ident: contract, .. } = service;
    let (head, name, args) = (boxed_head(service, method), again(&method.ident), args(method));
    let call = quote!(<__S as #contract>::#name(self #(, #args)*));
    let body = if method.is_async { quote!(::std::boxed::Box::pin(#call)) } else { call };
    quote!(#head { #body })
}

/// Returns the method of the service trait, where each reference has its own lifetime.
///
/// ```text
/// fn join(&self, cx: &Context, room: &str) -> impl Future<Output = u32> + Send {
///     async move { DynChat::dyn_join(self, cx, room).await }
/// }
/// ```
fn unboxed(Service { private, .. }: &Service, dynamic: &Ident, method: &Method) -> TokenStream {
    let Method { cfg, allowed, is_async, output, .. } = method;
    let ident = again(&method.ident);
    let (params, name, args) = (params(private, method, None), boxed_name(method), args(method));
    let (result, call) = (output::written(output), quote!(#dynamic::#name(self #(, #args)*)));
    let (result, body) = if *is_async {
        let future = quote!(::core::future::Future<Output = #result> + ::core::marker::Send);
        (quote!(impl #future), quote!(async move { #call.await }))
    } else {
        (result, call)
    };
    quote! {
        #(#cfg)*
        #(#allowed)*
        fn #ident(&self #params) -> #result {
            #body
        }
    }
}

fn boxed_name(method: &Method) -> Ident {
    format_ident!("dyn_{}", method.ident.unraw(), span = by_macro(method.ident.span()))
}

fn call_lifetime() -> Lifetime {
    parse_quote!('call)
}

/// `, cx: &'call Context, room: &'call str`
fn params(private: &Path, method: &Method, lifetime: Option<&Lifetime>) -> TokenStream {
    let params = method.args.iter().zip(args(method)).map(|(arg, name)| {
        let mut ty: Type = match arg {
            Arg::Context => parse_quote!(&#private::Context),
            Arg::Progress(progress) => Type::clone(&progress.ty),
            Arg::Param(param) => Type::clone(&param.ty),
        };
        if let Some(lifetime) = lifetime {
            Name(lifetime).visit_type_mut(&mut ty);
        }
        quote!(, #name: #ty)
    });
    params.collect()
}

/// Returns names for the arguments: `cx`, `arg_1`. The user does not see these names.
fn args(method: &Method) -> impl Iterator<Item = Ident> {
    method.args.iter().enumerate().map(|(index, arg)| match arg {
        Arg::Context => local("cx"),
        Arg::Progress(Progress { ident, .. }) | Arg::Param(Param { ident, .. }) => {
            local_at(&format!("arg_{index}"), ident.span())
        }
    })
}

/// Gives a name to elided lifetimes and to `'_`.
struct Name<'a>(&'a Lifetime);

impl VisitMut for Name<'_> {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        reference.lifetime.get_or_insert_with(|| self.0.clone());
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.0.clone();
        }
    }
}
