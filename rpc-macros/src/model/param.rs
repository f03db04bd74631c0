//! The arguments of a method: parameters on the wire, the context, and the progress reporter.

use syn::{Attribute, Error, FnArg, Ident, Pat, PatIdent, PatType, Result, Type, TypeReference};

use super::docs;
use super::name::{Naming, WireName};
use super::types::{self, Stream};
use crate::errors::Errors;
use crate::parse::{self, ParamArgs, Validate};

/// An argument after `&self`.
pub(crate) enum Arg {
    /// `&Context`: not on the wire and not in the stub.
    Context,
    /// `Progress<T>`: not in the stub, and on the wire only as a token.
    Progress(Progress),
    Param(Param),
}

/// The progress reporter of a method.
pub(crate) struct Progress {
    pub(crate) ident: Ident,
    /// The type as written.
    pub(crate) ty: Box<Type>,
    /// The `T` of the `Progress<T>`.
    pub(crate) value: Box<Type>,
    /// The name of the progress token among named params.
    pub(crate) name: WireName,
    /// Whether the trait sets the name.
    pub(crate) is_renamed: bool,
}

/// A parameter on the wire.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    /// The type as written.
    pub(crate) ty: Box<Type>,
    /// The `T` of a `&T`. The server decodes the parameter as `<T as ToOwned>::Owned`.
    pub(crate) borrowed: Option<Box<Type>>,
    pub(crate) name: WireName,
    /// The text of the documentation.
    pub(crate) docs: String,
    /// Whether the parameter may be left out, with its `Default` as the value.
    pub(crate) default: bool,
    /// Whether the value is the whole params: an object with members of its own.
    pub(crate) flatten: bool,
    /// The types of the stream, if the parameter is one. The caller sends the items one by one.
    pub(crate) stream: Option<Stream>,
    /// The validation of the value.
    pub(crate) validate: Option<Validate>,
}

impl Arg {
    /// Returns the arguments of a method. At most one argument is a context.
    pub(super) fn from_inputs<'a>(
        inputs: impl Iterator<Item = &'a FnArg>,
        naming: &Naming,
    ) -> Result<Vec<Self>> {
        let mut errors = Errors::default();
        let mut args = Vec::new();
        for input in inputs {
            // The receiver was checked with the signature.
            let FnArg::Typed(input) = input else { continue };
            let Some(arg) = errors.keep(Self::from_syn(input, naming)) else {
                continue;
            };
            check_single(&arg, &args, input, &mut errors);
            args.push(arg);
        }
        errors.finish(args)
    }

    fn from_syn(input: &PatType, naming: &Naming) -> Result<Self> {
        let mut errors = Errors::default();
        let args = ParamArgs::new(&input.attrs, &mut errors);
        check_attributes(&input.attrs, &mut errors);
        if is_context(input, &mut errors) {
            return errors.finish(Self::Context);
        }
        let borrowed = borrowed(&input.ty, &mut errors);
        types::check_param(borrowed.unwrap_or(&input.ty), &mut errors);
        let ident = match plain_name(&input.pat) {
            Ok(ident) => ident,
            Err(error) => return Err(errors.with(error)),
        };
        let name = naming.param(ident, args.rename.as_ref());
        if name.text.is_empty() {
            name.refuse("a name on the wire is not empty", &mut errors);
        }
        if args.flatten {
            check_flatten(&args, input, &mut errors);
        }
        if let Some(value) = types::progress(&input.ty) {
            if args.default {
                errors.at(&input.ty, "nobody has to ask for progress: remove `default`");
            }
            if args.validate.is_some() {
                errors.at(&input.ty, "a progress is not on the wire: remove `validate`");
            }
            let [ty, value] = [&input.ty, value].map(|ty| Box::new(Type::clone(ty)));
            return errors.finish(Self::Progress(Progress {
                ident: ident.clone(),
                ty,
                value,
                name,
                is_renamed: args.rename.is_some(),
            }));
        }
        let stream = types::streaming(&input.ty);
        if stream.is_some() && args.default {
            errors.at(&input.ty, "a stream is always sent: remove `default`");
        }
        if stream.is_some() && args.validate.is_some() {
            errors.at(&input.ty, "the items of a stream come later: validate them there");
        }
        let (ident, ty) = (ident.clone(), input.ty.clone());
        let borrowed = borrowed.cloned().map(Box::new);
        let ParamArgs { default, flatten, validate, .. } = args;
        let docs = docs::text(&input.attrs);
        let param = Param { ident, ty, borrowed, name, docs, default, flatten, stream, validate };
        errors.finish(Self::Param(param))
    }

    /// Returns the parameter, if it is flattened.
    pub(super) fn flattened(&self) -> Option<&Param> {
        match self {
            Self::Param(param) if param.flatten => Some(param),
            _ => None,
        }
    }
}

