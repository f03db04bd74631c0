//! One name for each type, whichever way it goes.

use rpc_core::schema::{CallModel, Model};
use rpc_core::service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::contract::server;

#[test]
fn a_generic_type_has_a_readable_name() {
    let model = server();
    let names: Vec<_> = model.definitions.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "Level",
            "Message",
            "PageOfMessage",
            "PageOfUser",
            "Recipient",
            "SettingsInput",
            "SettingsOutput",
            "SizedBase64",
            "User",
            "User2"
        ]
    );
}

/// Each type of this crate that has a JSON form may stand in a trait that demands schemas.
#[test]
fn the_crates_own_types_have_schemas() {
    #[service(schema)]
    trait Own {
        async fn limits(&self, limits: rpc_core::Limits) -> rpc_core::Limits;
        async fn failed(&self, error: rpc_core::ErrorObject) -> Vec<rpc_core::validate::Violation>;
        async fn bytes(&self, bytes: rpc_core::Base64) -> rpc_core::SizedBase64;
        async fn raw(&self, json: Box<serde_json::value::RawValue>) -> serde_json::Value;
    }
    let model = Model::server().serves(OwnServer::INFO).build().unwrap();
    let names: Vec<_> = model.definitions.keys().map(String::as_str).collect();
    assert_eq!(names, ["ErrorObject", "LimitsInput", "LimitsOutput", "SizedBase64", "Violation"]);
    let limits = |name: &str| model.definitions[name].clone();
    let fields = serde_json::to_value(rpc_core::Limits::client()).unwrap();
    let fields: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    let written = limits("LimitsOutput");
    let mut properties: Vec<_> =
        written["properties"].as_object().unwrap().keys().cloned().collect();
    properties.sort();
    let mut sorted = fields.clone();
    sorted.sort();
    assert_eq!(properties, sorted);
    assert_eq!(written["required"].as_array().unwrap().len(), fields.len());
    assert_eq!(limits("LimitsInput").get("required"), None);
    assert_eq!(written["properties"]["queue"]["type"], "integer");
    assert_eq!(written["properties"]["ping"]["type"], "string");
}

/// `Settings` has a default; `Message` reads as it is written, though it goes both ways.
#[test]
fn what_is_read_and_what_is_written_are_two_definitions_if_they_differ() {
    let model = server();
    let required = |name: &str| &model.definitions[name]["required"];
    assert_eq!(required("SettingsInput"), &json!(["colors"]));
    assert_eq!(required("SettingsOutput"), &json!(["loud", "colors"]));
    let [configure] = model.services[0]
        .methods
        .iter()
        .filter(|it| it.name == "chat.configure")
        .collect::<Vec<_>>()[..]
    else {
        panic!()
    };
    let CallModel::Request { result, .. } = &configure.call else { panic!() };
    assert_eq!(configure.params[0].schema["$ref"], "#/definitions/SettingsInput");
    assert_eq!(result["$ref"], "#/definitions/SettingsOutput");
    // The server writes what it sends to clients.
    let confirm = &model.services[2].methods[0];
    assert_eq!(confirm.params[1].schema["$ref"], "#/definitions/SettingsOutput");
}

/// A type that refers to one whose schemas differ has two schemas as well.
#[test]
fn a_difference_reaches_what_refers_to_it() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        #[serde(default)]
        on: bool,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Outer {
        inner: Inner,
    }
    #[service(schema)]
    trait Both {
        async fn pass(&self, outer: Outer) -> Outer;
    }
    let model = Model::server().serves(BothServer::INFO).build().unwrap();
    let inner = |name: &str| model.definitions[name]["properties"]["inner"]["$ref"].clone();
    assert_eq!(inner("OuterInput"), "#/definitions/InnerInput");
    assert_eq!(inner("OuterOutput"), "#/definitions/InnerOutput");
}

mod other {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct User {
        id: u64,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct Page<T> {
        items: Vec<T>,
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Page<T> {
    rows: Vec<T>,
}

#[test]
fn two_types_with_one_name_are_an_error_that_names_both() {
    #[service]
    trait Read {
        async fn put(&self, user: User, other: other::User);
    }
    #[service]
    trait ReadAndWritten {
        async fn put(&self, user: User) -> other::User;
    }
    #[service]
    trait Generic {
        async fn put(&self, page: Page<bool>, other: other::Page<bool>);
    }
    let here = module_path!();
    let told = |info| Model::server().serves(info).build().unwrap_err().to_string();
    for info in [ReadServer::INFO, ReadAndWrittenServer::INFO] {
        let error = told(info);
        assert!(error.contains("two types are named `User`"), "{error}");
        for path in [format!("`{here}::User`"), format!("`{here}::other::User`")] {
            assert!(error.contains(&path), "{error}");
        }
    }
    let error = told(GenericServer::INFO);
    assert!(error.contains("`PageOfBoolean`"), "{error}");
    assert!(error.contains(&format!("`{here}::other::Page<boolean>`")), "{error}");
}

#[test]
fn a_name_that_a_suffix_makes_is_not_given_twice() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Item {
        #[serde(default)]
        on: bool,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct ItemInput {
        on: bool,
    }
    #[service]
    trait Both {
        async fn pass(&self, item: Item, input: ItemInput) -> Item;
    }
    let error = Model::server().serves(BothServer::INFO).build().unwrap_err().to_string();
    assert!(error.contains("two types are named `ItemInput`: `Item` and `ItemInput`"), "{error}");
}

#[test]
fn a_method_is_served_once_by_each_end() {
    #[service]
    trait One {
        async fn put(&self);
    }
    #[service]
    trait Two {
        async fn put(&self);
    }
    let both = Model::server().serves(OneServer::INFO).serves(TwoServer::INFO).build();
    assert_eq!(both.unwrap_err().to_string(), "the server serves `put` twice");
    assert!(Model::server().serves(OneServer::INFO).calls(TwoClient::INFO).build().is_ok());
}
