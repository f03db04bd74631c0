//! Documents of AsyncAPI 3.0, as the server's view or as the client's.

mod message;
mod names;

use serde_json::{Map, Value, json};

use super::document::{DocumentInfo, components, description, refer_to_components, set, summary};
use super::model::{CallModel, End, MethodModel, Model, ServiceModel};
use message::Message;
use names::Names;

/// The version of the specification.
const VERSION: &str = "3.0.0";

/// The name of the only channel: all messages go over one connection.
const CHANNEL: &str = "connection";

impl Model {
    /// Returns an AsyncAPI document of one end's view: the end receives what it offers, and sends what it calls.
    ///
    /// An operation is a method. Its message is the whole JSON-RPC message, with the params by position or by name. The
    /// reply is the response, with the result or an error. The items of a stream are an operation of their own, in the
    /// direction in which they go. A method under several names is one operation, by its own name.
    ///
    /// The text of a document in JSON is also a document in YAML.
    pub fn asyncapi(&self, end: End, info: &DocumentInfo) -> Value {
        let mut writer = Writer::default();
        for service in &self.services {
            let action = if service.served_by == end { Action::Receive } else { Action::Send };
            for method in &service.methods {
                writer.method(self, service, method, action);
            }
        }
        let listed: Map<_, _> = writer
            .messages
            .keys()
            .map(|name| (name.clone(), reference("#/components/messages/", name)))
            .collect();
        let mut document = json!({
            "asyncapi": VERSION,
            "info": info.json(),
            "defaultContentType": "application/json",
            "channels": {CHANNEL: {"address": "/", "messages": listed}},
            "operations": writer.operations,
            "components": {"messages": writer.messages},
        });
        let schemas = components(self, &document);
        document["components"]["schemas"] = schemas.into();
        refer_to_components(&mut document);
        document.sort_all_objects();
        document
    }
}

/// What an end does with the message of an operation.
#[derive(Clone, Copy)]
enum Action {
    Send,
    Receive,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }

    const fn back(self) -> Self {
        match self {
            Self::Send => Self::Receive,
            Self::Receive => Self::Send,
        }
    }
}

/// The parts of a document that grow by each method.
#[derive(Default)]
struct Writer {
    names: Names,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

impl Writer {
    fn method(
        &mut self,
        model: &Model,
        service: &ServiceModel,
        method: &MethodModel,
        action: Action,
    ) {
        let key = self.names.of(method, service.served_by);
        let message = Message { model, method };
        let mut operation = self.operation(action, &format!("{key}.request"), message.request());
        operation["tags"] = json!([{"name": service.name}]);
        set(&mut operation, "summary", summary(&method.docs));
        set(&mut operation, "description", description(&method.docs));
        if let Some(response) = message.response() {
            let name = format!("{key}.response");
            let reply = in_channel(&name);
            self.messages.insert(name, response);
            operation["reply"] =
                json!({"channel": reference("#/channels/", CHANNEL), "messages": [reply]});
        }
        self.operations.insert(key.clone(), operation);
        if let CallModel::Subscription(subscription) = &method.call {
            let (key, item) = (format!("{key}.items"), message.item(subscription));
            let mut items = self.operation(action.back(), &key, item);
            items["summary"] = format!("An item of a stream that `{}` started", method.name).into();
            self.operations.insert(key, items);
        }
        for param in &method.params {
            if let Some(item) = message.streamed(param) {
                let key = format!("{key}.{}.items", names::clean(&param.name));
                let mut items = self.operation(action, &key, item);
                items["summary"] =
                    format!("An item of the stream `{}` of `{}`", param.name, method.name).into();
                self.operations.insert(key, items);
            }
        }
    }

    /// Adds a message, and returns the operation that carries it.
    fn operation(&mut self, action: Action, name: &str, message: Value) -> Value {
        self.messages.insert(name.to_owned(), message);
        json!({
            "action": action.as_str(),
            "channel": reference("#/channels/", CHANNEL),
            "messages": [in_channel(name)],
        })
    }
}

fn in_channel(message: &str) -> Value {
    reference(&format!("#/channels/{CHANNEL}/messages/"), message)
}

fn reference(path: &str, name: &str) -> Value {
    json!({"$ref": format!("{path}{name}")})
}
