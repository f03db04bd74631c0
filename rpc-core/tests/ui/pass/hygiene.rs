//! Nothing that is made clashes with a name of the user, nor with one that the user replaced.
#![no_implicit_prelude]
#![deny(warnings)]

use ::rpc_core::service;
use ::serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct S;
#[derive(Serialize, Deserialize)]
struct T;
#[derive(Serialize, Deserialize)]
struct Peer;
#[derive(Serialize, Deserialize)]
struct Call;
struct Batch;
struct Group;
struct Answers;
struct Duration;
struct String;
struct Ok;
struct Err;
struct Some;
struct None;

#[service(dyn)]
trait Names {
    async fn types(&self, s: S, t: T, peer: Peer) -> Call;
    async fn locals(&self, params: u8, service: u8, list: u8, method: u8, error: u8) -> bool;
    async fn more(&self, cx: u8, context: &::rpc_core::Context, args: u8, target: &str, self_: u8);
    async fn clone(&self, clone: u8) -> bool;
    async fn target(&self, f: &[u8], name: u8) -> bool;
    async fn methods(&self) -> bool;
    async fn call(&self, call: u8, handlers: u8) -> bool;
    async fn shared(&self, join: u8) -> bool;
    async fn join(&self, shared: u8) -> bool;
    #[notification]
    async fn drop(&self, notify: u8, drop: u8);
    #[method(by_name, timeout = "1s")]
    async fn by_name(&self, by_name: u8, sent: u8, names: u8, list: u8, value: &str);
    #[method(spawn)]
    async fn spawned(&self, cx: u8, context: &::rpc_core::Context, spawned: u8);
    #[method(blocking)]
    fn blocking(&self, cx: u8, context: &::rpc_core::Context, blocking: u8) -> bool;
    fn subscribe(&self, subscribe: u8) -> ::rpc_core::Streaming<T>;
    fn decode(&self, decode: u8) -> bool;
    fn params(&self) -> u8;
    fn cx(&self) -> u8;
    fn method(&self) -> u8;
    fn handlers(&self) -> u8;
    fn service(&self, result: u8) -> u8;
}

const _: () = {
    let _ = (S, T, Peer, Call, String, Ok, Err, Some, None, Batch, Group, Answers, Duration);
};

/// Nor with one that is called as a primitive type is.
mod primitives {
    #![allow(non_camel_case_types)]

    use ::rpc_core::{Progress, Streaming, service};
    use ::serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct str;
    #[derive(Serialize, Deserialize)]
    struct usize;
    #[derive(Serialize, Deserialize)]
    struct bool;

    #[service(namespace = "named", dyn)]
    trait Named {
        async fn types(&self, text: str, number: usize) -> bool;
        async fn whole(&self, #[param(flatten)] text: str, progress: Progress<bool>);
        #[subscription(
            name = "pick",
            selector = "x",
            item = "item",
            unsubscribe = "stop",
            id = "number"
        )]
        async fn picked(&self, text: str) -> Streaming<usize>;
        #[subscription(id_member = "id", item = "items", unsubscribe = "stops")]
        async fn listen(&self) -> Streaming<str>;
    }

    const _: () = {
        let _ = (str, usize, bool);
    };
}
