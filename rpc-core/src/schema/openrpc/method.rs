//! The method objects of an OpenRPC document.

use serde_json::{Value, json};

use super::{Entry, selected};
use crate::method::SubscriptionIds;
use crate::schema::document::{description, message, set, stream_reference, summary, with_member};
use crate::schema::model::{
    CallModel, ErrorModel, MethodModel, Model, ParamKind, ParamModel, StreamModel,
    SubscriptionModel,
};

/// Returns the objects of all methods, and of the methods that end subscriptions. Methods that share a name become one.
pub(super) fn all(model: &Model, entries: &[Entry<'_>]) -> Vec<Value> {
    let mut methods: Vec<Value> = Vec::new();
    let is_listed =
        |methods: &[Value], name: &str| methods.iter().any(|known| known["name"] == name);
    for entry in entries {
        let name = &*entry.method.name;
        if is_listed(&methods, name) {
            continue; // one of several that the first param selects
        }
        let same: Vec<_> = entries.iter().filter(|other| other.method.name == name).collect();
        methods.push(if selector(entry.method).is_some() {
            selected::object(model, &same)
        } else {
            object(model, *entry)
        });
    }
    for entry in entries {
        if let CallModel::Subscription(subscription) = &entry.method.call
            && !is_listed(&methods, &subscription.unsubscribe)
        {
            let mut object = unsubscribe(entry, subscription);
            let is_unstable =
                ends(entries, &subscription.unsubscribe).all(|method| method.unstable);
            set(&mut object, "x-unstable", is_unstable.then_some(true));
            methods.push(object);
        }
    }
    methods
}

/// Returns the methods whose subscriptions end by this one.
fn ends<'a>(entries: &'a [Entry<'_>], name: &'a str) -> impl Iterator<Item = &'a MethodModel> {
    entries.iter().map(|entry| entry.method).filter(move |method| match &method.call {
        CallModel::Subscription(subscription) => subscription.unsubscribe == name,
        CallModel::Request { .. } | CallModel::Notification => false,
    })
}

/// Returns the param that selects a method among several with the same name.
pub(super) fn selector(method: &MethodModel) -> Option<&str> {
    match &method.call {
        CallModel::Subscription(subscription) => subscription.selector.as_deref(),
        CallModel::Request { .. } | CallModel::Notification => None,
    }
}

/// Returns the object of a method.
pub(super) fn object(model: &Model, Entry { service, method }: Entry<'_>) -> Value {
    let mut object = json!({
        "name": method.name,
        "tags": [{"name": service.name}],
        "params": params(model, method),
        "paramStructure": if has_all(method) { "by-name" } else { "either" },
    });
    set(&mut object, "summary", summary(&method.docs));
    set(&mut object, "description", description(&method.docs));
    match &method.call {
        CallModel::Request { result } => {
            object["result"] = json!({"name": "result", "schema": result})
        }
        CallModel::Notification => object["x-notification"] = true.into(),
        CallModel::Subscription(subscription) => {
            object["result"] = json!({"name": "subscription", "schema": id(subscription)});
            object["x-subscription"] = stream_of(subscription);
        }
    }
    set_errors(&mut object, &method.errors);
    set(&mut object, "deprecated", method.deprecated.is_some().then_some(true));
    set(&mut object, "x-deprecated", method.deprecated.as_ref().map(|it| json!(it)));
    let all = method.params.iter().find(|param| param.kind == ParamKind::All);
    set(
        &mut object,
        "x-all-params",
        all.map(|all| json!({"name": all.name, "schema": all.schema})),
    );
    set(&mut object, "x-progress", method.progress.clone());
    set(&mut object, "x-timeout-ms", method.timeout_ms);
    set(&mut object, "x-since", method.since.as_deref());
    let flags = [
        ("x-idempotent", method.idempotent),
        ("x-ordered", method.ordered),
        ("x-optional", method.optional),
        ("x-unstable", method.unstable),
        ("x-allow-unknown", method.allow_unknown),
    ];
    for (name, is_on) in flags {
        set(&mut object, name, is_on.then_some(true));
    }
    let aliases = Some(&method.aliases).filter(|aliases| !aliases.is_empty());
    set(&mut object, "x-aliases", aliases.map(|aliases| json!(aliases)));
    object
}

