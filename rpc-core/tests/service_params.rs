//! What a trait says of params as a whole: that they are one value, that unknown names may stand among them, and that
//! they are sent where there are none.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::stream;
use rpc_core::schema::MethodInfo;
use rpc_core::validate::{Checks, Invalid, Validate};
use rpc_core::{
    CallError, Context, Limits, NotifyError, Progress, Router, Service, Streaming, memory, service,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use support::{Raw, assert_same};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    process_id: Option<u32>,
    capabilities: BTreeMap<String, bool>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Validate for InitializeParams {
    fn validate(&self) -> Result<(), Invalid> {
        Checks::new()
            .require(self.process_id != Some(0), "processId", "must not be 0")
            .require(self.capabilities.len() < 3, "", "too many capabilities")
            .finish()
    }
}

/// Without room for unknown members.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<i32>,
}

#[service]
trait Agent {
    async fn initialize(
        &self,
        cx: &Context,
        #[param(flatten, validate)] params: InitializeParams,
    ) -> InitializeParams;
    async fn echo(&self, #[param(flatten)] params: &Map<String, Value>) -> Map<String, Value>;
    async fn any(&self, #[param(flatten)] params: Value) -> Value;
    async fn point(&self, #[param(flatten)] point: Point) -> Point;
    async fn page(&self, #[param(flatten)] page: Option<Point>) -> Option<Point>;
    async fn nothing(&self, #[param(flatten)] nothing: ());
    async fn pair(&self, #[param(flatten)] pair: (u8, Option<u8>)) -> (u8, Option<u8>);
    async fn number(&self, #[param(flatten)] number: f64);
    async fn build(&self, #[param(flatten)] params: Value, progress: Progress<u8>) -> Value;
    async fn renamed(
        &self,
        #[param(rename = "tell")] progress: Progress<u8>,
        #[param(flatten)] params: Value,
    );
    async fn trace(&self, cx: &Context, #[param(flatten)] params: Value) -> bool;
    #[notification]
    async fn told(&self, #[param(flatten)] params: Map<String, Value>);
    async fn heard(&self) -> Vec<Map<String, Value>>;
    async fn watch(&self, #[param(flatten)] params: &Value) -> Streaming<Value>;
}

#[derive(Default)]
struct Echo {
    heard: Mutex<Vec<Map<String, Value>>>,
}

impl Agent for Echo {
    async fn initialize(&self, _: &Context, params: InitializeParams) -> InitializeParams {
        params
    }
    async fn echo(&self, params: &Map<String, Value>) -> Map<String, Value> {
        params.clone()
    }
    async fn any(&self, params: Value) -> Value {
        params
    }
    async fn point(&self, point: Point) -> Point {
        point
    }
    async fn page(&self, page: Option<Point>) -> Option<Point> {
        page
    }
    async fn nothing(&self, (): ()) {}
    async fn pair(&self, pair: (u8, Option<u8>)) -> (u8, Option<u8>) {
        pair
    }
    async fn number(&self, _: f64) {}
    async fn build(&self, params: Value, progress: Progress<u8>) -> Value {
        progress.report(&50);
        params
    }
    async fn renamed(&self, progress: Progress<u8>, _: Value) {
        progress.report(&50);
    }
    async fn trace(&self, cx: &Context, _: Value) -> bool {
        cx.trace().is_some()
    }
    async fn told(&self, params: Map<String, Value>) {
        self.heard.lock().unwrap().push(params);
    }
    async fn heard(&self) -> Vec<Map<String, Value>> {
        self.heard.lock().unwrap().clone()
    }
    async fn watch(&self, params: &Value) -> Streaming<Value> {
        Streaming::new(stream::iter([params.clone()]))
    }
}

async fn check(script: &str) {
    let services = Router::new().service(AgentServer::new(Echo::default()));
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(script).await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_all_params_keeps_the_members_that_its_type_keeps() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":7,"capabilities":{"a":true},"x":[1],"_meta":{"y":2}}}
<-- {"jsonrpc":"2.0","id":1,"result":{"processId":7,"capabilities":{"a":true},"x":[1],"_meta":{"y":2}}}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":{"params":1,"b":{"c":null}}}
<-- {"jsonrpc":"2.0","id":2,"result":{"params":1,"b":{"c":null}}}
--> {"jsonrpc":"2.0","id":3,"method":"point","params":{"x":1,"z":3}}
<-- {"jsonrpc":"2.0","id":3,"result":{"x":1,"y":null}}
--> {"jsonrpc":"2.0","method":"told","params":{"a":1}}
--> {"jsonrpc":"2.0","method":"told"}
--> {"jsonrpc":"2.0","id":4,"method":"heard"}
<-- {"jsonrpc":"2.0","id":4,"result":[{"a":1},{}]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn params_that_are_not_there_are_an_empty_object_and_values_by_position_go_to_the_type() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"any"}
<-- {"jsonrpc":"2.0","id":1,"result":{}}
--> {"jsonrpc":"2.0","id":2,"method":"any","params":null}
<-- {"jsonrpc":"2.0","id":2,"result":{}}
--> {"jsonrpc":"2.0","id":3,"method":"echo","params":[]}
<-- {"jsonrpc":"2.0","id":3,"result":{}}
--> {"jsonrpc":"2.0","id":4,"method":"point","params":[1,2]}
<-- {"jsonrpc":"2.0","id":4,"result":{"x":1,"y":2}}
--> {"jsonrpc":"2.0","id":5,"method":"point","params":[1]}
<-- {"jsonrpc":"2.0","id":5,"result":{"x":1,"y":null}}
--> {"jsonrpc":"2.0","id":6,"method":"any","params":[1,[2]]}
<-- {"jsonrpc":"2.0","id":6,"result":[1,[2]]}
--> {"jsonrpc":"2.0","id":7,"method":"page","params":{}}
<-- {"jsonrpc":"2.0","id":7,"result":null}
--> {"jsonrpc":"2.0","id":8,"method":"pair","params":[1]}
<-- {"jsonrpc":"2.0","id":8,"result":[1,null]}
--> {"jsonrpc":"2.0","id":9,"method":"nothing","params":{"a":1}}
<-- {"jsonrpc":"2.0","id":9,"result":null}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_told_by_its_path_among_the_members() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"point","params":{"x":"one"}}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter `x`: invalid type: string \"one\", expected i32","data":{"kind":"invalid_params","violations":[{"path":"x","message":"invalid type: string \"one\", expected i32"}]}}}
--> {"jsonrpc":"2.0","id":2,"method":"point"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"missing field `x`"}}
--> {"jsonrpc":"2.0","id":3,"method":"point","params":[1,2,3]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"takes 2 params (x, y), got 3"}}
--> {"jsonrpc":"2.0","id":4,"method":"point","params":[1,"two"]}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"parameter 2: invalid type: string \"two\", expected i32","data":{"kind":"invalid_params","violations":[{"path":"[1]","message":"invalid type: string \"two\", expected i32"}]}}}
--> {"jsonrpc":"2.0","id":5,"method":"initialize","params":{"processId":0,"capabilities":{"a":true,"b":true,"c":true}}}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"parameter `processId`: must not be 0 (and 1 more)","data":{"kind":"invalid_params","violations":[{"path":"processId","message":"must not be 0"},{"path":"","message":"too many capabilities"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn tokens_and_traces_among_all_params_are_found_and_left_to_the_type() {
    check(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"build","params":{"workDoneToken":"w","a":1}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"w","value":50}}
<-- {"jsonrpc":"2.0","id":1,"result":{"workDoneToken":"w","a":1}}
--> {"jsonrpc":"2.0","id":2,"method":"build","params":{"_meta":{"progressToken":7}}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":7,"value":50}}
<-- {"jsonrpc":"2.0","id":2,"result":{"_meta":{"progressToken":7}}}
--> {"jsonrpc":"2.0","id":3,"method":"build","params":{"progress":5}}
<-- {"jsonrpc":"2.0","id":3,"result":{"progress":5}}
--> {"jsonrpc":"2.0","id":4,"method":"renamed","params":{"tell":5}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":5,"value":50}}
<-- {"jsonrpc":"2.0","id":4,"result":null}
--> {"jsonrpc":"2.0","id":5,"method":"build","params":{"workDoneToken":{}}}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"a token for progress must be a string or a number, and not too long"}}
--> {"jsonrpc":"2.0","id":6,"method":"trace","params":{"_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}
<-- {"jsonrpc":"2.0","id":6,"result":true}
--> {"jsonrpc":"2.0","id":7,"method":"build","params":[1]}
<-- {"jsonrpc":"2.0","id":7,"result":[1]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stub_sends_a_value_as_all_params() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let agent = AgentClient::new(peer.clone());
    let map = json!({ "a": 1 }).as_object().unwrap().clone();
    let capabilities = BTreeMap::from([("a".to_owned(), true)]);
    let initialize = InitializeParams { process_id: None, capabilities, more: map.clone() };
    let _calls = (
        agent.initialize(initialize).no_timeout().start(),
        agent.echo(&map).no_timeout().start(),
        agent.nothing(()).no_timeout().start(),
        agent.page(None).no_timeout().start(),
        agent.pair((1, None)).no_timeout().start(),
        agent.watch(&json!({ "b": 2 })).no_timeout().start(),
    );
    for (id, (method, params)) in [
        ("initialize", r#"{"processId":null,"capabilities":{"a":true},"a":1}"#),
        ("echo", r#"{"a":1}"#),
        ("nothing", "{}"),
        ("page", "{}"),
        ("pair", "[1,null]"),
        ("watch", r#"{"b":2}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let id = id + 1;
        assert_same(
            &raw.receive().await,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#),
        );
    }
    agent.told(map.clone()).await.unwrap();
    agent.try_told(Map::new()).unwrap();
    let batch = peer.batch();
    AgentClient::new(&batch).told(map).unwrap();
    batch.send().await.unwrap();
    let told = |params| format!(r#"{{"jsonrpc":"2.0","method":"told","params":{params}}}"#);
    assert_same(&raw.receive().await, &told(r#"{"a":1}"#));
    assert_same(&raw.receive().await, &told("{}"));
    assert_same(&raw.receive().await, &format!("[{}]", told(r#"{"a":1}"#)));
}

#[service]
trait Odd {
    async fn any(&self, #[param(flatten)] params: Value);
    #[notification]
    async fn told(&self, #[param(flatten)] params: Value);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_all_params_is_not_sent() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let why = "parameter `params`: all params must be a struct, a map, a tuple or an array";
    let odd = OddClient::new(peer.clone());
    for value in [json!(1), json!("x"), json!(true)] {
        assert_eq!(odd.any(value.clone()).await, Err(CallError::Encode(why.into())));
        assert_eq!(odd.told(value).await, Err(NotifyError::Encode(why.into())));
    }
    let number = AgentClient::new(peer).number(1.5).await;
    let Err(CallError::Encode(why)) = number else { panic!("{number:?}") };
    assert!(why.message().starts_with("parameter `number`: "), "{why}");
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn all_params_arrive_as_they_were_sent() {
    let (peer, _) = memory::pair(Router::new(), AgentServer::new(Echo::default()));
    let agent = AgentClient::new(peer);
    let (process_id, capabilities) = (Some(7), BTreeMap::new());
    let more = json!({ "x": [1, { "y": null }] }).as_object().unwrap().clone();
    let params = InitializeParams { process_id, capabilities, more };
    assert_eq!(agent.initialize(params.clone()).await, Ok(params));
    assert_eq!(agent.point(Point { x: 1, y: None }).await, Ok(Point { x: 1, y: None }));
    assert_eq!(agent.page(None).await, Ok(None));
    assert_eq!(agent.nothing(()).await, Ok(()));
}

#[test]
fn the_table_tells_which_parameter_is_all_params() {
    let agent = AgentServer::new(Echo::default());
    let of = |name| agent.methods().iter().find(|method| method.name == name).unwrap();
    let flattened = |method: &MethodInfo| {
        method.params.iter().map(|param| (param.name, param.is_flattened)).collect::<Vec<_>>()
    };
    assert_eq!(flattened(of("initialize")), [("params", true)]);
    assert_eq!(flattened(of("heard")), []);
}

#[service(allow_unknown)]
trait Grows {
    async fn add(&self, a: u8, b: Option<u8>) -> u8;
    #[method(allow_unknown = false)]
    async fn strict(&self, a: u8) -> u8;
    async fn report(&self, a: u8, progress: Progress<u8>) -> u8;
}

#[service]
trait Fixed {
    async fn fixed(&self, a: u8) -> u8;
    #[method(allow_unknown)]
    async fn open(&self, a: u8) -> u8;
    #[subscription(allow_unknown)]
    async fn watch_open(&self, a: u8) -> Streaming<u8>;
}

struct Sums;

impl Grows for Sums {
    async fn add(&self, a: u8, b: Option<u8>) -> u8 {
        a + b.unwrap_or_default()
    }
    async fn strict(&self, a: u8) -> u8 {
        a
    }
    async fn report(&self, a: u8, progress: Progress<u8>) -> u8 {
        progress.report(&a);
        a
    }
}

impl Fixed for Sums {
    async fn fixed(&self, a: u8) -> u8 {
        a
    }
    async fn open(&self, a: u8) -> u8 {
        a
    }
    async fn watch_open(&self, a: u8) -> Streaming<u8> {
        Streaming::new(stream::iter([a]))
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_ignored_where_the_trait_allows_them_and_surplus_values_nowhere() {
    let services = Router::new().service(GrowsServer::new(Sums)).service(FixedServer::new(Sums));
    // Within another router the numbers of methods are others.
    let services =
        Router::new().method("first", |_: Context, (): ()| async { Ok(()) }).service(services);
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":{"c":{"d":1},"a":1,"e":2,"b":2}}
<-- {"jsonrpc":"2.0","id":1,"result":3}
--> {"jsonrpc":"2.0","id":2,"method":"add","params":[1,2,3]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"takes 2 params (a, b), got 3"}}
--> {"jsonrpc":"2.0","id":3,"method":"add","params":{"b":1,"c":2}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"missing parameter `a`","data":{"kind":"invalid_params","violations":[{"path":"a","message":"is missing"}]}}}
--> {"jsonrpc":"2.0","id":4,"method":"strict","params":{"a":1,"c":2}}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"unknown parameter `c`"}}
--> {"jsonrpc":"2.0","id":5,"method":"report","params":{"a":1,"c":2,"workDoneToken":"w"}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"w","value":1}}
<-- {"jsonrpc":"2.0","id":5,"result":1}
--> {"jsonrpc":"2.0","id":6,"method":"fixed","params":{"a":1,"c":2}}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32602,"message":"unknown parameter `c`"}}
--> {"jsonrpc":"2.0","id":7,"method":"open","params":{"a":1,"c":2}}
<-- {"jsonrpc":"2.0","id":7,"result":1}
"#,
    )
    .await;
    let allowed = |service: &dyn Service| -> Vec<bool> {
        service.methods().iter().map(|method| method.flags.allow_unknown).collect()
    };
    assert_eq!(allowed(&GrowsServer::new(Sums)), [true, false, true]);
    assert_eq!(allowed(&FixedServer::new(Sums)), [false, true, true]);
}

#[service(empty_params)]
trait Always {
    async fn placed(&self);
    #[method(by_name)]
    async fn named(&self);
    #[notification(by_name)]
    async fn told(&self);
    async fn page(&self, cursor: Option<u8>);
    #[method(by_name)]
    async fn named_page(&self, cursor: Option<u8>);
    #[method(empty_params = false)]
    async fn never(&self);
    #[subscription(by_name)]
    async fn watch(&self) -> Streaming<u8>;
}

#[service(by_name)]
trait Seldom {
    #[method(empty_params)]
    async fn named(&self);
    #[notification(empty_params, by_name = false)]
    async fn placed(&self);
    async fn never(&self);
}

#[tokio::test(start_paused = true)]
async fn empty_params_are_sent_where_the_trait_says_so() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    let (always, seldom) = (AlwaysClient::new(peer.clone()), SeldomClient::new(peer.clone()));
    let _calls = (
        always.placed().no_timeout().start(),
        always.named().no_timeout().start(),
        always.page(None).no_timeout().start(),
        always.page(Some(1)).no_timeout().start(),
        always.named_page(None).no_timeout().start(),
        always.never().no_timeout().start(),
    );
    let _more = (
        always.watch().no_timeout().start(),
        seldom.named().no_timeout().start(),
        seldom.never().no_timeout().start(),
        peer.call::<()>("by_hand", json!({})).no_timeout().start(),
        peer.call::<()>("by_hand", [(); 0]).no_timeout().start(),
    );
    for (id, (method, params)) in [
        ("placed", r#","params":[]"#),
        ("named", r#","params":{}"#),
        ("page", r#","params":[]"#),
        ("page", r#","params":[1]"#),
        ("named_page", r#","params":{}"#),
        ("never", ""),
        ("watch", r#","params":{}"#),
        ("named", r#","params":{}"#),
        ("never", ""),
        ("by_hand", r#","params":{}"#),
        ("by_hand", r#","params":[]"#),
    ]
    .into_iter()
    .enumerate()
    {
        let id = id + 1;
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"{params}}}"#);
        assert_same(&raw.receive().await, &request);
    }
    always.told().await.unwrap();
    seldom.placed().await.unwrap();
    seldom.try_placed().unwrap();
    peer.notify("by_hand", json!({})).await.unwrap();
    let batch = peer.batch();
    AlwaysClient::new(&batch).told().unwrap();
    batch.send().await.unwrap();
    for notification in [
        r#"{"jsonrpc":"2.0","method":"told","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"placed","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"placed","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"by_hand","params":{}}"#,
        r#"[{"jsonrpc":"2.0","method":"told","params":{}}]"#,
    ] {
        assert_same(&raw.receive().await, notification);
    }
}

#[service(dyn)]
trait Boxed {
    async fn open(&self, #[param(flatten)] params: &Map<String, Value>) -> usize;
}

impl Boxed for Echo {
    async fn open(&self, params: &Map<String, Value>) -> usize {
        params.len()
    }
}

#[tokio::test(start_paused = true)]
async fn implementations_behind_a_dyn_take_all_params_too() {
    let boxed: Arc<dyn DynBoxed> = Arc::new(Echo::default());
    let (peer, _) = memory::pair(Router::new(), BoxedServer::shared(boxed));
    let map = json!({ "a": 1, "b": 2 }).as_object().unwrap().clone();
    assert_eq!(BoxedClient::new(peer).open(&map).await, Ok(2));
}
