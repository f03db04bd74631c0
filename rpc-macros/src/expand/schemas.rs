//! The JSON Schemas of a method's types, for a program that turned on the feature `schema` of `rpc_core`.
//!
//! A macro cannot see the features of another crate. So all tokens about schemas are arguments of the macro
//! `described!` of `rpc_core`, which drops them without the feature.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use super::handler::owned;
use super::output::{error_codes, item_and_error, ok_and_err};
use crate::model::{Kind, Method, Output, Param, Service, Stream, Subscription};
use crate::tokens::{by_macro, ends, projection};

/// Adds the schemas of a method to its description.
///
/// ```text
/// described!(with_schemas [MethodInfo::new(…)…] [
///     MethodSchemas::of_answer(schema of Vec<String>).with_progress(schema of u64)
/// ])
/// ```
pub(super) fn of_method(service: &Service, method: &Method, info: &TokenStream) -> TokenStream {
    let private = &service.private;
    let answer = match &method.kind {
        Kind::Subscription(Subscription { stream: Stream { item, .. }, .. }) => {
            schema(service, item)
        }
        Kind::Notification => quote!(::core::option::Option::None),
        Kind::Request { .. } => schema(service, &ok_and_err(&method.output, private).0),
    };
    let progress = method.progress().map(|progress| schema(service, &progress.value)).into_iter();
    let item_errors = match &method.kind {
        Kind::Subscription(Subscription { stream, .. }) => Some(stream_codes(private, stream)),
        Kind::Request { .. } | Kind::Notification => None,
    };
    let item_errors = item_errors.into_iter();
    // In a block, because attributes of a macro call do not reach what the macro makes.
    quote! {
        {
            #private::described!(with_schemas [#info] [
                #private::MethodSchemas::of_answer(#answer)
                    #(.with_progress(#progress))*
                    #(.with_item_errors(#item_errors))*
            ])
        }
    }
}

/// Adds the schemas of a parameter to its description.
pub(super) fn of_param(service: &Service, param: &Param, info: &TokenStream) -> TokenStream {
    let private = &service.private;
    let (value, errors) = match &param.stream {
        Some(stream) => (schema(service, &stream.item), stream_codes(private, stream)),
        None => (schema(service, &owned(param)), quote!(&[])),
    };
    quote! {
        #private::described!(with_param_schemas [#info] [
            #private::ParamSchemas::new(#value, #errors)
        ])
    }
}

/// Returns the assertions that the data of all errors have schemas, if the trait demands schemas.
///
/// ```text
/// described!([const _: () = assert!(are_described(<ChatError as RpcError>::CODES), "…");]);
/// ```
pub(super) fn checks(service: &Service) -> TokenStream {
    if !service.schema {
        return TokenStream::new();
    }
    let private = &service.private;
    let checks = service.methods.iter().map(|method| {
        let returned = match &method.kind {
            Kind::Subscription(subscription) => Some(&subscription.stream),
            Kind::Request { .. } | Kind::Notification => None,
        };
        let streams = method.params().filter_map(|param| param.stream.as_ref()).chain(returned);
        let errors = streams.filter_map(|stream| stream.error.as_ref()).map(|error| {
            (error.to_token_stream(), projection(error, &quote!(#private::RpcError), "CODES"))
        });
        let of_method = match &method.output {
            Output::Result { err, .. } => Some(err.to_token_stream()),
            Output::Alias(ty) => Some(ty.to_token_stream()),
            Output::Plain(_) | Output::Nothing => None,
        };
        let of_method = of_method.map(|place| (place, error_codes(private, &method.output)));
        let (cfg, allowed) = (&method.cfg, &method.allowed);
        let asserts = of_method.into_iter().chain(errors).map(|(place, codes)| {
            let (first, _) = ends(&place);
            let message = "the data of this error have no schema: derive `JsonSchema` for the types \
                           of its fields";
            let assert = quote_spanned!(by_macro(first)=>
                ::core::assert!(#private::are_described(#codes), #message));
            quote!(#(#cfg)* #(#allowed)* const _: () = #assert;)
        });
        quote!(#(#asserts)*)
    });
    quote!(#private::described!([#(#checks)*]);)
}

/// Returns the schema of a type. A trait that demands schemas requires that the type has one:
/// `Some(<User as Described>::TYPE)`. For others the compiler finds out: `SchemaProbe::<User>::TYPE`.
fn schema(service: &Service, ty: &impl ToTokens) -> TokenStream {
    let private = &service.private;
    if service.schema {
        let schema = projection(ty, &quote!(#private::Described), "TYPE");
        return quote!(::core::option::Option::Some(#schema));
    }
    quote! {
        {
            use #private::Undescribed as _;
            #private::SchemaProbe::<#ty>::TYPE
        }
    }
}

/// `<FeedError as StreamErrorType>::STREAM_CODES`, or `&[]` for a stream without an error type.
fn stream_codes(private: &Path, stream: &Stream) -> TokenStream {
    if stream.error.is_none() {
        return quote!(&[]);
    }
    let (_, error) = item_and_error(private, stream);
    projection(&error, &quote!(#private::StreamErrorType), "STREAM_CODES")
}
