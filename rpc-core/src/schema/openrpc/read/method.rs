//! One method object of a document.

use serde_json::Value;

use super::OpenRpcError;
use crate::method::SubscriptionIds;
use crate::schema::model::{
    CallModel, ErrorModel, MethodModel, ParamKind, ParamModel, StreamModel, SubscriptionModel,
};

/// The most references behind each other.
const HOPS: usize = 32;

/// Returns the value behind references within a document. A reference to nothing stays as it is.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut resolved = value;
    for _ in 0..HOPS {
        let reference = resolved.get("$ref").and_then(Value::as_str);
        let Some(path) = reference.and_then(|reference| reference.strip_prefix('#')) else { break };
        let Some(next) = document.pointer(path) else { break };
        resolved = next;
    }
    resolved
}

/// Reads a method: several if its first param selects one of them, and none if it only ends subscriptions.
///
/// # Errors
/// Returns an error if the method has no name.
pub(super) fn read(document: &Value, object: &Value) -> Result<Vec<MethodModel>, OpenRpcError> {
    if is_on(object, "x-unsubscribe") {
        return Ok(Vec::new());
    }
    let Some(name) = object.get("name").and_then(Value::as_str) else {
        return Err(OpenRpcError("a method has no `name`".to_owned()));
    };
    let deprecated = object.get("x-deprecated").cloned().unwrap_or_default();
    let whole = MethodModel {
        name: name.to_owned(),
        aliases: strings(object, "x-aliases"),
        ident: None,
        docs: text(object, "description"),
        call: call(document, object),
        params: params(document, object),
        by_name: object.get("paramStructure").is_some_and(|it| it == "by-name"),
        empty_params: false,
        allow_unknown: is_on(object, "x-allow-unknown"),
        errors: errors(document, object),
        progress: object.get("x-progress").cloned(),
        timeout_ms: object.get("x-timeout-ms").and_then(Value::as_u64),
        idempotent: is_on(object, "x-idempotent"),
        ordered: is_on(object, "x-ordered"),
        optional: is_on(object, "x-optional"),
        unstable: is_on(object, "x-unstable"),
        since: object.get("x-since").and_then(Value::as_str).map(str::to_owned),
        deprecated: serde_json::from_value(deprecated).ok(),
    };
    let Some(selected) = object.get("x-selected").and_then(Value::as_object) else {
        return Ok(vec![whole]);
    };
    let ids = ids(document, object);
    let variant = |(selector, variant): (&String, &Value)| {
        let mut subscription = subscription(variant.get("x-subscription")?, ids);
        subscription.selector = Some(selector.clone());
        Some(MethodModel {
            docs: text(variant, "description"),
            call: CallModel::Subscription(subscription),
            params: params(document, variant),
            errors: errors(document, variant),
            ..whole.clone()
        })
    };
    Ok(selected.iter().filter_map(variant).collect())
}

fn call(document: &Value, object: &Value) -> CallModel {
    if let Some(described) = object.get("x-subscription") {
        return CallModel::Subscription(subscription(described, ids(document, object)));
    }
    match object.get("result") {
        Some(result) if !is_on(object, "x-notification") => {
            CallModel::Request { result: schema(resolved(document, result)) }
        }
        _ => CallModel::Notification,
    }
}

/// Returns the kind of a subscription's ids.
fn ids(document: &Value, object: &Value) -> SubscriptionIds {
    let result = object.get("result").map(|result| schema(resolved(document, result)));
    match result.as_ref().and_then(|schema| schema.get("type")?.as_str()) {
        Some("integer") => SubscriptionIds::Numbers,
        _ => SubscriptionIds::Strings,
    }
}

fn subscription(described: &Value, ids: SubscriptionIds) -> SubscriptionModel {
    SubscriptionModel {
        item: text(described, "item"),
        unsubscribe: text(described, "unsubscribe"),
        ids,
        id_member: text(described, "idMember"),
        selector: None,
        items: stream(described),
    }
}

fn stream(described: &Value) -> StreamModel {
    StreamModel { schema: schema(described), errors: errors_of_stream(described) }
}

fn params(document: &Value, object: &Value) -> Vec<ParamModel> {
    if let Some(all) = object.get("x-all-params") {
        return vec![ParamModel { kind: ParamKind::All, ..param(all) }];
    }
    let params = object.get("params").and_then(Value::as_array).into_iter().flatten();
    params.map(|descriptor| param(resolved(document, descriptor))).collect()
}

/// Reads the content descriptor of a param.
fn param(descriptor: &Value) -> ParamModel {
    let named = ParamModel {
        name: text(descriptor, "name"),
        docs: text(descriptor, "description"),
        kind: ParamKind::Value,
        schema: Value::Bool(true),
        rust_type: String::new(),
        optional: !is_on(descriptor, "required"),
        default: None,
        errors: Vec::new(),
    };
    if let Some(described) = descriptor.get("x-stream") {
        let StreamModel { schema, errors } = stream(described);
        return ParamModel { kind: ParamKind::Stream, schema, errors, ..named };
    }
    let mut schema = schema(descriptor);
    let default = schema.as_object_mut().and_then(|members| members.remove("default"));
    ParamModel { schema: without_all_of(schema), default, ..named }
}

/// Returns the reference that stands in an `allOf` only to have a default beside it.
fn without_all_of(schema: Value) -> Value {
    let members = schema.as_object().filter(|members| members.len() == 1);
    match members.and_then(|members| members.get("allOf")?.as_array()).map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => schema,
    }
}

fn errors(document: &Value, object: &Value) -> Vec<ErrorModel> {
    let more = object.get("x-error-data").and_then(Value::as_array);
    let more = |code: i64| more?.iter().find(|data| data.get("code").is_some_and(|it| it == code));
    let errors = object.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors
        .filter_map(|error| {
            let error = resolved(document, error);
            let code = error.get("code")?.as_i64()?;
            let more = more(code);
            let name = more.and_then(|more| more.get("name")?.as_str());
            let data = more.and_then(|more| more.get("schema")).cloned();
            Some(ErrorModel { data, ..named(code, name, error) })
        })
        .collect()
}

/// Reads the errors with which a stream may end.
fn errors_of_stream(described: &Value) -> Vec<ErrorModel> {
    let errors = described.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors
        .filter_map(|error| {
            let code = error.get("code")?.as_i64()?;
            let name = error.get("name").and_then(Value::as_str);
            Some(ErrorModel { data: error.get("data").cloned(), ..named(code, name, error) })
        })
        .collect()
}

/// Returns an error without data. One without a name has its message for a name.
fn named(code: i64, name: Option<&str>, error: &Value) -> ErrorModel {
    let name = name.map_or_else(|| text(error, "message"), str::to_owned);
    ErrorModel { code, name, docs: String::new(), data: None }
}

/// Returns the schema of a content descriptor, or of what has one.
fn schema(descriptor: &Value) -> Value {
    descriptor.get("schema").cloned().unwrap_or(Value::Bool(true))
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn strings(object: &Value, name: &str) -> Vec<String> {
    let values = object.get(name).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn is_on(object: &Value, name: &str) -> bool {
    object.get(name) == Some(&Value::Bool(true))
}
