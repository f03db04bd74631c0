//! Params that fit their types and are not valid all the same.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_core::validate::{Checks, Invalid, Validate, Violation};
use rpc_core::{CallError, ErrorObject, Limits, Router, memory, service};
use serde::{Deserialize, Serialize};
use support::Raw;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    name: String,
    emails: Vec<Email>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Email {
    address: String,
}

impl Validate for User {
    fn validate(&self) -> Result<(), Invalid> {
        Checks::new()
            .require(!self.name.is_empty(), "name", "must not be empty")
            .check("emails", self.emails.validate())
            .finish()
    }
}

impl Validate for Email {
    fn validate(&self) -> Result<(), Invalid> {
        assert!(self.address != "panic", "as a test");
        Checks::new().require(self.address.contains('@'), "address", "has no `@`").finish()
    }
}

fn room(room: &str) -> Result<(), Invalid> {
    if room.is_empty() { Err(Invalid::new("must not be empty")) } else { Ok(()) }
}

fn even(number: &u32) -> Result<(), Invalid> {
    if number.is_multiple_of(2) { Ok(()) } else { Err(Invalid::new("is odd")) }
}

#[service]
trait Chat {
    async fn add(&self, #[param(validate)] user: User, #[param(validate = even)] age: u32) -> u32;
    async fn join(&self, #[param(validate = room, rename = "where")] room: &str);
    async fn invite(&self, #[param(validate)] user: &User, #[param(validate)] also: &[User]);
    async fn rename(&self, #[param(validate)] user: Option<User>) -> bool;
    async fn count(&self, #[param(default, validate = even)] from: u32) -> u32;
    async fn take(&self, name: &str) -> rpc_core::Result<()>;
    #[notification]
    async fn notice(&self, #[param(validate)] user: User);
    async fn noticed(&self) -> usize;
    #[method(spawn)]
    async fn spawned(&self, #[param(validate = even)] number: u32);
}

#[derive(Default)]
struct Rooms {
    noticed: AtomicUsize,
}

impl Chat for Rooms {
    async fn add(&self, user: User, age: u32) -> u32 {
        assert!(!user.name.is_empty(), "it was not asked");
        age
    }
    async fn join(&self, room: &str) {
        assert!(!room.is_empty(), "it was not asked");
    }
    async fn invite(&self, _: &User, _: &[User]) {}
    async fn rename(&self, user: Option<User>) -> bool {
        user.is_some()
    }
    async fn count(&self, from: u32) -> u32 {
        from
    }
    async fn take(&self, name: &str) -> rpc_core::Result<()> {
        Err(Invalid::new(format_args!("`{name}` is taken")).at("name").into())
    }
    async fn notice(&self, _: User) {
        self.noticed.fetch_add(1, Ordering::Relaxed);
    }
    async fn noticed(&self) -> usize {
        self.noticed.load(Ordering::Relaxed)
    }
    async fn spawned(&self, number: u32) {
        assert!(number.is_multiple_of(2), "it was not asked");
    }
}

fn rooms() -> Router {
    Router::new().service(ChatServer::new(Rooms::default()))
}

async fn play(script: &str) {
    let (mut raw, _peer) = Raw::connect(rooms(), Limits::server());
    raw.play(script).await;
}

#[tokio::test(start_paused = true)]
async fn one_answer_tells_all_that_is_wrong() {
    play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":[{"name":"","emails":[{"address":"a@b"},{"address":"c"}]},7]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter `user`: name: must not be empty (and 2 more)","data":{"kind":"invalid_params","violations":[{"path":"user.name","message":"must not be empty"},{"path":"user.emails[1].address","message":"has no `@`"},{"path":"age","message":"is odd"}]}}}
--> {"jsonrpc":"2.0","id":2,"method":"add","params":{"age":8,"user":{"name":"Ada","emails":[]}}}
<-- {"jsonrpc":"2.0","id":2,"result":8}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_path_begins_with_the_name_on_the_wire() {
    play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"join","params":[""]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter `where`: must not be empty","data":{"kind":"invalid_params","violations":[{"path":"where","message":"must not be empty"}]}}}
--> {"jsonrpc":"2.0","id":2,"method":"spawned","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"parameter `number`: is odd","data":{"kind":"invalid_params","violations":[{"path":"number","message":"is odd"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_its_type_says_where_as_well() {
    play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":[{"name":"","emails":[{"address":1}]},7]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter `user`: emails[0].address: invalid type: integer `1`, expected a string","data":{"kind":"invalid_params","violations":[{"path":"user.emails[0].address","message":"invalid type: integer `1`, expected a string"}]}}}
--> {"jsonrpc":"2.0","id":2,"method":"join"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"missing parameter `where`","data":{"kind":"invalid_params","violations":[{"path":"where","message":"is missing"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_option_may_be_missing_and_a_default_is_asked_too() {
    play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"rename"}
<-- {"jsonrpc":"2.0","id":1,"result":false}
--> {"jsonrpc":"2.0","id":2,"method":"rename","params":[{"name":"","emails":[]}]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"parameter `user`: name: must not be empty","data":{"kind":"invalid_params","violations":[{"path":"user.name","message":"must not be empty"}]}}}
--> {"jsonrpc":"2.0","id":3,"method":"count"}
<-- {"jsonrpc":"2.0","id":3,"result":0}
--> {"jsonrpc":"2.0","id":4,"method":"count","params":[3]}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"parameter `from`: is odd","data":{"kind":"invalid_params","violations":[{"path":"from","message":"is odd"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_notification_with_invalid_params_does_not_run() {
    play(
        r#"
--> {"jsonrpc":"2.0","method":"notice","params":[{"name":"","emails":[]}]}
--> {"jsonrpc":"2.0","method":"notice","params":[{"name":"Ada","emails":[]}]}
--> {"jsonrpc":"2.0","id":1,"method":"noticed"}
<-- {"jsonrpc":"2.0","id":1,"result":1}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_validation_that_panics_is_an_internal_error_of_that_call() {
    play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":[{"name":"Ada","emails":[{"address":"panic"}]},8]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":2,"method":"add","params":[{"name":"Ada","emails":[]},8]}
<-- {"jsonrpc":"2.0","id":2,"result":8}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_caller_reads_the_violations() {
    let (peer, _server) = memory::pair(Router::new(), rooms());
    let chat = ChatClient::new(peer);
    let nobody = User { name: String::new(), emails: vec![] };
    let Err(CallError::Remote(error)) =
        chat.invite(&nobody, &[nobody.clone(), nobody.clone()]).await
    else {
        panic!("nobody has no name");
    };
    let violations = error.violations().expect("it says so");
    let paths: Vec<_> = violations.iter().map(|violation| &*violation.path).collect();
    assert_eq!(paths, ["user.name", "also[0].name", "also[1].name"]);

    let Err(CallError::Remote(error)) = chat.take("Ada").await else {
        panic!("it is always taken");
    };
    assert_eq!(error.message, "parameter `name`: `Ada` is taken");
    assert_eq!(error.violations(), Some(vec![Violation::new("name", "`Ada` is taken")]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_no_more_than_is_worth_reading() {
    let (peer, _server) = memory::pair(Router::new(), rooms());
    let nobody = User { name: String::new(), emails: vec![] };
    let many = vec![nobody.clone(); 10_000];
    let Err(CallError::Remote(error)) = ChatClient::new(peer).invite(&nobody, &many).await else {
        panic!("nobody has no name");
    };
    assert_eq!(error.violations().map(|violations| violations.len()), Some(64));
    assert_eq!(error.message, "parameter `user`: name: must not be empty (and 63 more)");
}

/// Rules by a library's derive, asked by one function for all types.
#[derive(Debug, Serialize, Deserialize, garde::Validate)]
struct Order {
    #[garde(range(min = 1, max = 9))]
    amount: u8,
    #[garde(dive)]
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize, garde::Validate)]
struct Line {
    #[garde(length(min = 1))]
    text: String,
}

fn garde<T: garde::Validate<Context = ()>>(value: &T) -> Result<(), Invalid> {
    value
        .validate()
        .map_err(|report| report.iter().map(|(path, error)| Invalid::new(error).at(path)).collect())
}

#[service]
trait Shop {
    async fn order(&self, #[param(validate = garde)] order: Order) -> Result<u8, ErrorObject>;
}

struct Open;

impl Shop for Open {
    async fn order(&self, order: Order) -> Result<u8, ErrorObject> {
        Ok(order.amount)
    }
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_a_library_are_asked_by_a_function() {
    let (peer, _server) = memory::pair(Router::new(), ShopServer::new(Open));
    let shop = ShopClient::new(peer);
    assert_eq!(shop.order(Order { amount: 3, lines: vec![] }).await, Ok(3));
    let wrong = Order { amount: 0, lines: vec![Line { text: String::new() }] };
    let Err(CallError::Method(error) | CallError::Remote(error)) = shop.order(wrong).await else {
        panic!("it is wrong");
    };
    let violations = error.violations().unwrap();
    let paths: Vec<_> = violations.iter().map(|violation| &*violation.path).collect();
    assert_eq!(paths, ["order.amount", "order.lines[0].text"], "{violations:?}");
}
