//! A class for each service that is called.

use super::exports::Exports;
use super::names::{pascal, string};
use super::text::Text;
use super::{integers, method, types};
use crate::schema::model::{CallModel, MethodModel, Model, ParamKind, ServiceModel};

pub(super) fn write(model: &Model, service: &ServiceModel, text: &mut Text, exports: &mut Exports) {
    let class = format!("{}Client", pascal(&service.name));
    exports.export(&class, format!("the client of `{}`", service.name));
    exports.uses_type("Peer");
    text.blank();
    text.docs(&[&service.docs]);
    text.block(&format!("export class {class} {{"), "}", |text| {
        text.line("readonly #peer: Peer;");
        text.blank();
        text.block("constructor(peer: Peer) {", "}", |text| text.line("this.#peer = peer;"));
        for method in &service.methods {
            text.blank();
            call(model, service, method, text, exports);
        }
    });
}

fn call(
    model: &Model,
    service: &ServiceModel,
    method: &MethodModel,
    text: &mut Text,
    exports: &mut Exports,
) {
    let name = method::name(service, method);
    let class = pascal(&service.name);
    exports.export(&format!("{class}Client.{name}"), format!("`{}`", method.name));
    method::write_docs(service, method, text);
    let mut params = method::declared(method);
    let set = method::set_options(model, method);
    let is_exact = integers::of_method(model, method);
    if is_exact {
        exports.uses("exactJson");
    }
    if method.params.iter().any(|param| param.kind == ParamKind::Stream) {
        exports.uses("sendStream");
        exports.uses_type("Source");
    }
    let sent = method::sent(method);
    let wire = string(&method.name);
    let answer = method::answer(method).unwrap_or_else(|| "void".to_owned());
    let options = match &*set {
        [] => "options".to_owned(),
        set => format!("{{ {}, ...options }}", set.join(", ")),
    };
    let given = sent.clone().unwrap_or_else(|| "undefined".to_owned());
    let (returns, body) = match &method.call {
        CallModel::Notification => {
            let arguments = match sent {
                Some(sent) if is_exact => format!(", {sent}, exactJson"),
                Some(sent) => format!(", {sent}"),
                None => String::new(),
            };
            ("void".to_owned(), format!("this.#peer.notify({wire}{arguments});"))
        }
        CallModel::Request { .. } => {
            let ty = match &method.progress {
                Some(progress) => format!("CallOptions<{}>", types::of(progress)),
                None => "CallOptions".to_owned(),
            };
            params.push(format!("options?: {ty}"));
            exports.uses_type("CallOptions");
            let body = format!("return this.#peer.call({wire}, {given}, {options});");
            (format!("Promise<{answer}>"), body)
        }
        CallModel::Subscription(subscription) => {
            if subscription.id_member != "subscription" {
                exports.refuse(format!(
                    "items of `{}` name their stream by `{}`, and the TypeScript runtime knows `subscription` only",
                    method.name, subscription.id_member
                ));
            }
            params.push("options?: SubscribeOptions".to_owned());
            exports.uses("subscribe");
            exports.uses_type("SubscribeOptions");
            exports.uses_type("Incoming");
            let body = format!("return subscribe(this.#peer, {wire}, {given}, {options});");
            (format!("Incoming<{answer}>"), body)
        }
    };
    let open = format!("{name}(");
    let close = format!("): {returns} {{");
    text.listed(&open, &params, &close);
    text.within(|text| text.line(&body));
    text.line("}");
}
