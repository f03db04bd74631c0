//! The types that a signature may name: both ends must know the type, and results must be owned.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{GenericArgument, Lifetime, Path, PathArguments, PathSegment, Type, TypeImplTrait};
use syn::{TypeReference, TypeTraitObject};

use crate::errors::Errors;

/// Checks the type of a parameter, without a leading `&`.
pub(super) fn check_param(ty: &Type, errors: &mut Errors) {
    Check::new(false, errors).visit_type(ty);
}

/// Checks the type of a result.
pub(super) fn check_result(ty: &Type, errors: &mut Errors) {
    Check::new(true, errors).visit_type(ty);
}

/// The type arguments of a stream.
#[derive(Clone)]
pub(crate) struct Stream {
    /// The `T` of a `Streaming<T, E>`.
    pub(crate) item: Box<Type>,
    /// The `E`, if it is written.
    pub(crate) error: Option<Box<Type>>,
}

/// Returns the stream of a return type that is a `Streaming`, or a `Result` of a `Streaming`.
pub(super) fn returned_stream(ty: &Type) -> Option<Stream> {
    let of_result = segment(ty).filter(|segment| segment.ident == "Result");
    let ty = of_result.and_then(|result| type_arguments(result).next()).unwrap_or(ty);
    streaming(ty)
}

/// Returns the stream if the type is `Streaming<T>` or `Streaming<T, E>`.
pub(super) fn streaming(ty: &Type) -> Option<Stream> {
    let segment = segment(ty).filter(|segment| segment.ident == "Streaming")?;
    let mut arguments = type_arguments(segment);
    let (item, error, more) = (arguments.next()?, arguments.next(), arguments.next());
    let [item, error] = [Some(item), error].map(|ty| ty.cloned().map(Box::new));
    more.is_none().then_some(Stream { item: item?, error })
}

/// Returns the `T` of a `Progress<T>`. A `Progress` without an argument is a type of the user.
pub(super) fn progress(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Progress")
}

/// Returns the argument of a type with this name, if the type has exactly one.
fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let segment = segment(ty).filter(|segment| segment.ident == name)?;
    let mut arguments = type_arguments(segment);
    arguments.next().filter(|_| arguments.next().is_none())
}

/// Returns the last segment of a type that is a path: the `Result<T>` of `io::Result<T>`.
pub(super) fn segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        // A `$ty:ty` of a user's macro arrives in invisible delimiters.
        Type::Group(group) => segment(&group.elem),
        Type::Paren(paren) => segment(&paren.elem),
        _ => None,
    }
}

/// Returns the reference, if the type is one.
pub(super) fn reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        Type::Group(group) => reference(&group.elem),
        Type::Paren(paren) => reference(&paren.elem),
        _ => None,
    }
}

/// Returns the type arguments of a segment.
pub(super) fn type_arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Checks every type inside a type.
struct Check<'e> {
    /// Whether the type must be owned, without an elided lifetime such as in `Cow<'_, str>`.
    owned: bool,
    errors: &'e mut Errors,
}

impl<'e> Check<'e> {
    fn new(owned: bool, errors: &'e mut Errors) -> Self {
        Self { owned, errors }
    }

    fn refuse_unknown(&mut self, ty: impl ToTokens, written: &str) {
        let message =
            format!("the other end must know the type: write a concrete one, not `{written}`");
        self.errors.at(ty, message);
    }
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let message = if self.owned {
            "a result is sent to the other end, so it cannot be a reference: write an owned type"
        } else {
            "a reference inside a type cannot be received: write an owned type"
        };
        self.errors.at(reference, message);
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.refuse_unknown(ty, "impl");
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        self.refuse_unknown(ty, "dyn");
    }

    fn visit_path(&mut self, path: &'ast Path) {
        match path.segments.first() {
            Some(first) if first.ident == "Self" => self.refuse_unknown(path, "Self"),
            _ => visit::visit_path(self, path),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if self.owned && lifetime.ident != "static" {
            self.errors.at(lifetime, "a result is sent to the other end, so it cannot borrow");
        }
    }
}
