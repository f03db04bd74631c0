//! The generated code: the trait itself, the client and the server.

mod client;
mod dispatch;
mod dynamic;
mod handler;
mod info;
mod output;
mod schemas;
mod server;
mod r#trait;
mod type_text;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Item, ItemTrait, LitStr, Path};

use crate::errors::Errors;
use crate::model::{Method, Param, Service};

/// Returns all code that is generated for a service trait.
///
/// If there are errors, only the methods with errors are left out, so that no further errors appear at the uses of the
/// trait and its stub.
pub(crate) fn service(service: &Service, item: &ItemTrait, errors: &Errors) -> TokenStream {
    let contract = r#trait::expand(item);
    let dynamic = dynamic::expand(service, &contract, errors.is_empty());
    let client = client::expand(service);
    let (server, info) = (server::expand(service), info::expand(service));
    let errors = errors.to_compile_errors();
    quote!(#errors #contract #dynamic #client #server #info)
}

/// Returns the unchanged item, with an error that it is no trait.
pub(crate) fn not_a_trait(item: &Item) -> TokenStream {
    let error = Error::new(Span::call_site(), "`#[service]` stands on a trait").to_compile_error();
    quote!(#error #item)
}

/// Returns the attributes of the generated items. A lint about a name or a type fires at the trait, and must not fire
/// again in generated code. So all generated tokens are [by the macro](crate::tokens::by_macro), which lints ignore.
/// The macro allows only the lints that the user allows, because an `allow` under a `forbid` is an error.
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

/// Returns `&[ParamInfo::new("room"), ParamInfo::stream("chunks")]`, or `&[ParamInfo::flattened("params")]`. A selector
/// comes first; it has no name, so its text is shown instead.
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
