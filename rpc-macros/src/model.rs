//! The trait as checked plain data. All mistakes are found here and reported at once.

mod attributes;
mod case;
mod clashes;
mod deprecation;
mod docs;
mod kind;
mod method;
mod name;
mod output;
mod param;
mod selected;
mod signature;
mod types;

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Attribute, Ident, ItemTrait, LitStr, Path, PathSegment, TraitBound, TraitItem};
use syn::{TypeParamBound, Visibility, parse_quote};

pub(crate) use attributes::{allowed, hidden, one_of};
pub(crate) use case::Case;
pub(crate) use deprecation::Deprecation;
pub(crate) use docs::{of_params, text as docs_text};
pub(crate) use kind::{ATTRIBUTES, Kind, Run, Subscription};
pub(crate) use method::Method;
pub(crate) use output::Output;
pub(crate) use param::{Arg, Param, Progress};
pub(crate) use types::Stream;

use crate::errors::Errors;
use crate::parse::ServiceArgs;
use crate::tokens::by_macro;
use name::Naming;
pub(crate) use name::WireName;

/// A checked service trait.
pub(crate) struct Service {
    /// The path `rpc_core::private`, with all items that generated code uses.
    pub(crate) private: Path,
    pub(crate) vis: Visibility,
    pub(crate) cfg: Vec<Attribute>,
    /// `allow` attributes for the lints that the user allows, and for `deprecated` if the trait is deprecated.
    pub(crate) allowed: Vec<Attribute>,
    /// `#[deprecated]`, which the generated items repeat.
    pub(crate) deprecated: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) client: Ident,
    pub(crate) server: Ident,
    /// The name of the trait whose `dyn` implements this trait, if the attribute asks for it.
    pub(crate) dynamic: Option<Ident>,
    /// Whether each type must have a JSON Schema, in a program that asks for schemas.
    pub(crate) schema: bool,
    /// The version of the service.
    pub(crate) version: Option<LitStr>,
    /// The text of the documentation.
    pub(crate) docs: String,
    /// The prefix of the method names: the namespace and the separator.
    pub(crate) prefix: String,
    /// The separator after another namespace.
    pub(crate) separator: String,
    /// The methods without mistakes.
    pub(crate) methods: Vec<Method>,
    /// Whether the trait has generics, which is a mistake.
    pub(crate) generic: bool,
}

impl Service {
    /// Reads a trait. The service has all parts without mistakes even if there are errors, so that the compiler reports
    /// only the mistakes, and no missing items elsewhere.
    pub(crate) fn from_syn(args: TokenStream, item: &ItemTrait) -> (Self, Errors) {
        let mut errors = Errors::default();
        let args = ServiceArgs::new(args, &mut errors);
        let naming = Naming::new(&args, &mut errors);
        check_trait(item, &mut errors);
        if args.dynamic {
            check_supertraits(item, &mut errors);
        }
        let methods = methods(item, &naming, &args, &mut errors);
        let generic = !item.generics.params.is_empty();
        let (ident, name, krate) = (item.ident.clone(), item.ident.unraw(), args.krate);
        let place = by_macro(name.span());
        let service = Self {
            private: parse_quote!(#krate::private),
            vis: item.vis.clone(),
            cfg: attributes::named(&item.attrs, &["cfg"]),
            allowed: [attributes::allowed(&item.attrs), attributes::excused(&item.attrs)].concat(),
            deprecated: attributes::named(&item.attrs, &["deprecated"]),
            client: format_ident!("{name}Client", span = place),
            server: format_ident!("{name}Server", span = place),
            dynamic: args.dynamic.then(|| format_ident!("Dyn{name}", span = place)),
            schema: args.schema,
            version: args.version,
            ident,
            docs: docs::text(&item.attrs),
            prefix: naming.prefix,
            separator: naming.separator,
            methods: if generic { Vec::new() } else { methods },
            generic,
        };
        (service, errors)
    }
}

fn check_trait(item: &ItemTrait, errors: &mut Errors) {
    if let Some(token) = &item.unsafety {
        errors.at(token, "a service trait is not `unsafe`: remove it");
    }
    if !item.generics.params.is_empty() {
        errors.at(&item.generics, "a service trait has no generics: the other end cannot choose");
    }
    if let Some(clause) = &item.generics.where_clause {
        errors.at(clause, "a service trait has no `where` clause");
    }
}

/// The standard traits that are not `dyn` compatible, because they require `Self: Sized` or take `Self` as an
/// argument.
const SIZED: [&str; 9] =
    ["Sized", "Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// Checks for the likely supertraits that are not `dyn` compatible, because the compiler reports each as four errors.
/// The compiler finds all other such traits.
fn check_supertraits(item: &ItemTrait, errors: &mut Errors) {
    for bound in &item.supertraits {
        let TypeParamBound::Trait(TraitBound { path, .. }) = bound else { continue };
        let Some(PathSegment { ident, .. }) = path.segments.last() else { continue };
        if SIZED.iter().any(|name| ident == name) {
            errors
                .at(bound, format!("a `dyn` cannot be `{ident}`: remove it, or the option `dyn`"));
        }
    }
}

fn methods(
    item: &ItemTrait,
    naming: &Naming,
    args: &ServiceArgs,
    errors: &mut Errors,
) -> Vec<Method> {
    let mut methods = Vec::new();
    for item in &item.items {
        let repair = match item {
            TraitItem::Fn(item) => {
                methods.extend(errors.keep(Method::from_syn(item, naming, args)));
                continue;
            }
            TraitItem::Type(_) => "name the type itself",
            TraitItem::Const(_) => "move the constant out",
            _ => "write out what this makes",
        };
        errors.at(item, format!("a service trait has methods only: {repair}"));
    }
    clashes::check_wire_names(&methods, errors);
    selected::check(&methods, errors);
    clashes::remove_from_stub(&mut methods, errors);
    methods
}
