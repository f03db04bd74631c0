//! The errors of a service's methods, as unions that are told apart by the code.

use super::exports::Exports;
use super::names::{pascal, property};
use super::text::{Member, Text};
use super::{method, types};
use crate::schema::model::{ErrorModel, MethodModel, ServiceModel};

/// Returns the name of the errors of a method, if it has any. Methods with the same errors share a name.
pub(super) fn name(service: &ServiceModel, method: &MethodModel) -> Option<String> {
    if method.errors.is_empty() {
        return None;
    }
    let first = service.methods.iter().find(|other| other.errors == method.errors)?;
    let service_name = pascal(&service.name);
    if distinct(service).count() == 1 {
        return Some(format!("{service_name}Error"));
    }
    Some(format!("{service_name}{}Error", pascal(&method::name(service, first))))
}

/// Returns the first method of each list of errors.
fn distinct(service: &ServiceModel) -> impl Iterator<Item = &MethodModel> {
    let methods = &service.methods;
    let is_first = move |(at, method): &(usize, &MethodModel)| {
        !method.errors.is_empty()
            && !methods[..*at].iter().any(|before| before.errors == method.errors)
    };
    methods.iter().enumerate().filter(is_first).map(|(_, method)| method)
}

pub(super) fn write(service: &ServiceModel, text: &mut Text, exports: &mut Exports) {
    for method in distinct(service) {
        let Some(name) = name(service, method) else { continue };
        exports.export(&name, format!("the errors of `{}`", method.name));
        exports.uses_type("RpcError");
        text.blank();
        let members: Vec<_> = method.errors.iter().map(member).collect();
        text.union(&format!("export type {name} ="), &members);
        let codes = format!("{name}Code");
        exports.export(&codes, format!("the codes of the errors of `{}`", method.name));
        let code = |error: &ErrorModel| format!("{}: {}", property(&error.name), error.code);
        let each: Vec<_> = method.errors.iter().map(code).collect();
        text.blank();
        text.listed(&format!("export const {codes} = {{ "), &each, " } as const;");
    }
}

fn member(error: &ErrorModel) -> Member {
    let data = error.data.as_ref().map_or_else(|| "undefined".to_owned(), types::of);
    let docs = if error.docs.is_empty() { error.name.clone() } else { error.docs.clone() };
    Member { ty: format!("RpcError<{}, {data}>", error.code), docs }
}
