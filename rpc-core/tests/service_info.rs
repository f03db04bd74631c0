//! What a trait says of its service, from either half and without an implementation.

use std::fmt::Debug;

use rpc_core::schema::{ErrorInfo, MethodInfo, MethodKind, ParamInfo};
use rpc_core::{Context, Progress, Router, RpcError, Service, Streaming, service};

/// Rooms to talk in,
/// by text.
#[service(namespace = "chat", separator = "/")]
trait Chat {
    /// Joins `room`.
    ///
    /// At once.
    #[method(aliases("enter", "go_in"))]
    async fn join(
        &self,
        cx: &Context,
        /// The room:
        ///
        /// - a public one, or
        /// - one's own.
        room: &str,
        /// The language.
        #[param(rename = "lang")]
        language: Option<String>,
        #[param(default)]
        /// The seat.
        seat: u8,
        #[param(default)] greeting: &str,
    ) -> Result<Vec<String>, Full>;
    #[notification]
    async fn say(&self, text: Vec<(u8, [Option<u16>; 2])>);
    async fn listen(&self) -> Streaming<String>;
    async fn upload(
        &self,
        /// How far it is.
        _done: Progress<u64>,
        /// The bytes, in pieces.
        bytes: Streaming<u8, Full>,
    ) -> rpc_core::Result<u64>;
    #[cfg(any())]
    async fn not_there(&self);
}

/// No place is left.
///
/// Come back.
#[derive(Debug, thiserror::Error, RpcError)]
#[error("full")]
#[rpc(code = 1)]
struct Full;

fn row<'a>(methods: &'a [MethodInfo], name: &str) -> &'a MethodInfo {
    methods.iter().find(|method| method.name == name).expect("a row of this name")
}

fn of_params<T: Debug>(name: &str, told: impl Fn(&ParamInfo) -> T) -> Vec<T> {
    row(ChatClient::METHODS, name).params.iter().map(told).collect()
}

#[test]
fn both_halves_tell_the_same_without_an_implementation() {
    let names = ["chat/join", "chat/say", "chat/listen", "chat/upload", "enter", "go_in"];
    for info in [ChatClient::INFO, ChatServer::INFO] {
        let told = (info.name, info.namespace, info.separator, info.docs);
        assert_eq!(told, ("Chat", Some("chat"), "/", "Rooms to talk in,\nby text."));
        assert!(info.methods.iter().map(|method| &*method.name).eq(names));
    }
    for methods in [ChatClient::METHODS, ChatServer::METHODS] {
        assert!(methods.iter().map(|method| &*method.name).eq(names));
    }
}

/// Generic code has no type to name, and needs none.
#[test]
fn the_table_is_known_when_the_program_is_compiled() {
    const COUNT: usize = ChatServer::METHODS.len();
    assert_eq!([(); COUNT].len(), 6);
}

#[test]
fn a_method_tells_its_kind_documentation_errors_and_what_it_returns() {
    let told = |name| {
        let MethodInfo { docs, returns, errors, .. } = row(ChatServer::METHODS, name);
        (*docs, *returns, errors.len())
    };
    assert_eq!(told("chat/join"), ("Joins `room`.\n\nAt once.", "Result<Vec<String>, Full>", 1));
    assert_eq!(told("chat/say"), ("", "()", 0));
    assert_eq!(told("chat/listen"), ("", "Streaming<String>", 0));
    assert_eq!(told("chat/upload"), ("", "rpc_core::Result<u64>", 0));
    let kind = |name| &row(ChatClient::METHODS, name).kind;
    assert_eq!(
        (kind("chat/join"), kind("chat/say")),
        (&MethodKind::Request, &MethodKind::Notification)
    );
    let MethodKind::Subscription { unsubscribe, .. } = kind("chat/listen") else { panic!() };
    assert_eq!(unsubscribe, "chat/unsubscribe_listen");
    assert_eq!(
        row(ChatClient::METHODS, "enter").errors,
        [ErrorInfo::new(1, "Full").with_docs("No place is left.\n\nCome back.")]
    );
}

#[test]
fn an_alias_tells_the_own_name_of_its_method() {
    let of = |name| row(ChatClient::METHODS, name).alias_of.as_deref();
    assert_eq!((of("enter"), of("go_in")), (Some("chat/join"), Some("chat/join")));
    assert_eq!((of("chat/join"), of("chat/say")), (None, None));
}

#[test]
fn a_parameter_tells_its_type_as_it_is_written() {
    let types = |name| of_params(name, |param| param.ty);
    assert_eq!(types("chat/join"), ["&str", "Option<String>", "u8", "&str"]);
    assert_eq!(types("chat/say"), ["Vec<(u8, [Option<u16>; 2])>"]);
    assert_eq!(types("chat/upload"), ["Streaming<u8, Full>"]);
}

#[test]
fn a_parameter_has_documentation_of_its_own() {
    let room = "The room:\n\n- a public one, or\n- one's own.";
    let docs = |name| of_params(name, |param| param.docs);
    assert_eq!(docs("chat/join"), [room, "The language.", "The seat.", ""]);
    assert_eq!(docs("enter"), docs("chat/join"));
    assert_eq!(docs("chat/upload"), ["The bytes, in pieces."]);
}

