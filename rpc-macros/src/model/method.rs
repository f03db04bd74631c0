//! One method, checked without the other methods.

use std::iter;
use std::time::Duration;

use syn::ext::IdentExt;
use syn::{Attribute, Ident, LitStr, Result, Signature, TraitItemFn};

use super::attributes;
use super::deprecation::Deprecation;
use super::docs;
use super::kind::{Kind, Run};
use super::name::{Naming, WireName};
use super::output::Output;
use super::param::{Arg, Param, Progress};
use super::signature;
use crate::errors::Errors;
use crate::parse::{MethodArgs, ServiceArgs, Switch};
use crate::tokens::by_macro;

/// A checked method.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// `#[cfg(…)]`: if the method is absent, the code that is generated for it must be absent too.
    pub(crate) cfg: Vec<Attribute>,
    /// `allow` attributes for the lints that the user allows, and for `deprecated` if the method is deprecated.
    pub(crate) allowed: Vec<Attribute>,
    /// The attributes that the stub's method repeats: deprecation, and documentation without that of the parameters.
    pub(crate) docs: Vec<Attribute>,
    /// The documentation of the parameters. The stub puts it after `docs`.
    pub(crate) param_docs: Vec<Attribute>,
    /// The text of the documentation.
    pub(crate) docs_text: String,
    /// The arguments of `#[deprecated]`, but not of one behind a `cfg_attr`, whose condition the macro does not know.
    pub(crate) deprecation: Option<Deprecation>,
    /// The version in which the method appeared.
    pub(crate) since: Option<LitStr>,
    /// Whether only a peer is served that asks for unstable methods.
    pub(crate) unstable: bool,
    pub(crate) name: WireName,
    /// Further full names on the wire.
    pub(crate) aliases: Vec<WireName>,
    pub(crate) kind: Kind,
    /// Whether the other end may lack the method, so that the stub returns an `Option`.
    pub(crate) optional: bool,
    /// Whether the stub sends the parameters with their names.
    pub(crate) by_name: bool,
    /// Whether requests may have params with unknown names.
    pub(crate) allow_unknown: bool,
    /// Whether the stub sends empty params if the method has no parameters.
    pub(crate) empty_params: bool,
    /// The default timeout of the stub's calls.
    pub(crate) timeout: Option<Duration>,
    pub(crate) run: Run,
    /// Whether the method starts only after all earlier requests have ended.
    pub(crate) ordered: bool,
    /// Whether the method stops while its caller has no link.
    pub(crate) stop_while_away: bool,
    pub(crate) is_async: bool,
    pub(crate) args: Vec<Arg>,
    pub(crate) output: Output,
}

impl Method {
    pub(super) fn from_syn(
        item: &TraitItemFn,
        naming: &Naming,
        service: &ServiceArgs,
    ) -> Result<Self> {
        let TraitItemFn { attrs, sig, .. } = item;
        let mut errors = Errors::default();
        let (kind, options) = Kind::of(item, naming, &mut errors);
        let name = naming.method(&sig.ident, options.name.as_ref());
        let aliases: Vec<_> = options.aliases.iter().map(WireName::literal).collect();
        check_names(&name, &aliases, &mut errors);
        signature::check(sig, &mut errors);
        check_run(sig, options.run, &mut errors);
        let args = errors.keep(Arg::from_inputs(sig.inputs.iter(), naming)).unwrap_or_default();
        check_streams(&kind, &args, &mut errors);
        check_by_name(&kind, options.by_name.as_ref(), service.by_name, &mut errors);
        let flattened = args.iter().find_map(Arg::flattened);
        if let Some(param) = flattened {
            check_flattened(param, &args, &options, &mut errors);
        }
        let is_on =
            |given: &Option<Switch>, else_on| given.as_ref().map_or(else_on, |switch| switch.is_on);
        let output = errors.keep(Output::from_syn(&sig.output)).unwrap_or(Output::Nothing);
        errors.finish(Self {
            ident: sig.ident.clone(),
            cfg: attributes::named(attrs, &["cfg"]),
            allowed: [attributes::allowed(attrs), attributes::excused(attrs)].concat(),
            docs: attributes::named(attrs, &["doc", "deprecated"]),
            param_docs: docs::of_params(&sig.inputs),
            docs_text: docs::text(attrs),
            deprecation: Deprecation::of(attrs),
            since: options.since,
            unstable: options.unstable,
            name,
            aliases,
            kind,
            optional: options.optional,
            by_name: is_on(&options.by_name, service.by_name),
            allow_unknown: is_on(&options.allow_unknown, service.allow_unknown),
            empty_params: is_on(&options.empty_params, service.empty_params),
            timeout: options.timeout,
            run: options.run,
            ordered: options.ordered,
            stop_while_away: options.stop_while_away,
            is_async: sig.asyncness.is_some(),
            args,
            output,
        })
    }

