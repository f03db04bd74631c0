//! The calling half: a stub with the trait's methods.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use super::output::ok_and_err;
use super::quiet;
use crate::model::{Kind, Method, Output, Param, Service};
use crate::tokens::nested;

/// The stub.
///
/// ```text
/// trait Chat { … }      pub struct ChatClient<T = Peer> { target: T }
///                       impl<T> ChatClient<T> { pub fn new(target: T) -> Self { … } }
///                       impl ChatClient<Peer> { … }
/// ```
pub(super) fn expand(service: &Service) -> TokenStream {
    let Service { private, vis, cfg, ident, client, methods, .. } = service;
    let quiet = quiet();
    let about = format!("Calls the methods of [`{}`] at the other end.", ident.unraw());
    let methods = methods.iter().map(|method| stub(service, method));
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

        #(#cfg)*
        #quiet
        impl #client<#private::Peer> {
            #(#methods)*
        }
    }
}

fn stub(service: &Service, method: &Method) -> TokenStream {
    match method.kind {
        Kind::Request { .. } => request(service, method),
        Kind::Notification => notification(service, method),
    }
}

/// A method that is called.
///
/// ```text
/// async fn join(&self, cx: &Context, room: &str) -> Result<u32, ChatError>;
///
/// pub fn join(&self, room: &str) -> Call<u32, ChatError> {
///     call::<u32, ChatError>(&self.target, "chat.join", (room, ()))
/// }
/// ```
fn request(Service { private, vis, .. }: &Service, method: &Method) -> TokenStream {
    let Method { ident, cfg, name, output, .. } = method;
    let (docs, params, args) = (docs(method), params(method), args(method));
    let wire_name = &name.text;
    let (ok, err) = ok_and_err(output, private);
    let call = match output {
        Output::Nothing | Output::Plain(_) => quote!(#private::Call<#ok>),
        Output::Result { .. } | Output::Alias(_) => quote!(#private::Call<#ok, #err>),
    };
    quote! {
        #(#cfg)*
        #docs
        #vis fn #ident(&self #params) -> #call {
            #private::call::<#ok, #err>(&self.target, #wire_name, #args)
        }
    }
}

/// A method that is notified.
///
/// ```text
/// #[notification] async fn say(&self, text: &str);
///
/// pub fn say(&self, text: &str) -> Notify {
///     notify(&self.target, "chat.say", (text, ()))
/// }
/// pub fn try_say(&self, text: &str) -> Result<(), NotifyError> {
///     try_notify(&self.target, "chat.say", (text, ()))
/// }
/// ```
fn notification(Service { private, vis, .. }: &Service, method: &Method) -> TokenStream {
    let Method { ident, cfg, name, .. } = method;
    let (docs, params, args) = (docs(method), params(method), args(method));
    let (try_ident, wire_name) = (method.try_ident(), &name.text);
    let about = format!("`{}` without waiting: fails if the queue is full.", ident.unraw());
    quote! {
        #(#cfg)*
        #docs
        #vis fn #ident(&self #params) -> #private::Notify {
            #private::notify(&self.target, #wire_name, #args)
        }

        #(#cfg)*
        #[doc = #about]
        #vis fn #try_ident(
            &self #params
        ) -> ::core::result::Result<(), #private::NotifyError> {
            #private::try_notify(&self.target, #wire_name, #args)
        }
    }
}

/// The method's own documentation; a user's `deny(missing_docs)` must not fall on the stub too.
fn docs(method: &Method) -> TokenStream {
    let docs = &method.docs;
    let missing = docs.iter().all(|attr| !attr.path().is_ident("doc"));
    let about = missing.then(|| format!("Calls `{}`.", method.name.text)).into_iter();
    quote!(#(#docs)* #(#[doc = #about])*)
}

/// `, room: &str, text: &str`
fn params(method: &Method) -> TokenStream {
    let params = method.params().map(|Param { ident, ty, .. }| quote!(, #ident: #ty));
    params.collect()
}

/// `(room, (text, ()))`
fn args(method: &Method) -> TokenStream {
    nested(method.params().map(|param| param.ident.to_token_stream()))
}
