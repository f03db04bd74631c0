//! The params of a method, as a caller gives them and as a handler gets them.

use serde_json::Value;

use super::names::{member, property, string, variable};
use super::text::Text;
use super::{errors, integers, types};
use crate::schema::model::{
    CallModel, MethodModel, Model, ParamKind, ParamModel, ServiceModel, StreamModel,
    SubscriptionModel,
};

/// Returns the name of a method in TypeScript.
pub(super) fn name(service: &ServiceModel, method: &MethodModel) -> String {
    if let Some(ident) = &method.ident {
        return member(ident);
    }
    let bare = service.namespace.as_ref().and_then(|namespace| {
        method.name.strip_prefix(namespace)?.strip_prefix(&*service.separator)
    });
    member(bare.unwrap_or(&method.name))
}

/// Writes the documentation of a method, with its parameters and errors.
pub(super) fn write_docs(service: &ServiceModel, method: &MethodModel, text: &mut Text) {
    let error = errors::name(service, method);
    let mut tags = Vec::new();
    for param in method.params.iter().filter(|param| !param.docs.is_empty()) {
        let text = param.docs.split_whitespace().collect::<Vec<_>>().join(" ");
        tags.push(format!("@param {} {text}", variable(&param.name)));
    }
    tags.extend(error.map(|error| format!("@throws {{{error}}}")));
    tags.extend(method.since.as_ref().map(|since| format!("@since {since}")));
    if let Some(deprecated) = &method.deprecated {
        let since = deprecated.since.as_ref().map(|since| format!(" since {since}"));
        let note = deprecated.note.as_ref().map(|note| format!(": {note}"));
        let text = since.unwrap_or_default() + &note.unwrap_or_default();
        tags.push(format!("@deprecated{}", text.trim_end()));
    }
    let unstable =
        "The method may change or go. It is there only for an end that asks for unstable methods.";
    tags.extend(method.unstable.then(|| format!("@experimental {unstable}")));
    let absence = "An end may lack this method: then a call fails with the code -32601.";
    text.docs(&[&method.docs, if method.optional { absence } else { "" }, &tags.join("\n")]);
}

/// Returns the params as a caller declares them: those that may be left out have a mark.
pub(super) fn declared(method: &MethodModel) -> Vec<String> {
    let declare = |param: &ParamModel| {
        let name = variable(&param.name);
        let mark = if param.optional { "?" } else { "" };
        match param.kind {
            ParamKind::Stream => format!("{name}: Source<{}>", types::of(&param.schema)),
            _ => format!("{name}{mark}: {}", types::of(&param.schema)),
        }
    };
    // A parameter that may be left out stands behind those that may not.
    let (optional, required): (Vec<_>, Vec<_>) =
        method.params.iter().partition(|param| param.optional);
    required.into_iter().chain(optional).map(declare).collect()
}

/// Returns the expression of the params that a call sends, or `None` if it sends none.
pub(super) fn sent(method: &MethodModel) -> Option<String> {
    if let [only] = &*method.params
        && only.kind == ParamKind::All
    {
        return Some(variable(&only.name));
    }
    let value = |param: &ParamModel| {
        let name = variable(&param.name);
        if param.kind == ParamKind::Stream { format!("sendStream({name})") } else { name }
    };
    if goes_by_name(method) {
        let member = |param: &ParamModel| {
            let (name, value) = (property(&param.name), value(param));
            if name == value { name } else { format!("{name}: {value}") }
        };
        let members: Vec<_> = method.params.iter().map(member).collect();
        let is_sent = !members.is_empty() || method.empty_params;
        return is_sent.then(|| match members.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{ {} }}", members.join(", ")),
        });
    }
    let selector = subscription(method).and_then(|subscription| subscription.selector.as_deref());
    let values: Vec<_> =
        selector.map(string).into_iter().chain(method.params.iter().map(value)).collect();
    let is_sent = !values.is_empty() || method.empty_params;
    is_sent.then(|| format!("[{}]", values.join(", ")))
}

