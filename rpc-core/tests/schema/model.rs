//! What a model says of services and methods.

use rpc_core::schema::{CallModel, End, MethodModel, Model, ParamKind, SubscriptionIds};
use rpc_core::{Context, Router, Streaming, service};
use serde_json::{Value, json};

use crate::contract::{client, server};

fn method<'a>(model: &'a Model, name: &str) -> &'a MethodModel {
    let mut methods = model.services.iter().flat_map(|service| &service.methods);
    methods.find(|method| method.name == name).expect("a method of this name")
}

#[test]
fn services_come_in_their_order_and_tell_who_serves_them() {
    let told = |model: &Model| -> Vec<_> {
        let service =
            |service: &rpc_core::schema::ServiceModel| (service.name.clone(), service.served_by);
        model.services.iter().map(service).collect()
    };
    let chat = |name: &str, end| (name.to_owned(), end);
    let [server_end, client_end] = [End::Server, End::Client];
    let of_server =
        [chat("Chat", server_end), chat("Node", server_end), chat("Chatter", client_end)];
    assert_eq!(told(&server()), of_server);
    let of_client =
        [chat("Chatter", client_end), chat("Chat", server_end), chat("Node", server_end)];
    assert_eq!(told(&client()), of_client);
}

#[test]
fn a_method_tells_what_its_trait_says() {
    let model = server();
    let chat = &model.services[0];
    assert_eq!((chat.namespace.as_deref(), &*chat.separator), (Some("chat"), "."));
    assert_eq!(chat.docs, "Rooms to talk in.");
    let join = method(&model, "chat.join");
    assert_eq!(
        (&*join.docs, join.ident.as_deref()),
        ("Joins a room. Others see it.\n\nAt once.", Some("join"))
    );
    assert_eq!(
        (&*join.aliases, join.idempotent, join.timeout_ms),
        (&["enter".to_owned()][..], true, Some(2000))
    );
    assert!(
        chat.methods.iter().all(|method| method.name != "enter"),
        "an alias is no method of its own"
    );
    assert!(matches!(method(&model, "chat.say").call, CallModel::Notification));
}

#[test]
fn a_method_tells_its_versions() {
    let model = server();
    let confirm = method(&model, "chatter.confirm");
    let deprecation = confirm.deprecated.as_ref().unwrap();
    let told = [&confirm.since, &deprecation.since, &deprecation.note].map(Option::as_deref);
    assert_eq!(told, [Some("1.0"), Some("1.2.0"), Some("call `ask`")]);
    assert_eq!(
        (&method(&model, "chat.join").since, &method(&model, "chat.join").deprecated),
        (&None, &None)
    );
}

#[test]
fn params_have_names_schemas_and_defaults() {
    let model = server();
    let [room, language, seat] = &*method(&model, "chat.join").params else { panic!() };
    assert_eq!((&*room.name, &*room.docs, room.optional), ("room", "The room.", false));
    assert_eq!(room.schema, json!({"type": "string"}));
    assert_eq!(
        (&*language.name, language.optional, &language.default),
        ("lang", true, &Some(json!("")))
    );
    assert_eq!((seat.optional, &seat.default), (true, &None));
    assert_eq!(seat.schema["type"], json!(["integer", "null"]));
    assert_eq!((&*room.rust_type, &*seat.rust_type), ("&str", "Option<u8>"));
}

#[test]
fn results_items_progress_and_streams_have_schemas() {
    let model = server();
    let CallModel::Request { result, .. } = &method(&model, "chat.join").call else { panic!() };
    assert_eq!(result, &json!({"$ref": "#/definitions/PageOfUser"}));
    assert_eq!(model.definition(result).unwrap().name, "PageOfUser");
    let CallModel::Subscription(listen) = &method(&model, "chat.listen").call else { panic!() };
    assert_eq!(listen.items.schema, json!({"$ref": "#/definitions/Message"}));
    assert_eq!(
        (&*listen.unsubscribe, &*listen.id_member),
        ("chat.unsubscribe_listen", "subscription")
    );
    assert_eq!(listen.items.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [2001]);
    let upload = method(&model, "chat.upload");
    assert_eq!(upload.progress.as_ref().unwrap()["format"], "uint64");
    let [_, chunks] = &*upload.params else { panic!("a `Progress` is no param") };
    assert_eq!((chunks.kind, chunks.errors[0].code), (ParamKind::Stream, 2001));
    assert_eq!(chunks.schema, json!({"$ref": "#/definitions/SizedBase64"}));
    let CallModel::Request { result, .. } = &upload.call else { panic!() };
    assert_eq!(result, &json!({"type": "string", "contentEncoding": "base64"}));
    assert_eq!(method(&model, "chat.configure").params[0].kind, ParamKind::All);
}

