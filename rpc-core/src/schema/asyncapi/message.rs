//! The messages of a method as AsyncAPI has them: whole JSON-RPC messages.

use serde_json::{Map, Value, json};

use crate::method::SubscriptionIds;
use crate::schema::document::{description, message, stream_reference, with_member};
use crate::schema::model::{
    CallModel, ErrorModel, MethodModel, Model, ParamKind, ParamModel, StreamModel,
    SubscriptionModel,
};

/// A method whose messages are asked for.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) model: &'a Model,
    pub(super) method: &'a MethodModel,
}

impl Message<'_> {
    /// Returns the request, or the notification.
    pub(super) fn request(self) -> Value {
        let Self { method, .. } = self;
        let mut properties = properties();
        let mut required = vec!["jsonrpc", "method"];
        properties.insert("method".into(), json!({"const": method.name}));
        if !matches!(method.call, CallModel::Notification) {
            properties.insert("id".into(), id());
            required.push("id");
        }
        if let Some(params) = self.params() {
            properties.insert("params".into(), params.schema);
            if params.is_required {
                required.push("params");
            }
        }
        payload(properties, &required)
    }

    /// Returns the response, if there is one.
    pub(super) fn response(self) -> Option<Value> {
        let Self { method, .. } = self;
        let result = match &method.call {
            CallModel::Request { result } => result.clone(),
            CallModel::Subscription(subscription) => subscription_id(subscription),
            CallModel::Notification => return None,
        };
        let with = |name: &str, schema: Value| {
            let mut properties = properties();
            properties.extend([("id".into(), id()), (name.into(), schema)]);
            object(properties, &["jsonrpc", "id", name])
        };
        let schemas = [with("result", result), with("error", error(&method.errors))];
        Some(json!({"payload": {"oneOf": schemas}}))
    }

    /// Returns the notification with an item of a subscription.
    pub(super) fn item(self, subscription: &SubscriptionModel) -> Value {
        let SubscriptionModel { item, id_member, items, .. } = subscription;
        of_stream(item, id_member, &subscription_id(subscription), items)
    }

    /// Returns the notification with an item of a param that is a stream.
    pub(super) fn streamed(self, param: &ParamModel) -> Option<Value> {
        let ParamModel { kind: ParamKind::Stream, schema, errors, .. } = param else { return None };
        let items = StreamModel { schema: schema.clone(), errors: errors.clone() };
        Some(of_stream("$/item", "subscription", &json!({"type": "string"}), &items))
    }

    fn params(self) -> Option<Params> {
        let Self { method, model } = self;
        if let [ParamModel { kind: ParamKind::All, schema, .. }] = &*method.params {
            let described = model.definition(schema).map_or(schema, |found| found.schema);
            let is_required = described.get("required").is_some();
            return Some(Params { schema: schema.clone(), is_required });
        }
        let selector = match &method.call {
            CallModel::Subscription(subscription) => subscription.selector.as_deref(),
            CallModel::Request { .. } | CallModel::Notification => None,
        };
        if method.params.is_empty() && selector.is_none() {
            return None;
        }
        let needed =
            method.params.iter().rposition(|param| !param.optional).map_or(0, |last| last + 1);
        let first = selector.map(|selector| json!({"const": selector}));
        let schemas: Vec<_> = first.into_iter().chain(method.params.iter().map(param)).collect();
        let least = needed + usize::from(selector.is_some());
        let by_position = json!({
            "type": "array",
            "items": schemas,
            "minItems": least,
            "maxItems": schemas.len(),
        });
        let schema = if selector.is_some() {
            by_position
        } else {
            json!({"oneOf": [by_position, by_name(method)]})
        };
        Some(Params { schema, is_required: least > 0 })
    }
}

/// The params of a request.
struct Params {
    schema: Value,
    is_required: bool,
}

fn by_name(method: &MethodModel) -> Value {
    let required = method.params.iter().filter(|param| !param.optional);
    let required: Vec<_> = required.map(|param| &*param.name).collect();
    let properties =
        method.params.iter().map(|described| (described.name.clone(), param(described))).collect();
    object(properties, &required)
}

fn param(param: &ParamModel) -> Value {
    let mut schema = match param.kind {
        ParamKind::Stream => stream_reference(),
        ParamKind::Value | ParamKind::All => param.schema.clone(),
    };
    if let Some(text) = description(&param.docs) {
        schema = with_member(&schema, "description", text.into());
    }
    if let Some(default) = &param.default {
        schema = with_member(&schema, "default", default.clone());
    }
    schema
}

/// Returns the notification with an item, an error or the end of a stream.
fn of_stream(name: &str, id_member: &str, id: &Value, items: &StreamModel) -> Value {
    let with = |member: &str, schema: Value| {
        let sequence = json!({"type": "integer", "minimum": 1});
        let properties = Map::from_iter([
            (id_member.to_owned(), id.clone()),
            ("seq".to_owned(), sequence),
            (member.to_owned(), schema),
        ]);
        object(properties, &[id_member, member])
    };
    let kinds = [
        with("result", items.schema.clone()),
        with("error", error(&items.errors)),
        with("done", json!({"const": true})),
    ];
    let mut properties = properties();
    properties.insert("method".into(), json!({"const": name}));
    properties.insert("params".into(), json!({"oneOf": kinds}));
    payload(properties, &["jsonrpc", "method", "params"])
}

/// Returns the schema of an error object: one of the known errors, or any other.
fn error(errors: &[ErrorModel]) -> Value {
    let general = json!({
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": true},
        "required": ["code", "message"],
    });
    let known = errors.iter().map(|error| {
        let mut schema = general.clone();
        schema["title"] = (&*error.name).into();
        schema["description"] = message(error).into();
        schema["properties"]["code"] = json!({"const": error.code});
        if let Some(data) = &error.data {
            schema["properties"]["data"] = data.clone();
        }
        schema
    });
    let mut schemas: Vec<_> = known.collect();
    if schemas.is_empty() {
        return general;
    }
    schemas.push(general);
    json!({"anyOf": schemas})
}

fn subscription_id(subscription: &SubscriptionModel) -> Value {
    match subscription.ids {
        SubscriptionIds::Strings => json!({"type": "string"}),
        SubscriptionIds::Numbers => json!({"type": "integer"}),
    }
}

fn id() -> Value {
    json!({"type": ["string", "integer", "null"]})
}

fn properties() -> Map<String, Value> {
    Map::from_iter([("jsonrpc".to_owned(), json!({"const": "2.0"}))])
}

fn payload(properties: Map<String, Value>, required: &[&str]) -> Value {
    json!({"payload": object(properties, required)})
}

fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}