/// Params that may be left out go by name: JSON has no word for a missing element of an array.
fn goes_by_name(method: &MethodModel) -> bool {
    let has_selector =
        subscription(method).is_some_and(|subscription| subscription.selector.is_some());
    method.by_name || (!has_selector && method.params.iter().any(|param| param.optional))
}

/// Returns the options that the trait sets, to stand before those of the caller.
pub(super) fn set_options(model: &Model, method: &MethodModel) -> Vec<String> {
    let mut options = Vec::new();
    options.extend(method.timeout_ms.map(|timeout| format!("timeout: {timeout}")));
    if method.idempotent {
        options.push("isIdempotent: true".to_owned());
    }
    if integers::of_method(model, method) {
        options.push("json: exactJson".to_owned());
    }
    options.extend(unsubscribe(method));
    options
}

/// Returns the option that names the method which ends a subscription, unless the runtime makes the same name.
pub(super) fn unsubscribe(method: &MethodModel) -> Option<String> {
    let unsubscribe = &subscription(method)?.unsubscribe;
    let is_usual = has_usual_unsubscribe(&method.name, unsubscribe);
    (!is_usual).then(|| format!("unsubscribe: {}", string(unsubscribe)))
}

/// Returns whether a subscription ends by the name that the runtime makes of the method's.
fn has_usual_unsubscribe(name: &str, unsubscribe: &str) -> bool {
    let at = name.rfind(['.', '/']).map_or(0, |at| at + 1);
    let (space, last) = name.split_at(at);
    unsubscribe == format!("{space}unsubscribe_{last}")
}

pub(super) fn subscription(method: &MethodModel) -> Option<&SubscriptionModel> {
    match &method.call {
        CallModel::Subscription(subscription) => Some(subscription),
        CallModel::Request { .. } | CallModel::Notification => None,
    }
}

/// Returns the type of what comes of a call: a result, or an item.
pub(super) fn answer(method: &MethodModel) -> Option<String> {
    let answer = match &method.call {
        CallModel::Request { result } => types::of(result),
        CallModel::Subscription(SubscriptionModel {
            items: StreamModel { schema, .. }, ..
        }) => types::of(schema),
        CallModel::Notification => return None,
    };
    // A method without a result answers `null`.
    let is_nothing = answer == "null" && subscription(method).is_none();
    Some(if is_nothing { "void".to_owned() } else { answer })
}

/// Returns the params as a handler gets them. A default is there already.
pub(super) fn received(method: &MethodModel) -> Vec<String> {
    method.params.iter().map(|param| receive(param, default(param).is_none())).collect()
}

fn receive(param: &ParamModel, may_be_missing: bool) -> String {
    let (name, ty) = (variable(&param.name), types::of(&param.schema));
    match param.kind {
        ParamKind::Stream => format!("{name}: AsyncIterable<{ty}>"),
        _ if param.optional && may_be_missing => format!("{name}: {ty} | undefined"),
        _ => format!("{name}: {ty}"),
    }
}

/// Returns the params of a function that passes them on, with their defaults.
pub(super) fn passed(method: &MethodModel) -> Vec<String> {
    let pass = |param: &ParamModel| match default(param) {
        Some(value) => format!("{} = {value}", receive(param, false)),
        None => receive(param, true),
    };
    method.params.iter().map(pass).collect()
}

/// Returns the value of a parameter that was left out, if it is not just missing.
fn default(param: &ParamModel) -> Option<&Value> {
    param.default.as_ref().filter(|value| !value.is_null())
}

/// Returns the names of the params, as the runtime needs them to read what comes.
pub(super) fn readers(method: &MethodModel) -> String {
    let reader = |param: &ParamModel| match param.kind {
        ParamKind::Stream => format!("streamParam({})", string(&param.name)),
        _ if param.optional => string(&format!("{}?", param.name)),
        _ => string(&param.name),
    };
    format!("[{}]", method.params.iter().map(reader).collect::<Vec<_>>().join(", "))
}
