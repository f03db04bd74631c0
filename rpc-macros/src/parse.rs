//! Attribute arguments as small structs. The structs keep the tokens, for the spans of errors.

mod given;
mod options;
mod time;

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Attribute, DeriveInput, Expr, Ident, LitStr, Path, Variant};

use crate::errors::Errors;
use crate::model::{Case, Run};
use options::Options;

/// `#[service(…)]`.
pub(crate) struct ServiceArgs {
    pub(crate) namespace: Option<LitStr>,
    pub(crate) separator: Option<LitStr>,
    /// The version of the service.
    pub(crate) version: Option<LitStr>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) rename_all_params: Option<Case>,
    pub(crate) by_name: bool,
    pub(crate) allow_unknown: bool,
    pub(crate) empty_params: bool,
    /// Whether a `dyn` compatible trait is generated.
    pub(crate) dynamic: bool,
    /// Whether each type must have a JSON Schema.
    pub(crate) schema: bool,
    /// The path of `rpc_core` for generated code.
    pub(crate) krate: Path,
}

impl ServiceArgs {
    pub(crate) fn new(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::of_tokens("service", tokens, errors);
        let args = Self {
            namespace: options.string("namespace"),
            separator: options.string("separator"),
            version: options.string("version"),
            rename_all: options.case("rename_all"),
            rename_all_params: options.case("rename_all_params"),
            by_name: options.switch("by_name").is_some_and(|switch| switch.is_on),
            allow_unknown: options.switch("allow_unknown").is_some_and(|switch| switch.is_on),
            empty_params: options.switch("empty_params").is_some_and(|switch| switch.is_on),
            dynamic: options.flag("dyn"),
            schema: options.flag("schema"),
            krate: options.krate(),
        };
        options.finish();
        args
    }
}

/// `#[method(…)]`, `#[notification(…)]` and `#[subscription(…)]`.
#[derive(Default)]
pub(crate) struct MethodArgs {
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    /// The version in which the method appeared.
    pub(crate) since: Option<LitStr>,
    /// Whether only a peer is served that asks for unstable methods.
    pub(crate) unstable: bool,
    /// The default of this and the next two options is the service's option.
    pub(crate) by_name: Option<Switch>,
    pub(crate) allow_unknown: Option<Switch>,
    pub(crate) empty_params: Option<Switch>,
    pub(crate) run: Run,
    /// This and the next option are only for methods with an answer.
    pub(crate) ordered: bool,
    pub(crate) timeout: Option<Duration>,
    /// This and the next two options are only for requests.
    pub(crate) idempotent: bool,
    pub(crate) optional: bool,
    pub(crate) stop_while_away: bool,
    /// This and the following options are only for subscriptions.
    pub(crate) item: Option<LitStr>,
    pub(crate) unsubscribe: Option<LitStr>,
    pub(crate) ids: Option<Ids>,
    pub(crate) id_member: Option<LitStr>,
    pub(crate) selector: Option<LitStr>,
}

/// The type of a subscription's ids, and the tokens of the option.
pub(crate) struct Ids {
    pub(crate) are_numbers: bool,
    pub(crate) written: LitStr,
}

impl MethodArgs {
    pub(crate) fn request(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("method", attrs, errors);
        let mut args = Self::common(&mut options);
        args.run = options.run();
        args.timeout = options.time("timeout");
        args.idempotent = options.flag("idempotent");
        args.optional = options.flag("optional");
        args.ordered = options.flag("ordered");
        args.stop_while_away = options.stop_while_away(args.run);
        options.finish();
        args
    }

    pub(crate) fn notification(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("notification", attrs, errors);
        let mut args = Self::common(&mut options);
        args.run = options.run();
        options.misplaced("idempotent", "a notification is never sent again: remove `idempotent`");
        options
            .misplaced("optional", "nobody learns whether a notification ran: remove `optional`");
        options.misplaced("timeout", "nobody waits for a notification: remove `timeout`");
        options.misplaced("ordered", "notifications start in order already: remove `ordered`");
        let message = "nobody waits for a notification: remove `stop_while_away`";
        options.misplaced("stop_while_away", message);
        options.finish();
        args
    }