fn has_all(method: &MethodModel) -> bool {
    method.params.iter().any(|param| param.kind == ParamKind::All)
}

/// Returns the content descriptors of the params. The members of an object that is all params are params of their own.
fn params(model: &Model, method: &MethodModel) -> Vec<Value> {
    method
        .params
        .iter()
        .flat_map(|param| match param.kind {
            ParamKind::All => members(model, param),
            ParamKind::Value | ParamKind::Stream => vec![descriptor(param)],
        })
        .collect()
}

/// Returns the content descriptor of a param.
pub(super) fn descriptor(param: &ParamModel) -> Value {
    let is_stream = param.kind == ParamKind::Stream;
    let schema = match &param.default {
        _ if is_stream => stream_reference(),
        Some(default) => with_member(&param.schema, "default", default.clone()),
        None => param.schema.clone(),
    };
    let mut descriptor = json!({"name": param.name, "schema": schema, "required": !param.optional});
    set(&mut descriptor, "summary", summary(&param.docs));
    set(&mut descriptor, "description", description(&param.docs));
    if is_stream {
        descriptor["x-stream"] = stream(&param.schema, &param.errors);
    }
    descriptor
}

/// Returns the members of an object as content descriptors. A type that tells no members stays one param.
fn members(model: &Model, param: &ParamModel) -> Vec<Value> {
    let schema = model.definition(&param.schema).map_or(&param.schema, |found| found.schema);
    let Some(properties) = schema["properties"].as_object() else { return vec![descriptor(param)] };
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
    };
    let mut members: Vec<_> = properties
        .iter()
        .map(|(name, schema)| {
            let mut member = json!({"name": name, "schema": schema, "required": required(name)});
            set(&mut member, "description", schema["description"].as_str());
            member
        })
        .collect();
    // By the specification those that are required come first.
    members.sort_by_key(|member| member["required"] != true);
    members
}

/// Sets the errors of a method, and their names and the schemas of their data, for which the errors of OpenRPC have no
/// place.
pub(super) fn set_errors(object: &mut Value, errors: &[ErrorModel]) {
    if errors.is_empty() {
        return;
    }
    let listed: Vec<_> =
        errors.iter().map(|error| json!({"code": error.code, "message": message(error)})).collect();
    object["errors"] = listed.into();
    let data: Vec<_> = errors
        .iter()
        .map(|error| {
            let mut data = json!({"code": error.code, "name": error.name});
            set(&mut data, "schema", error.data.clone());
            data
        })
        .collect();
    object["x-error-data"] = data.into();
}

/// Returns the `x-subscription` of a method.
pub(super) fn stream_of(subscription: &SubscriptionModel) -> Value {
    let StreamModel { schema, errors } = &subscription.items;
    let mut described = stream(schema, errors);
    described["item"] = (&*subscription.item).into();
    described["unsubscribe"] = (&*subscription.unsubscribe).into();
    described["idMember"] = (&*subscription.id_member).into();
    described
}

fn stream(schema: &Value, errors: &[ErrorModel]) -> Value {
    let mut stream = json!({"schema": schema});
    if !errors.is_empty() {
        let error = |error: &ErrorModel| {
            let mut described =
                json!({"code": error.code, "name": error.name, "message": message(error)});
            set(&mut described, "data", error.data.clone());
            described
        };
        stream["errors"] = errors.iter().map(error).collect();
    }
    stream
}

/// Returns the schema of a subscription's id.
pub(super) fn id(subscription: &SubscriptionModel) -> Value {
    match subscription.ids {
        SubscriptionIds::Strings => json!({"type": "string"}),
        SubscriptionIds::Numbers => json!({"type": "integer"}),
    }
}

/// Returns the object of the method that ends a subscription.
fn unsubscribe(Entry { service, .. }: &Entry<'_>, subscription: &SubscriptionModel) -> Value {
    json!({
        "name": subscription.unsubscribe,
        "tags": [{"name": service.name}],
        "summary": "Ends a subscription; answers whether there was one",
        "params": [{"name": subscription.id_member, "schema": id(subscription), "required": true}],
        "paramStructure": "either",
        "result": {"name": "result", "schema": {"type": "boolean"}},
        "x-unsubscribe": true,
    })
}