/// Checks that a flattened parameter is neither a stream nor a progress reporter, and has neither a name nor a default.
fn check_flatten(args: &ParamArgs, input: &PatType, errors: &mut Errors) {
    if types::progress(&input.ty).is_some() {
        errors.at(&input.ty, "a progress is not on the wire: remove `flatten`");
    }
    if types::streaming(&input.ty).is_some() {
        errors.at(&input.ty, "a stream is one of the params, and not all: remove `flatten`");
    }
    if args.default {
        let message = "no params are read as `{}`: remove `default`, and write `#[serde(default)]` at the type";
        errors.at(&input.ty, message);
    }
    if let Some(rename) = &args.rename {
        errors.at(rename, "what is all params has no name among them: remove `rename`");
    }
}

/// Checks that no name and no context appears twice.
fn check_single(arg: &Arg, earlier: &[Arg], input: &PatType, errors: &mut Errors) {
    for earlier in earlier {
        match (arg, earlier) {
            (Arg::Context, Arg::Context) => {
                errors.at(&input.ty, "a second `&Context`: one knows everything of the call");
            }
            (Arg::Progress(_), Arg::Progress(_)) => {
                errors.at(&input.ty, "a second `Progress`: one call has one progress");
            }
            (arg, earlier) => {
                if let (Some((name, _)), Some((other, ident))) = (named(arg), named(earlier))
                    && name.text == other.text
                {
                    let text = &name.text;
                    name.refuse(format!("`{text}` is already the parameter `{ident}`"), errors);
                }
            }
        }
    }
}

/// Returns the name on the wire and the identifier, if the argument has a name on the wire.
fn named(arg: &Arg) -> Option<(&WireName, &Ident)> {
    match arg {
        Arg::Context => None,
        Arg::Progress(Progress { name, ident, .. }) | Arg::Param(Param { name, ident, .. }) => {
            Some((name, ident))
        }
    }
}

/// Checks that no parameter has a `cfg`, because both ends must have the same list of parameters.
fn check_attributes(attrs: &[Attribute], errors: &mut Errors) {
    for name in ["cfg", "cfg_attr"] {
        if let Some(attr) = parse::find(attrs, name) {
            errors.at(attr, format!("`{name}` on a parameter is not supported"));
        }
    }
}

/// Returns whether the argument is a `&Context`, or a `Context` that lacks the `&`.
fn is_context(input: &PatType, errors: &mut Errors) -> bool {
    let reference = types::reference(&input.ty);
    let ty = reference.map_or(&*input.ty, |reference| &reference.elem);
    if types::segment(ty).is_none_or(|segment| segment.ident != "Context") {
        return false;
    }
    if reference.is_none_or(|reference| reference.mutability.is_some()) {
        errors.at(&input.ty, "write `&Context`: the context is lent to the method");
    }
    if let Some(attr) = parse::find(&input.attrs, "param") {
        errors.at(attr, "`&Context` is not on the wire: remove `#[param]`");
    }
    true
}

/// Returns the `T` of a `&T`.
fn borrowed<'a>(ty: &'a Type, errors: &mut Errors) -> Option<&'a Type> {
    let TypeReference { lifetime, mutability, elem, .. } = types::reference(ty)?;
    if mutability.is_some() {
        errors.at(ty, "what a method writes there is lost: take `&T` or `T`, and return the rest");
    }
    if let Some(lifetime) = lifetime {
        errors.at(lifetime, "leave the lifetime out: a parameter is lent for the call");
    }
    Some(elem)
}

/// Returns the identifier of a parameter. The name on the wire is derived from it.
fn plain_name(pat: &Pat) -> Result<&Ident> {
    match pat {
        Pat::Ident(PatIdent { by_ref: None, mutability: None, subpat: None, ident, .. }) => {
            Ok(ident)
        }
        pat => Err(Error::new_spanned(
            pat,
            "write a plain name: it is the parameter's name on the wire",
        )),
    }
}