    pub(crate) fn subscription(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("subscription", attrs, errors);
        let mut args = Self::common(&mut options);
        args.item = options.string("item");
        args.unsubscribe = options.string("unsubscribe");
        args.ids = options.ids("id");
        args.id_member = options.string("id_member");
        args.selector = options.string("selector");
        args.timeout = options.time("timeout");
        let message = "a subscription of an end that lacks it is an error: remove `optional`";
        options.misplaced("optional", message);
        let message = "a subscription only begins here: block where its items are made, \
                       and remove `blocking`";
        options.misplaced("blocking", message);
        let message = "a stream ends with its connection: remove `detached`";
        options.misplaced("detached", message);
        let message = "a stream whose items nobody takes waits already: remove `stop_while_away`";
        options.misplaced("stop_while_away", message);
        args.run = options.run_async();
        args.ordered = options.flag("ordered");
        options.finish();
        args
    }

    /// Reads the options that all three attributes have.
    fn common(options: &mut Options<'_>) -> Self {
        Self {
            name: options.string("name"),
            aliases: options.strings("aliases"),
            since: options.string("since"),
            unstable: options.flag("unstable"),
            by_name: options.switch("by_name"),
            allow_unknown: options.switch("allow_unknown"),
            empty_params: options.switch("empty_params"),
            ..Self::default()
        }
    }
}

/// An option that is on or off, and its tokens.
pub(crate) struct Switch {
    pub(crate) is_on: bool,
    pub(crate) name: Ident,
}

/// `#[param(…)]`.
pub(crate) struct ParamArgs {
    pub(crate) rename: Option<LitStr>,
    pub(crate) default: bool,
    /// Whether the parameter is the whole params.
    pub(crate) flatten: bool,
    pub(crate) validate: Option<Validate>,
}

/// The validation of a parameter.
pub(crate) enum Validate {
    /// By the `Validate` of the parameter's type.
    Type,
    /// By a function.
    With(Path),
}

impl ParamArgs {
    pub(crate) fn new(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("param", attrs, errors);
        let args = Self {
            rename: options.string("rename"),
            default: options.flag("default"),
            flatten: options.flag("flatten"),
            validate: options.validate(),
        };
        options.finish();
        args
    }
}

/// The code of an error, and its tokens.
pub(crate) struct Code {
    pub(crate) value: i64,
    pub(crate) written: Expr,
}

/// Reads `#[rpc(…)]` on an enum. Returns the path of `rpc_core` for generated code.
pub(crate) fn error_enum(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let mut options = Options::of_attributes("rpc", attrs, errors);
    let krate = options.krate();
    options.misplaced("code", "each variant has a code of its own: write it there");
    options.misplaced("from_call", "one variant stands for failed calls: write `from_call` there");
    options.finish();
    krate
}

/// `#[rpc(…)]` on a variant.
pub(crate) struct VariantArgs {
    pub(crate) code: Option<Code>,
    /// The `from_call` of the variant for failed calls.
    pub(crate) from_call: Option<Ident>,
}

impl VariantArgs {
    pub(crate) fn new(variant: &Variant, errors: &mut Errors) -> Self {
        let mut options = Options::of_attributes("rpc", &variant.attrs, errors);
        let from_call = options.word("from_call");
        // A variant for failed calls needs no code: without one the caller gets an internal error.
        let code = match from_call {
            Some(_) => options.code_if_given(),
            None => options.code(&variant.ident),
        };
        options.finish();
        Self { code, from_call }
    }
}

/// Reads `#[rpc(…)]` on a struct: the path of `rpc_core`, and the code.
pub(crate) fn error_struct(item: &DeriveInput, errors: &mut Errors) -> (Path, Option<Code>) {
    let mut options = Options::of_attributes("rpc", &item.attrs, errors);
    let args = (options.krate(), options.code(&item.ident));
    options.misplaced("from_call", "a failed call is one of several errors: make this an `enum`");
    options.finish();
    args
}

/// Returns whether `attr` has one of these names.
pub(crate) fn is_one_of(attr: &Attribute, names: &[&str]) -> bool {
    names.iter().any(|name| attr.path().is_ident(name))
}

/// Returns the first attribute `#[name]` or `#[name(…)]`.
pub(crate) fn find<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attrs.iter().find(|attr| attr.path().is_ident(name))
}
