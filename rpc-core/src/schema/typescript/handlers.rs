//! An interface for each service that is offered, and the function that makes handlers of an object.

use super::exports::Exports;
use super::names::{camel, pascal, string, variable};
use super::text::Text;
use super::{integers, method, types};
use crate::schema::model::{CallModel, MethodModel, Model, ParamKind, ServiceModel};

pub(super) fn write(model: &Model, service: &ServiceModel, text: &mut Text, exports: &mut Exports) {
    let interface = format!("{}Handlers", pascal(&service.name));
    let function = format!("{}Handlers", camel(&service.name));
    exports.export(&interface, format!("the handlers of `{}`", service.name));
    exports.export(&function, format!("the function for the handlers of `{}`", service.name));
    exports.uses_type("Context");
    exports.uses_type("Handlers");
    text.blank();
    text.docs(&[&service.docs]);
    text.block(&format!("export interface {interface} {{"), "}", |text| {
        for (at, method) in service.methods.iter().enumerate() {
            if at > 0 {
                text.blank();
            }
            let name = method::name(service, method);
            exports.export(&format!("{interface}.{name}"), format!("`{}`", method.name));
            method::write_docs(service, method, text);
            let mut params = method::received(method);
            params.push("context: Context".to_owned());
            // As a property: the compiler takes methods whose params are of fewer types.
            let close = format!(") => {};", returns(method, exports));
            text.listed(&format!("{name}: ("), &params, &close);
        }
    });
    text.blank();
    text.docs(&[&format!(
        "Makes the handlers of a peer of an object that implements `{interface}`."
    )]);
    text.block(
        &format!("export function {function}(handlers: {interface}): Handlers {{"),
        "}",
        |text| {
            text.block("return {", "};", |text| {
                // Two subscriptions may end by one method, which is there for all if one of the two is.
                let (unstable, stable): (Vec<_>, Vec<_>) =
                    service.methods.iter().partition(|method| method.unstable);
                for method in unstable.into_iter().chain(stable) {
                    handler(model, service, method, text, exports);
                }
            });
        },
    );
}

/// Returns the type of what a handler returns.
fn returns(method: &MethodModel, exports: &mut Exports) -> String {
    let answer = method::answer(method);
    match &method.call {
        CallModel::Subscription(_) => {
            exports.uses_type("Source");
            let source = format!("Source<{}>", answer.unwrap_or_default());
            format!("{source} | Promise<{source}>")
        }
        CallModel::Request { .. } | CallModel::Notification => {
            let answer = answer.unwrap_or_else(|| "void".to_owned());
            format!("{answer} | Promise<{answer}>")
        }
    }
}

fn handler(
    model: &Model,
    service: &ServiceModel,
    method: &MethodModel,
    text: &mut Text,
    exports: &mut Exports,
) {
    let name = method::name(service, method);
    let mut options = Vec::new();
    if integers::of_method(model, method) {
        exports.uses("exactJson");
        options.push("json: exactJson".to_owned());
    }
    let mark = if method.unstable { "unstable(" } else { "" };
    let end = if method.unstable { ")" } else { "" };
    if method.unstable {
        exports.uses("unstable");
    }
    for wire in [&method.name].into_iter().chain(&method.aliases) {
        let wire = string(wire);
        if let [only] = &*method.params
            && only.kind == ParamKind::All
        {
            // All params are one value.
            let ty = types::of(&only.schema);
            text.line(&format!(
                "{wire}: {mark}{{ serve: (params, context) => handlers.{name}(params as {ty}, context) }}{end},"
            ));
            continue;
        }
        if method.params.iter().any(|param| param.kind == ParamKind::Stream) {
            exports.uses("streamParam");
        }
        let mut declare = "method";
        let mut options = options.clone();
        if let Some(subscription) = method::subscription(method) {
            declare = "stream";
            options.extend(method::unsubscribe(method));
            if let Some(selector) = &subscription.selector {
                exports.refuse(format!(
                    "a `{}` that its first param selects (`{selector}`) cannot be offered in TypeScript",
                    method.name
                ));
            }
        }
        exports.uses(if declare == "stream" { "stream" } else { "method" });
        let passed =
            [method::passed(method), vec!["context: Context".to_owned()]].concat().join(", ");
        let given: Vec<_> = method.params.iter().map(|param| variable(&param.name)).collect();
        let given = [given, vec!["context".to_owned()]].concat().join(", ");
        let mut arguments =
            vec![method::readers(method), format!("({passed}) => handlers.{name}({given})")];
        if !options.is_empty() {
            arguments.push(format!("{{ {} }}", options.join(", ")));
        }
        text.listed(&format!("{wire}: {mark}{declare}("), &arguments, &format!("){end},"));
    }
}
