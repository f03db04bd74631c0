//! The trait as checked plain data. Every mistake is found here, and all of them at once.

mod attributes;
mod case;
mod clashes;
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
use syn::{Attribute, Ident, ItemTrait, Path, PathSegment, TraitBound, TraitItem};
use syn::{TypeParamBound, Visibility, parse_quote};

pub(crate) use attributes::{allowed, hidden, one_of};
pub(crate) use case::Case;
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

/// What is made of a trait.
pub(crate) struct Service {
    /// `rpc_core::private`: all that generated code reaches.
    pub(crate) private: Path,
    pub(crate) vis: Visibility,
    pub(crate) cfg: Vec<Attribute>,
    /// What the user allows, and uses of what is deprecated where the trait is.
    pub(crate) allowed: Vec<Attribute>,
    /// `#[deprecated]`, which what is made of the trait is as well.
    pub(crate) deprecated: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) client: Ident,
    pub(crate) server: Ident,
    /// The trait whose `dyn` implements this one, if it is asked for.
    pub(crate) dynamic: Option<Ident>,
    /// The text of the documentation.
    pub(crate) docs: String,
    /// What names of methods begin with: namespace and separator.
    pub(crate) prefix: String,
    /// What stands after another namespace.
    pub(crate) separator: String,
    /// Those without a mistake.
    pub(crate) methods: Vec<Method>,
    /// Whether the trait has generics, which is a mistake: nobody can implement it for a peer.
    pub(crate) generic: bool,
}

impl Service {
    /// Reads a trait. What has no mistake is in the service even if there are errors, so that
    /// the rest of the crate hears of the mistakes only, and not of what is missing for them.
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

/// Those of the standard library that speak of `Self` by value, so that no `dyn` can have them.
const SIZED: [&str; 9] =
    ["Sized", "Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// The others the compiler knows; these are the likely ones, and it needs four errors to say so.
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