    /// Returns the parameters on the wire, in order.
    pub(crate) fn params(&self) -> impl DoubleEndedIterator<Item = &Param> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Param(param) => Some(param),
            Arg::Context | Arg::Progress(_) => None,
        })
    }

    /// Returns the parameter that is flattened: its value is the whole params.
    pub(crate) fn flattened(&self) -> Option<&Param> {
        self.args.iter().find_map(Arg::flattened)
    }

    /// Returns the argument with which the method reports progress.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.args.iter().find_map(|arg| match arg {
            Arg::Progress(progress) => Some(progress),
            Arg::Context | Arg::Param(_) => None,
        })
    }

    /// Returns whether a parameter is a stream.
    pub(crate) fn takes_streams(&self) -> bool {
        self.params().any(|param| param.stream.is_some())
    }

    pub(super) fn is_subscription(&self) -> bool {
        matches!(self.kind, Kind::Subscription(_))
    }

    /// Returns all names on the wire: first the method's own name, then the aliases.
    pub(super) fn names(&self) -> impl Iterator<Item = &WireName> {
        iter::once(&self.name).chain(&self.aliases)
    }

    /// Returns the name of the method that ends the subscription.
    pub(super) fn unsubscribe(&self) -> Option<&WireName> {
        match &self.kind {
            Kind::Subscription(subscription) => Some(&subscription.unsubscribe),
            Kind::Request { .. } | Kind::Notification => None,
        }
    }

    /// Returns the selector, which selects the method among subscriptions with the same name.
    pub(crate) fn selector(&self) -> Option<&LitStr> {
        self.kind.selector()
    }

    /// Returns the name of the stub's method that sends a notification without a wait.
    pub(crate) fn try_ident(&self) -> Ident {
        Ident::new(&format!("try_{}", self.ident.unraw()), by_macro(self.ident.span()))
    }
}

fn check_names(name: &WireName, aliases: &[WireName], errors: &mut Errors) {
    name.check_method(errors);
    for alias in aliases {
        alias.check_method(errors);
    }
}

/// Checks that a notification has neither streams nor progress: a stream among the params ends with the answer to the
/// call, and progress goes to the caller. A notification has no answer, and no caller that waits.
fn check_streams(kind: &Kind, args: &[Arg], errors: &mut Errors) {
    if kind.selector().is_some() {
        return check_selected(args, errors);
    }
    if !matches!(kind, Kind::Notification) {
        return;
    }
    for arg in args {
        match arg {
            Arg::Param(Param { stream: Some(_), ty, .. }) => {
                let message = "nobody would end this stream: a notification has no answer, so make \
                               it a method, and let it return `()`";
                errors.at(ty, message);
            }
            Arg::Progress(Progress { ty, .. }) => {
                errors.at(ty, "nobody waits for the progress of a notification: remove it");
            }
            _ => {}
        }
    }
}

/// Checks that a flattened parameter is the only parameter, and has no options for the form of the params.
fn check_flattened(param: &Param, args: &[Arg], options: &MethodArgs, errors: &mut Errors) {
    let name = param.ident.unraw();
    for arg in args {
        if let Arg::Param(other) = arg
            && !std::ptr::eq(other, param)
        {
            let message = format!("`{name}` is all params: remove this, or `flatten` there");
            errors.at(&other.ident, message);
        }
    }
    let switches = [&options.by_name, &options.allow_unknown, &options.empty_params];
    for Switch { name: option, .. } in switches.into_iter().flatten() {
        let message = format!("the type of `{name}` says what params are: remove `{option}`");
        errors.at(option, message);
    }
}

/// Checks that a method with a selector takes no streams: the connection claims streams by the method's name alone, and
/// the name does not identify the method.
fn check_selected(args: &[Arg], errors: &mut Errors) {
    for arg in args {
        match arg {
            Arg::Param(Param { stream: Some(_), ty, .. }) => {
                let message = "what is picked by a `selector` takes no streams: remove this, or the \
                               `selector`";
                errors.at(ty, message);
            }
            Arg::Param(Param { flatten: true, ident, .. }) => {
                let message = "the `selector` is one of the params, so this cannot be all: remove \
                               `flatten`";
                errors.at(ident, message);
            }
            _ => {}
        }
    }
}

/// Checks that a method with a selector takes its params by position, because a selector has no name.
fn check_by_name(kind: &Kind, given: Option<&Switch>, by_service: bool, errors: &mut Errors) {
    let Some(selector) = kind.selector() else { return };
    match given {
        Some(Switch { is_on: true, name }) => {
            errors.at(name, "a selector goes by position: remove `by_name`, or `selector`");
        }
        None if by_service => {
            let message = "params go `by_name` in this service, and a selector has no name: write \
                           `by_name = false` beside it";
            errors.at(selector, message);
        }
        _ => {}
    }
}

/// Checks that a `blocking` method is not `async`.
fn check_run(sig: &Signature, run: Run, errors: &mut Errors) {
    if let (Run::Blocking, Some(token)) = (run, &sig.asyncness) {
        errors.at(token, "write `fn`: a blocking method is not async");
    }
}
