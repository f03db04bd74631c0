//! Modules of TypeScript. That they compile, and what does not, is checked where TypeScript is.

use std::path::Path;

use rpc_core::schema::{End, Model};
use rpc_core::service;

use crate::contract::{ChatServer, server};
use crate::documents::check_file;

const PACKAGE: &str = "two-way-json-rpc";

/// Where TypeScript compiles them.
fn check(name: &str, code: &str) {
    check_file(&Path::new("../rpc-client/typescript/test/generated").join(name), code);
}

#[test]
fn modules_are_those_that_were_agreed_on() {
    let model = server();
    let client = model.typescript(End::Client, PACKAGE).unwrap();
    check("client.ts", &client.code);
    check("client.model.ts", &client.model);
    let model = Model::server().serves(ChatServer::INFO).build().unwrap();
    check("server.ts", &model.typescript(End::Server, PACKAGE).unwrap().code);
}

#[test]
fn what_the_runtime_cannot_offer_is_refused() {
    let error = server().typescript(End::Server, PACKAGE).unwrap_err().to_string();
    assert!(error.contains("a `subscribe` that its first param selects (`heads`)"), "{error}");
    assert!(error.contains("(`logs`)"), "{error}");
}

#[test]
fn methods_with_integers_that_a_number_cannot_hold_are_named() {
    let notes = server().typescript(End::Client, PACKAGE).unwrap().notes;
    let named: Vec<_> = notes.iter().map(|note| note.split('`').nth(1).unwrap()).collect();
    assert_eq!(named, ["chat.join", "chat.listen", "chat.upload", "chat.all", "subscribe"]);
}

mod one {
    use super::service;

    #[service(namespace = "one", schema)]
    pub(super) trait Same {
        async fn get_1(&self) -> bool;
        async fn get1(&self) -> bool;
    }
}

#[test]
fn names_that_meet_are_told_all_at_once() {
    let model = Model::server().serves(one::SameServer::INFO).build().unwrap();
    let error = model.typescript(End::Client, PACKAGE).unwrap_err().to_string();
    assert_eq!(error, "`SameClient.get1` would be `one.get_1` and `one.get1`");
}
