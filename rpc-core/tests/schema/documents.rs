//! The documents as they were agreed on. After a change: `GOLDEN=overwrite cargo test -p rpc-core --features schema
//! --test schema`, and read the difference.

use std::fs;
use std::path::Path;

use rpc_core::schema::{DocumentInfo, End};
use serde_json::{Value, json};

use crate::contract::{client, server};

fn info() -> DocumentInfo {
    DocumentInfo::new("Chat", "1.2.0").description("Rooms to talk in.")
}

fn check(name: &str, text: &str) {
    check_file(&Path::new("tests/schema/golden").join(name), text);
}

/// Compares a file of the repository, by its path within this crate.
pub(crate) fn check_file(path: &Path, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "overwrite") {
        fs::write(path, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(kept.lines()).position(|(new, old)| new != old);
    assert!(
        kept == text,
        "{}: line {differs:?} differs: run with `GOLDEN=overwrite`",
        path.display()
    );
}

fn check_json(name: &str, document: &Value) {
    check(name, &(serde_json::to_string_pretty(document).unwrap() + "\n"));
}

#[test]
fn documents_are_those_that_were_agreed_on() {
    let model = server();
    check("server.model.json", &model.to_json());
    check("client.model.json", &client().to_json());
    check_json("server.openrpc.json", &model.openrpc(End::Server, &info()));
    check_json("client.openrpc.json", &model.openrpc(End::Client, &info()));
    check_json("both.openrpc.json", &model.openrpc_of_both(&info()));
    check_json("server.asyncapi.json", &model.asyncapi(End::Server, &info()));
    check_json("client.asyncapi.json", &model.asyncapi(End::Client, &info()));
}

fn named<'a>(document: &'a Value, name: &str) -> &'a Value {
    let mut methods = document["methods"].as_array().unwrap().iter();
    methods.find(|method| method["name"] == name).expect("a method of this name")
}

#[test]
fn a_document_of_both_ends_says_who_implements_a_method() {
    let document = server().openrpc_of_both(&info());
    let by = |name| &named(&document, name)["x-implemented-by"];
    assert_eq!((by("chat.join"), by("chatter.confirm")), (&json!(["server"]), &json!(["client"])));
    let plain = server().openrpc(End::Client, &info());
    assert!(named(&plain, "chatter.confirm").get("x-implemented-by").is_none());
    assert_eq!(plain["methods"].as_array().unwrap().len(), 5);
}

#[test]
fn a_document_has_the_schemas_that_it_refers_to_and_no_others() {
    let document = server().openrpc(End::Client, &info());
    let schemas: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().collect();
    assert_eq!(schemas, ["Message", "SettingsOutput", "User"]);
    assert!(!document.to_string().contains("#/definitions/"));
}

#[test]
fn what_both_ends_offer_under_one_name_is_one_method() {
    #[rpc_core::service(schema)]
    trait Bounce {
        async fn bounce(&self, depth: u32) -> u32;
    }
    #[rpc_core::service(schema)]
    trait Other {
        async fn bounce(&self, depth: u32, more: bool) -> u32;
    }
    use rpc_core::schema::Model;
    let of = |model: Model| model.openrpc_of_both(&info())["methods"].clone();
    let same =
        Model::server().serves(BounceServer::INFO).calls(BounceClient::INFO).build().unwrap();
    assert_eq!(of(same)[0]["x-implemented-by"], json!(["server", "client"]));
    let other =
        Model::server().serves(BounceServer::INFO).calls(OtherClient::INFO).build().unwrap();
    let methods = of(other);
    assert_eq!(methods.as_array().unwrap().len(), 1);
    assert_eq!(methods[0]["x-implemented-by"], json!(["server"]));
    assert_eq!(methods[0]["x-implemented-by-client"]["params"].as_array().unwrap().len(), 2);
}

#[test]
fn the_members_of_all_params_are_params() {
    let document = server().openrpc(End::Server, &info());
    let configure = named(&document, "chat.configure");
    let names: Vec<_> =
        configure["params"].as_array().unwrap().iter().map(|param| &param["name"]).collect();
    assert_eq!(names, ["colors", "loud"]);
    assert_eq!(configure["paramStructure"], "by-name");
}

#[test]
fn each_end_has_its_own_view_of_an_operation() {
    let model = server();
    let action =
        |end, name: &str| model.asyncapi(end, &info())["operations"][name]["action"].clone();
    assert_eq!(
        (action(End::Server, "chat.join"), action(End::Client, "chat.join")),
        (json!("receive"), json!("send"))
    );
    assert_eq!(action(End::Server, "chat.listen.items"), "send");
    assert_eq!(action(End::Server, "chat.upload.chunks.items"), "receive");
    assert_eq!(action(End::Server, "chatter.news"), "send");
}
