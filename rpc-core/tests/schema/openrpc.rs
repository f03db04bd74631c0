//! A document of OpenRPC is read as the model of which it was made.

use rpc_core::schema::{CallModel, DocumentInfo, End, Model, Pair, ParamKind};
use rpc_core::service;
use serde_json::{Value, json};

use crate::contract::{client, server};

fn info() -> DocumentInfo {
    DocumentInfo::new("Chat", "1.2.0")
}

fn read(document: &Value) -> Model {
    Model::from_openrpc(document).unwrap()
}

/// All that a trait can say beside what the contract says.
#[service(namespace = "lab", allow_unknown, schema)]
trait Lab {
    #[method(optional, idempotent)]
    async fn guess(&self, #[param(default)] mood: Mood) -> u8;
    #[method(unstable)]
    async fn peek(&self) -> u8;
}

/// A type with a name and a default.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
enum Mood {
    #[default]
    Calm,
    Wild,
}

fn lab() -> Model {
    Model::server().serves(LabServer::INFO).build().unwrap()
}

#[test]
fn a_document_says_all_that_a_comparison_looks_at() {
    for model in [server(), client(), lab()] {
        let again = read(&model.openrpc_of_both(&info()));
        let (forth, back) = (model.diff(&again), again.diff(&model));
        assert_eq!((&*forth.to_string(), &*back.to_string()), ("", ""));
        let count = |model: &Model| {
            model.services.iter().map(|service| service.methods.len()).sum::<usize>()
        };
        assert_eq!(count(&model), count(&again));
    }
    let sides = [End::Server, End::Client].map(|end| read(&server().openrpc(end, &info())));
    let served = |model: &Model| model.served_by(End::Server).count();
    assert_eq!(sides.each_ref().map(served), [2, 1], "a document of one side is the server's");
}

#[test]
fn the_same_breaks_between_documents_as_between_models() {
    let mut newer = server();
    for method in newer.services.iter_mut().flat_map(|service| &mut service.methods) {
        match &*method.name {
            "chat.join" => {
                method.errors[0].name = "Crowded".to_owned();
                method.params[0].optional = true;
                method.idempotent = false;
            }
            "chat.say" => method.name = "chat.shout".to_owned(),
            "chat.listen" => {
                let CallModel::Subscription(listen) = &mut method.call else { panic!() };
                listen.unsubscribe = "chat.enough".to_owned();
                listen.items.errors[0].code = 2002;
            }
            "chat.upload" => method.params[1].kind = ParamKind::Value,
            "chat.configure" => method.params[0].schema = json!({"type": "string"}),
            "subscribe" => method.params.clear(),
            "chatter.confirm" => method.call = CallModel::Notification,
            _ => {}
        }
    }
    let of_models = server().diff(&newer);
    let documents = [server(), newer].map(|model| read(&model.openrpc_of_both(&info())));
    let of_documents = documents[0].diff(&documents[1]);
    let lines = |diff: &rpc_core::schema::Diff| {
        let mut lines: Vec<_> = diff.changes.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    };
    assert!(of_models.changes.len() > 10, "{of_models}");
    assert_eq!(lines(&of_models), lines(&of_documents));
}

/// As other tools write them.
#[test]
fn a_foreign_document_is_the_servers() {
    let limit = |required: bool| json!({"name": "limit", "required": required, "schema": {"type": "integer"}});
    let document = |required: bool| {
        json!({
            "openrpc": "1.2.6",
            "info": {"title": "Pets", "version": "1.0.0"},
            "methods": [
                {
                    "name": "list_pets",
                    "params": [{"$ref": "#/components/contentDescriptors/Limit"}],
                    "result": {"$ref": "#/components/contentDescriptors/Pets"},
                    "errors": [{"$ref": "#/components/errors/Busy"}],
                },
                {"name": "fed", "params": []},
                {"$ref": "#/components/methods/Nothing"},
            ],
            "components": {
                "methods": {"Nothing": {"name": "nothing", "params": []}},
                "contentDescriptors": {
                    "Limit": limit(required),
                    "Pets": {"name": "pets", "schema": {"$ref": "#/components/schemas/Pets"}},
                },
                "errors": {"Busy": {"code": 100, "message": "busy"}},
                "schemas": {"Pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}, "Pet": {"type": "string"}},
            },
        })
    };
    let model = read(&document(false));
    let [service] = &*model.services else { panic!() };
    assert_eq!(service.served_by, End::Server);
    let [list, fed, nothing] = &*service.methods else { panic!() };
    let CallModel::Request { result, .. } = &list.call else { panic!() };
    assert_eq!(model.definition(result).unwrap().schema["items"]["$ref"], "#/definitions/Pet");
    assert!(list.params[0].optional);
    assert_eq!((list.errors[0].code, &*list.errors[0].name), (100, "busy"));
    assert!(matches!(fed.call, CallModel::Notification));
    assert_eq!(nothing.name, "nothing");

    let diff = model.diff(&read(&document(true)));
    let [change] = &*diff.changes else { panic!("{diff}") };
    assert_eq!((change.pair, change.breaks), (Pair::OldClient, true));
    assert_eq!(change.text, "the param `limit` is required, and may be left out by the caller");
}

#[test]
fn what_is_no_document_is_told() {
    let why = |value: Value| Model::from_openrpc(&value).unwrap_err().to_string();
    for wrong in [json!(1), json!({"methods": []}), json!({"openrpc": "1.4.1", "methods": {}})] {
        assert_eq!(why(wrong), "no document of OpenRPC: it has no `methods`");
    }
    assert_eq!(why(json!({"openrpc": "1.4.1", "methods": [{}]})), "a method has no `name`");
    let endless = json!({"openrpc": "1.4.1", "methods": [{"$ref": "#/methods/0"}]});
    assert_eq!(why(endless), "a method has no `name`");
}
