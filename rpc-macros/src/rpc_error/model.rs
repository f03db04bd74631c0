//! An error type as checked plain data. All mistakes are found here and reported at once.

use syn::{Attribute, Data, DataEnum, DeriveInput, Fields, Ident, Path, Type, parse_quote};

use crate::errors::Errors;
use crate::model::{allowed, docs_text};
use crate::parse::{self, Code, VariantArgs};
use crate::tokens::again;

/// An enum or a struct that can travel as an error object.
pub(crate) struct ErrorType {
    /// The path `rpc_core::private`, with all items that generated code uses.
    pub(super) private: Path,
    pub(super) ident: Ident,
    /// The `allow` attributes of the user.
    pub(super) allowed: Vec<Attribute>,
    /// Whether the type has generics, which is a mistake.
    pub(super) generic: bool,
    pub(super) variants: Vec<Variant>,
    /// The variant for failed calls of a handler.
    pub(super) from_call: Option<FromCall>,
    /// Whether there are mistakes. They are reported, and `variants` is empty.
    pub(super) mistaken: bool,
}

/// The variant for failed calls.
pub(super) struct FromCall {
    /// `Self::Upstream`
    pub(super) path: Path,
    /// The type of the field that holds the cause, if there is one.
    pub(super) cause: Option<Box<Type>>,
    /// Whether the variant has a code. Without a code the caller gets an internal error.
    pub(super) has_code: bool,
}

/// The Rust value of one code: a variant, or a whole struct.
pub(super) struct Variant {
    pub(super) name: Ident,
    /// `Self::Full`, or the `Self` of a struct.
    pub(super) path: Path,
    pub(super) code: i64,
    /// The text of the documentation.
    pub(super) docs: String,
    pub(super) fields: Fields,
}

impl ErrorType {
    /// Reads a type. A type with mistakes has no variants, but is still an error type, so that the compiler reports
    /// only the mistakes and no consequences elsewhere.
    pub(crate) fn from_syn(item: &DeriveInput) -> (Self, Errors) {
        let mut errors = Errors::default();
        let generic = !item.generics.params.is_empty();
        if generic {
            let message = "the other end must know all types: an `RpcError` has no generics";
            errors.at(&item.generics, message);
        }
        let mut from_call = None;
        let (krate, mut variants) = match &item.data {
            Data::Enum(data) => of_enum(item, data, &mut from_call, &mut errors),
            Data::Struct(data) => of_struct(item, &data.fields, &mut errors),
            Data::Union(data) => {
                errors.at(data.union_token, "an `RpcError` is an enum or a struct");
                (parse::error_enum(&item.attrs, &mut errors), Vec::new())
            }
        };
        let mistaken = !errors.is_empty();
        if mistaken {
            variants.clear();
        }
        let (private, ident) = (parse_quote!(#krate::private), item.ident.clone());
        let allowed = allowed(&item.attrs);
        (Self { private, ident, allowed, generic, variants, from_call, mistaken }, errors)
    }
}

fn of_enum(
    item: &DeriveInput,
    data: &DataEnum,
    from_call: &mut Option<FromCall>,
    errors: &mut Errors,
) -> (Path, Vec<Variant>) {
    let krate = parse::error_enum(&item.attrs, errors);
    if data.variants.is_empty() {
        let message = "an `RpcError` has variants: for what cannot fail there is `Infallible`";
        errors.at(&item.ident, message);
    }
    let (mut variants, mut codes) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        let name = &variant.ident;
        check_no_field_attributes(&variant.fields, errors);
        let VariantArgs { code, from_call: word } = VariantArgs::new(variant, errors);
        if let Some(word) = word {
            if from_call.is_some() {
                errors.at(word, "a second `from_call`: one variant stands for all failed calls");
            }
            *from_call = Some(FromCall::new(name, code.is_some(), &variant.fields, errors));
        }
        if let Some(code) = code {
            check_code(&code, errors);
            check_repeated(&code, &codes, errors);
            let path = again(name);
            let docs = docs_text(&variant.attrs);
            let path = parse_quote!(Self::#path);
            variants.push(Variant::new(name, path, &code, docs, &variant.fields));
            codes.push((code.value, name));
        }
    }
    (krate, variants)
}

fn of_struct(item: &DeriveInput, fields: &Fields, errors: &mut Errors) -> (Path, Vec<Variant>) {
    let (krate, code) = parse::error_struct(item, errors);
    check_no_field_attributes(fields, errors);
    let variant = |code| {
        check_code(&code, errors);
        Variant::new(&item.ident, parse_quote!(Self), &code, docs_text(&item.attrs), fields)
    };
    (krate, code.map(variant).into_iter().collect())
}

impl FromCall {
    fn new(name: &Ident, has_code: bool, fields: &Fields, errors: &mut Errors) -> Self {
        let cause = match fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                Some(Box::new(fields.unnamed[0].ty.clone()))
            }
            _ => None,
        };
        if has_code && !fields.is_empty() {
            let message =
                "the cause of a failed call is not sent: remove the fields, or the `code`";
            errors.at(fields, message);
        } else if !fields.is_empty() && cause.is_none() {
            let message = format!("write `{name}`, or `{name}(CallError)` to keep the cause");
            errors.at(fields, message);
        }
        let path = again(name);
        Self { path: parse_quote!(Self::#path), cause, has_code }
    }
}

impl Variant {
    fn new(name: &Ident, path: Path, code: &Code, docs: String, fields: &Fields) -> Self {
        Self { name: name.clone(), path, code: code.value, docs, fields: fields.clone() }
    }
}

fn check_code(code: &Code, errors: &mut Errors) {
    // The same as `ErrorCode::is_reserved` of rpc-core, on which this crate cannot depend.
    if matches!(code.value, -32768..=-32000 | -32800) {
        let message =
            "reserved for the protocol: choose a code outside -32768 to -32000 and -32800";
        errors.at(&code.written, message);
    }
}

fn check_repeated(code: &Code, earlier: &[(i64, &Ident)], errors: &mut Errors) {
    if let Some((value, name)) = earlier.iter().find(|(value, _)| *value == code.value) {
        errors.at(&code.written, format!("{value} is already the code of `{name}`"));
    }
}

fn check_no_field_attributes(fields: &Fields, errors: &mut Errors) {
    for field in fields {
        if let Some(attr) = parse::find(&field.attrs, "rpc") {
            errors.at(attr, "`#[rpc]` stands on a variant, not on its fields");
        }
    }
}
