//! The checked trait as Rust: the trait itself, the calling half and the serving half.

mod client;
mod dispatch;
mod dynamic;
mod handler;
mod info;
mod output;
mod server;
mod r#trait;
mod type_text;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Item, ItemTrait, LitStr, Path};

use crate::errors::Errors;
use crate::model::{Method, Param, Service};

/// All that a service trait becomes.
///
/// With errors it is the same, short of the methods that have them: the trait survives its
/// mistakes, so that there are no echoes wherever it and its stub are used.
pub(crate) fn service(service: &Service, item: &ItemTrait, errors: &Errors) -> TokenStream {
    let contract = r#trait::expand(item);
    let dynamic = dynamic::expand(service, &contract, errors.is_empty());
    let client = client::expand(service);
    let (server, info) = (server::expand(service), info::expand(service));
    let errors = errors.to_compile_errors();
    quote!(#errors #contract #dynamic #client #server #info)
}

/// The item as it is, and why it is no service.
pub(crate) fn not_a_trait(item: &Item) -> TokenStream {
    let error = Error::new(Span::call_site(), "`#[service]` stands on a trait").to_compile_error();
    quote!(#error #item)
}

/// What stands before all that is made. The trait says it all: what a lint finds in a name or a type,
/// it finds there, and would be an echo here. So all that the macro writes is [by the
/// macro](crate::tokens::by_macro), which keeps lints away, and nothing is allowed that the user did
/// not allow: under a `forbid` that would be an error.
fn quiet(Service { cfg, allowed, .. }: &Service) -> TokenStream {
    quote! {
        #(#cfg)*
        #(#allowed)*
        #[automatically_derived]
    }
}

/// `const { &Prefix { of_trait: "chat.", separator: "." } }`
fn prefix(Service { private, prefix, separator, .. }: &Service) -> TokenStream {
    quote!(const { &#private::Prefix { of_trait: #prefix, separator: #separator } })
}

/// `&[ParamInfo::new("room"), ParamInfo::stream("chunks")]`, or `&[ParamInfo::flattened("params")]`;
/// behind a selector, if one is given, which has no name but is told of by its text.
fn param_infos(private: &Path, method: &Method, selector: Option<&LitStr>) -> TokenStream {
    let selector = selector.map(|selector| {
        let text = format!("\"{}\"", selector.value());
        quote!(#private::ParamInfo::new(#text))
    });
    let infos = method.params().map(|param| param_info(private, param));
    let infos = selector.into_iter().chain(infos);
    quote!(&[#(#infos),*])
}

/// `ParamInfo::new("room")`
fn param_info(private: &Path, Param { name, stream, flatten, .. }: &Param) -> TokenStream {
    let new = match stream {
        Some(_) => "stream",
        None if *flatten => "flattened",
        None => "new",
    };
    let (name, new) = (&name.text, format_ident!("{new}"));
    quote!(#private::ParamInfo::#new(#name))
}