#[test]
fn a_parameter_tells_whether_it_may_be_left_out_and_its_default() {
    assert_eq!(of_params("chat/join", ParamInfo::is_optional), [false, true, true, true]);
    assert_eq!(of_params("chat/upload", ParamInfo::is_optional), [false]);
    let defaults = of_params("chat/join", ParamInfo::default_json);
    assert_eq!(defaults, [None, None, Some("0".to_owned()), Some(r#""""#.to_owned())]);
}

type Maybe<T> = Option<T>;

#[derive(serde::Serialize, serde::Deserialize)]
struct Filter {
    depth: u8,
    tags: Vec<String>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { depth: 3, tags: vec!["new".to_owned()] }
    }
}

#[service]
trait Odd {
    async fn find(
        &self,
        #[param(default)] filter: Filter,
        limit: Maybe<u8>,
        #[param(default)] scale: f64,
    ) -> fn_like::List<'static, { 2 + 1 }>;
    async fn all(&self, #[param(flatten)] filter: Filter);
    #[subscription(name = "watch", selector = "rooms", aliases("see"))]
    async fn watch_rooms(
        &self,
        /** Of this room. */
        room: u8,
    ) -> Streaming<u8>;
    #[subscription(name = "watch", selector = "users", aliases("see"))]
    async fn watch_users(&self) -> Streaming<u8>;
}

/// Types with what few types have.
mod fn_like {
    pub(crate) type List<'a, const N: usize> = std::borrow::Cow<'a, [(u8,); N]>;
}

#[test]
fn the_type_itself_says_what_it_is_when_nothing_is_said() {
    let [filter, limit, scale] = row(OddClient::METHODS, "find").params else { panic!() };
    assert_eq!(filter.default_json().as_deref(), Some(r#"{"depth":3,"tags":["new"]}"#));
    assert_eq!((limit.is_optional(), limit.default_json()), (true, None));
    assert_eq!(scale.default_json().as_deref(), Some("0.0"));
    let [all] = row(OddClient::METHODS, "all").params else { panic!() };
    assert_eq!((all.is_flattened, all.is_optional(), all.ty), (true, false, "Filter"));
}

#[test]
fn a_service_without_namespace_and_documentation_has_none() {
    let info = OddServer::INFO;
    assert_eq!((info.name, info.namespace, info.docs), ("Odd", None, ""));
    assert_eq!(row(info.methods, "find").returns, "fn_like::List<'static, { 2 + 1 }>");
}

#[test]
fn what_a_selector_picks_tells_the_same() {
    for (name, alias_of) in [("watch", None), ("see", Some("watch"))] {
        let method = row(OddServer::METHODS, name);
        assert_eq!(method.alias_of.as_deref(), alias_of);
        let [("rooms", rooms), ("users", users)] = &*method.selected else { panic!() };
        assert_eq!((rooms.alias_of.as_deref(), users.alias_of.as_deref()), (alias_of, alias_of));
        assert_eq!((rooms.params[0].docs, rooms.params[0].ty), ("Of this room. ", "u8"));
    }
}

#[service]
trait Merged {
    #[subscription(name = "a", selector = "a", item = "item", unsubscribe = "stop", aliases("any"))]
    async fn first(&self) -> Streaming<u8>;
    #[subscription(name = "b", selector = "b", item = "item", unsubscribe = "stop", aliases("any"))]
    async fn second(&self) -> Streaming<u8>;
}

#[test]
fn an_alias_of_several_methods_has_an_own_name_in_each() {
    let any = row(MergedClient::METHODS, "any");
    let own_names = any.selected.iter().map(|(_, method)| method.alias_of.as_deref());
    assert!(any.alias_of.is_none() && own_names.eq([Some("a"), Some("b")]));
}

#[service(by_name)]
trait Tuned {
    #[method(timeout = "2s", name = "slowly", aliases("lento"))]
    async fn r#loop(&self, steps: Progress<Vec<u64>>);
    #[method(by_name = false, empty_params)]
    async fn listed(&self);
    #[subscription(name = "watch", selector = "a", by_name = false, timeout = "5ms")]
    async fn first(&self) -> Streaming<u8>;
}

#[test]
fn a_method_tells_what_its_stub_does_and_its_name_in_rust() {
    let told = |method: &MethodInfo| {
        let MethodInfo { ident, progress, timeout, flags, .. } = method;
        (*ident, *progress, timeout.map(|time| time.as_millis()), flags.by_name, flags.empty_params)
    };
    let of = |name| told(row(TunedClient::METHODS, name));
    for name in ["slowly", "lento"] {
        assert_eq!(of(name), ("loop", "Vec<u64>", Some(2000), true, false));
    }
    assert_eq!(of("listed"), ("listed", "", None, false, true));
    // A name that several share has none of its own, and each of them has.
    assert_eq!(of("watch"), ("", "", None, false, false));
    let [(_, first)] = &*row(TunedServer::METHODS, "watch").selected else { panic!() };
    assert_eq!(told(first), ("first", "", Some(5), false, false));
}

struct Nobody;

impl Chat for Nobody {
    async fn join(
        &self,
        _: &Context,
        _: &str,
        _: Option<String>,
        _: u8,
        _: &str,
    ) -> Result<Vec<String>, Full> {
        Err(Full)
    }
    async fn say(&self, _: Vec<(u8, [Option<u16>; 2])>) {}
    async fn listen(&self) -> Streaming<String> {
        Streaming::channel(1).1
    }
    async fn upload(&self, _: Progress<u64>, _: Streaming<u8, Full>) -> rpc_core::Result<u64> {
        Ok(0)
    }
}

#[test]
fn an_alias_in_another_namespace_is_one_of_the_method_there() {
    let service = ChatServer::new(Nobody).namespace("attic");
    let router = Router::new().service(service);
    for methods in [ChatServer::new(Nobody).namespace("attic").methods(), router.methods()] {
        assert_eq!(row(methods, "enter").alias_of.as_deref(), Some("attic/join"));
        assert_eq!(row(methods, "attic/join").alias_of, None);
    }
}
