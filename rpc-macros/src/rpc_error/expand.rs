//! The implementation of `RpcError`: two matches, and the table of codes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Field, Fields, Path, Type};

use super::model::{ErrorType, FromCall, Variant};
use crate::errors::Errors;
use crate::tokens::{again, local, local_at, nested, param_infos, projection};

/// Returns the errors and the implementation.
pub(crate) fn rpc_error(error: &ErrorType, errors: &Errors) -> TokenStream {
    let errors = errors.to_compile_errors();
    // For a type with generics, an implementation would only cause further errors.
    let implementation = (!error.generic).then(|| implementation(error));
    let from_call = error.from_call.as_ref().filter(|_| !error.generic);
    let from_call = from_call.map(|from_call| conversion(error, from_call));
    quote!(#errors #implementation #from_call)
}

/// Returns the implementation.
///
/// ```text
/// enum ChatError {                          impl RpcError for ChatError {
///     #[rpc(code = 1001)]                       const CODES: &'static [ErrorInfo] = &[…];
///     Full { max: u32 },                        fn to_error_object(&self) -> ErrorObject {
/// }                                                 match self { Self::Full { max } => … }
///                                               }
///                                               fn from_error_object(…) -> Option<Self> {
///                                                   match error.code { 1001 => …, _ => None }
///                                               }
///                                           }
/// ```
fn implementation(error: &ErrorType) -> TokenStream {
    let ErrorType { private, ident, allowed, variants, mistaken, .. } = error;
    let codes = variants.iter().map(|variant| info(private, variant));
    let to = variants.iter().map(|variant| to_error_object(private, ident, variant));
    let from = variants.iter().map(|variant| from_error_object(private, variant));
    let untold = error.from_call.iter().filter(|from_call| !from_call.has_code && !mistaken);
    let untold = untold
        .map(|FromCall { path, .. }| quote!(#path { .. } => #private::ErrorObject::internal(),));
    // The type does not compile because of a reported mistake, so the arm never runs.
    let mistaken = mistaken.then(|| quote!(_ => ::core::unreachable!(),));
    let error = local("error");
    quote! {
        #(#allowed)*
        #[automatically_derived]
        impl #private::RpcError for #ident {
            const CODES: &'static [#private::ErrorInfo] = &[#(#codes),*];

            fn to_error_object(&self) -> #private::ErrorObject {
                match self { #(#to)* #(#untold)* #mistaken }
            }

            fn from_error_object(
                #error: &#private::ErrorObject,
            ) -> ::core::option::Option<Self> {
                match #error.code {
                    #(#from)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}

/// Returns the conversions that let a handler use `?` on its own calls.
///
/// ```text
/// #[rpc(code = 1, from_call)]    impl<E: RpcError + Into<ShopError>> From<CallError<E>> for ShopError {
/// Upstream,                          fn from(error: CallError<E>) -> Self {
///                                        match from_call(error) {
///                                            Ok(own) => own.into(),
///                                            Err(cause) => Self::Upstream {},
///                                        }
///                                    }
///                                }
///                                impl From<Infallible> for ShopError { … }
/// ```
fn conversion(error: &ErrorType, FromCall { path, cause, .. }: &FromCall) -> TokenStream {
    let ErrorType { private, ident, allowed, mistaken, .. } = error;
    let [own_error, error, own, why] = ["E", "error", "own", "cause"].map(local);
    let variant = match cause {
        _ if *mistaken => quote!(::core::unreachable!()),
        None => quote!(#path {}),
        Some(ty) => {
            let why = local_at("cause", ty.span());
            quote!(#path(#why))
        }
    };
    quote! {
        #(#allowed)*
        #[automatically_derived]
        impl<#own_error> ::core::convert::From<#private::CallError<#own_error>> for #ident
        where
            #own_error: #private::RpcError + ::core::convert::Into<#ident>,
        {
            fn from(#error: #private::CallError<#own_error>) -> Self {
                match #private::from_call(#error) {
                    ::core::result::Result::Ok(#own) => ::core::convert::Into::into(#own),
                    // A variant without the field drops the cause here.
                    ::core::result::Result::Err(#why) => #variant,
                }
            }
        }

        // For calls of methods that cannot fail.
        #(#allowed)*
        #[automatically_derived]
        impl ::core::convert::From<::core::convert::Infallible> for #ident {
            fn from(#error: ::core::convert::Infallible) -> Self {
                match #error {}
            }
        }
    }
}

/// Returns the description of a code. In a program that turned on the feature `schema` of `rpc_core`, it has the
/// schemas of the data: `described!` drops them without the feature.
///
/// ```text
/// described!(with_data_schema [ErrorInfo::new(1001, "Full").with_docs("…")] [
///     DataSchema::Object(const { &[FieldSchema { name: "max", ty: schema of u32, … }] })
/// ])
/// ```
fn info(private: &Path, Variant { name, code, docs, fields, .. }: &Variant) -> TokenStream {
    let name = name.unraw().to_string();
    let docs = (!docs.is_empty()).then_some(docs).into_iter();
    let data = data_schema(private, fields);
    quote! {
        #private::described!(with_data_schema
            [#private::ErrorInfo::new(#code, #name) #(.with_docs(#docs))*]
            [#private::DataSchema::#data])
    }
}

/// `Nothing`, `Value(schema of String)`, `Array(&[…])`, or `Object(&[FieldSchema { … }])`
fn data_schema(private: &Path, fields: &Fields) -> TokenStream {
    let types = fields.iter().map(|Field { ty, .. }| schema(private, ty));
    match fields {
        fields if fields.is_empty() => quote!(Nothing),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => quote!(Value(#(#types)*)),
        Fields::Unnamed(_) => quote!(Array(const { &[#(#types),*] })),
        Fields::Named(_) | Fields::Unit => {
            let members = fields.iter().zip(types).map(|(field, schema)| {
                let (name, ty) =
                    (field.ident.as_ref().map(|name| name.unraw().to_string()), &field.ty);
                quote! {
                    #private::FieldSchema {
                        name: #name,
                        ty: #schema,
                        may_be_left_out: {
                            use #private::UnknownAbsence as _;
                            #private::Absence::<#ty>::is_none
                        },
                    }
                }
            });
            quote!(Object(const { &[#(#members),*] }))
        }
    }
}

/// Returns the schema of a type, if the type has one.
fn schema(private: &Path, ty: &Type) -> TokenStream {
    quote! {
        {
            use #private::Undescribed as _;
            #private::SchemaProbe::<#ty>::TYPE
        }
    }
}

/// Returns the match arm from a variant to an error object.
///
/// ```text
/// NotMember            Self::NotMember {} => error_object(1003, self, None),
/// NoRoom(String)       Self::NoRoom(field_0) => error_object(1002, self, value_data(field_0)),
/// Full { max: u32 }    Self::Full { max: field_0 } =>
///                          error_object(1001, self, object_data(…, (field_0, ()))),
/// ```
fn to_error_object(private: &Path, ident: &Ident, variant: &Variant) -> TokenStream {
    let Variant { path, code, fields, .. } = variant;
    let names = bindings(fields);
    let list = nested(names.iter().map(ToTokens::to_token_stream));
    let data = match (fields, &*names) {
        (_, []) => quote!(::core::option::Option::None),
        (Fields::Unnamed(_), [field]) => quote!(#private::value_data(#field)),
        (Fields::Unnamed(_), _) => quote!(#private::array_data(#list)),
        _ => {
            let infos = infos(private, fields, &names);
            quote!(#private::object_data(#infos, #list))
        }
    };
    let fields = in_delimiters(fields, &names);
    // If `Display` is missing, rustc reports the error at the name of the type.
    let this = Ident::new("self", Span::call_site().located_at(ident.span()));
    quote!(#path #fields => #private::error_object(#code, #this, #data),)
}

/// Returns the match arm from an error object to a variant.
///
/// ```text
/// NotMember            1003 => Some(Self::NotMember {}),
/// NoRoom(String)       1002 => {
///                          let field_0 = error.data_as::<String>()?;
///                          Some(Self::NoRoom(field_0))
///                      }
/// Full { max: u32 }    1001 => {
///                          let (field_0, ()) = read_data::<(Param<u32>, ())>(error, …)?;
///                          Some(Self::Full { max: field_0.into_value() })
///                      }
/// ```
fn from_error_object(private: &Path, Variant { path, code, fields, .. }: &Variant) -> TokenStream {
    let names = bindings(fields);
    let error = local("error");
    let mut values: Vec<_> = names.iter().map(ToTokens::to_token_stream).collect();
    let read = match (fields, &*names) {
        (_, []) => TokenStream::new(),
        (Fields::Unnamed(_), [field]) => {
            let ty = fields.iter().map(|field| &field.ty);
            quote!(let #field = #error.data_as::<#(#ty)*>()?;)
        }
        _ => {
            let pattern = nested(names.iter().map(ToTokens::to_token_stream));
            let infos = infos(private, fields, &names);
            let slots = nested(fields.iter().map(|Field { ty, .. }| slot(private, ty)));
            values = names.iter().map(|name| quote!(#name.into_value())).collect();
            quote!(let #pattern = #private::read_data::<#slots>(#error, #infos)?;)
        }
    };
    let fields = in_delimiters(fields, &values);
    quote! {
        #code => {
            #read
            ::core::option::Option::Some(#path #fields)
        }
    }
}

/// `Param<u32>`
fn slot(private: &Path, ty: &Type) -> TokenStream {
    let value = projection(ty, &quote!(#private::Receive), "Value");
    quote!(#private::Param<#value>)
}

/// Returns a local name for each field, with the span of the field.
fn bindings(fields: &Fields) -> Vec<Ident> {
    let name = |(index, field): (usize, &Field)| {
        let place = field.ident.as_ref().map_or_else(|| field.ty.span(), Ident::span);
        local_at(&format!("field_{index}"), place)
    };
    fields.iter().enumerate().map(name).collect()
}

/// Returns `{ max: field_0 }` or `(field_0, field_1)`, for a pattern or an expression, and `{}` if there are no fields.
fn in_delimiters(fields: &Fields, values: &[impl ToTokens]) -> TokenStream {
    match fields {
        Fields::Unnamed(_) => quote!((#(#values),*)),
        Fields::Named(_) | Fields::Unit => {
            let names = fields.iter().filter_map(|field| field.ident.as_ref()).map(again);
            quote!({ #(#names: #values),* })
        }
    }
}

/// Returns `&[ParamInfo::new("max")]`. For tuple fields the names are not visible.
fn infos(private: &Path, fields: &Fields, bindings: &[Ident]) -> TokenStream {
    let names = fields.iter().zip(bindings);
    let names = names.map(|(field, binding)| field.ident.as_ref().unwrap_or(binding));
    let infos = param_infos(private, names.map(|name| name.unraw().to_string()));
    quote!(const { #infos })
}