#[test]
fn the_data_of_errors_have_the_schema_of_their_fields() {
    let model = server();
    let [full, no_room, not_member, taken] = &*method(&model, "chat.join").errors else { panic!() };
    assert_eq!((full.code, &*full.name, &*full.docs), (1001, "Full", "No place is left."));
    let data = full.data.as_ref().unwrap();
    assert_eq!(data["properties"]["max"]["format"], "uint32");
    // The server writes both, and a client may read either without the other.
    assert_eq!(data["required"], json!(["max", "until"]));
    let of_client = client();
    let read = &method(&of_client, "chat.join").errors[0];
    assert_eq!(read.data.as_ref().unwrap()["required"], json!(["max"]));
    assert_eq!((no_room.data.clone(), &not_member.data), (Some(json!({"type": "string"})), &None));
    let pair = taken.data.as_ref().unwrap();
    assert_eq!(pair["items"][0], json!({"$ref": "#/definitions/User2"}));
    assert_eq!((&pair["minItems"], &pair["maxItems"]), (&json!(2), &json!(2)));
}

#[test]
fn methods_that_a_selector_picks_are_methods_of_one_name() {
    let model = server();
    let picked: Vec<_> = model.services[1]
        .methods
        .iter()
        .map(|method| {
            let CallModel::Subscription(subscription) = &method.call else { panic!() };
            assert_eq!((&*method.name, subscription.ids), ("subscribe", SubscriptionIds::Numbers));
            (subscription.selector.as_deref().unwrap(), method.params.len())
        })
        .collect();
    assert_eq!(picked, [("heads", 0), ("logs", 1)]);
}

/// A trait that does not demand schemas tells those that are there.
#[service]
trait Loose {
    async fn known(&self, number: u8) -> Opaque;
    async fn unknown(&self, opaque: Opaque) -> bool;
    async fn opaque(&self) -> Streaming<Opaque>;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Opaque;

#[test]
fn a_type_without_a_schema_can_be_anything() {
    let model = Model::server().serves(LooseServer::INFO).build().unwrap();
    let known = method(&model, "known");
    assert_eq!(known.params[0].schema["format"], "uint8");
    assert!(matches!(&known.call, CallModel::Request { result: Value::Bool(true), .. }));
    assert_eq!(method(&model, "unknown").params[0].schema, json!(true));
}

#[test]
fn what_a_router_really_serves_has_its_names() {
    struct Nobody;
    impl Loose for Nobody {
        async fn known(&self, _: u8) -> Opaque {
            Opaque
        }
        async fn unknown(&self, _: Opaque) -> bool {
            true
        }
        async fn opaque(&self) -> Streaming<Opaque> {
            Streaming::channel(1).1
        }
    }
    let router = Router::new()
        .service(LooseServer::new(Nobody).namespace("attic"))
        .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    let model = Model::server().serves_all("Everything", &router).build().unwrap();
    let names = model.services[0].methods.iter().map(|method| &*method.name);
    assert!(names.eq(["attic.known", "attic.unknown", "attic.opaque", "add"]));
    assert_eq!(method(&model, "attic.known").params[0].schema["format"], "uint8");
    assert_eq!(method(&model, "add").ident, None);
}

#[test]
fn a_model_is_read_again_as_it_was_written() {
    let model = server();
    assert_eq!(Model::from_json(&model.to_json()).unwrap(), model);
    assert_eq!(server().to_json(), model.to_json());
}
