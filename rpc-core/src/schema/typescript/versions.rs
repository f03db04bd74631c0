//! What a module tells of the versions of services.

use std::collections::BTreeSet;

use serde_json::json;

use super::exports::Exports;
use super::names::{camel, string};
use super::text::Text;
use super::{FIRST, value};
use crate::schema::digest::strip;
use crate::schema::model::{CallModel, End, Model, ServiceModel};

const DOCS: &str = "The services of both ends by version and hash, for `offers` and `offered`.";

/// Writes the constant that has the version and the digest of each service.
pub(super) fn write(model: &Model, end: End, text: &mut Text, exports: &mut Exports) {
    exports.export("services", "the constant for the services".to_owned());
    text.blank();
    text.docs(&[DOCS]);
    text.block("export const services = {", "} as const;", |text| {
        for (of, end) in [("serves", end), ("calls", end.other())] {
            let services: Vec<_> = model.served_by(end).collect();
            if services.is_empty() {
                text.line(&format!("{of}: {{}},"));
                continue;
            }
            text.block(&format!("{of}: {{"), "},", |text| {
                services.into_iter().for_each(|service| write_service(service, text));
            });
        }
    });
}

fn write_service(service: &ServiceModel, text: &mut Text) {
    text.block(&format!("{}: {{", camel(&service.name)), "},", |text| {
        text.line(&format!("name: {},", string(service.offered_name())));
        if let Some(version) = &service.version {
            text.line(&format!("version: {},", string(version)));
        }
        text.line(&format!("hash: {},", string(&service.digest)));
        // Subscriptions that a param selects share a name.
        let mut seen = BTreeSet::new();
        let methods = service.method_names().filter(|name| seen.insert(*name));
        let methods: Vec<_> = methods.map(string).collect();
        text.listed("methods: [", &methods, "],");
    });
}

/// Returns the module that has the model as an end sees it.
pub(super) fn model(model: &Model, end: End, package: &str) -> String {
    let mut seen = model.clone();
    seen.end = end;
    remove_docs(&mut seen);
    let mut text = Text::default();
    text.line(FIRST);
    text.blank();
    text.line(&format!("import type {{ Model }} from {};", string(package)));
    text.blank();
    text.docs(&["The services of both ends with all their types, for `offers` and `offered`."]);
    value::write("export const model: Model = ", &json!(seen), ";", &mut text);
    text.finish()
}

/// Removes what is for people, which a page need not load.
fn remove_docs(model: &mut Model) {
    for service in &mut model.services {
        service.docs.clear();
        for method in &mut service.methods {
            method.docs.clear();
            (method.ident, method.since, method.deprecated) = (None, None, None);
            method.errors.iter_mut().for_each(|error| error.docs.clear());
            for param in &mut method.params {
                param.docs.clear();
                param.rust_type.clear();
                param.errors.iter_mut().for_each(|error| error.docs.clear());
            }
            if let CallModel::Subscription(subscription) = &mut method.call {
                subscription.items.errors.iter_mut().for_each(|error| error.docs.clear());
            }
        }
    }
    model.each_schema(&mut strip);
    model.definitions.values_mut().for_each(strip);
}
