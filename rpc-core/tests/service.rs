//! A trait at both ends: what the stub calls is what the implementation hears, and back.

use std::sync::{Arc, Mutex};

use rpc_core::schema::{ErrorInfo, MethodInfo, MethodKind};
use rpc_core::{
    CallError, Context, ErrorCode, ErrorObject, NotifyError, Peer, Router, RpcError, Service,
    memory, service,
};
use serde_json::{Value, json};

/// What the server offers.
#[service(namespace = "chat")]
trait Chat {
    /// Joins `room`;
    /// answers who is there.
    async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError>;
    #[notification(aliases("shout"))]
    async fn say(&self, room: &str, text: &str);
    #[method(name = "whois", idempotent, aliases("finger", "chat.who"))]
    async fn who_is(
        &self,
        user: &str,
        #[param(rename = "lang", default)] language: Option<String>,
        #[param(default)] limit: u8,
    ) -> String;
    fn version(&self) -> u32;
    async fn sum(&self, numbers: &[i64], cx: &Context, times: &i64) -> rpc_core::Result<i64>;
    async fn leave(&self);
}

/// What each client offers to the server, on the same connection.
#[service(namespace = "chatter", separator = "/", rename_all = "camelCase")]
trait Chatter {
    async fn confirm_it(&self, question: &str) -> bool;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, RpcError)]
enum ChatError {
    #[error("room is full")]
    #[rpc(code = 1001)]
    Full { max: u32 },
    #[error("no room `{0}`")]
    #[rpc(code = 1002)]
    NoRoom(String),
    #[error("not a member")]
    #[rpc(code = 1003)]
    NotMember,
    #[error("between {0} and {1:?}")]
    #[rpc(code = -1004)]
    Between(u32, Option<u32>),
}

#[derive(Default)]
struct Rooms {
    said: Mutex<Vec<String>>,
}

impl Chat for Rooms {
    async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError> {
        let caller = ChatterClient::new(cx.peer().clone());
        match room {
            "full" => Err(ChatError::Full { max: 30 }),
            "between" => Err(ChatError::Between(1, None)),
            "lobby" if caller.confirm_it("join lobby?").await.unwrap() => Ok(vec!["Ada".into()]),
            "lobby" => Err(ChatError::NotMember),
            _ => Err(ChatError::NoRoom(room.into())),
        }
    }

    async fn say(&self, room: &str, text: &str) {
        self.said.lock().unwrap().push(format!("{room}: {text}"));
    }

    async fn who_is(&self, user: &str, language: Option<String>, limit: u8) -> String {
        format!("{user}, {language:?}, {limit}")
    }

    fn version(&self) -> u32 {
        3
    }

    async fn sum(&self, numbers: &[i64], _: &Context, times: &i64) -> rpc_core::Result<i64> {
        let sum: i64 = numbers.iter().sum();
        if sum < 0 { Err(ErrorObject::new(7, "negative")) } else { Ok(sum * times) }
    }

    async fn leave(&self) {}
}

struct Yes(bool);

impl Chatter for Yes {
    async fn confirm_it(&self, question: &str) -> bool {
        assert_eq!(question, "join lobby?");
        self.0
    }
}

/// A stub over a connection to `rooms`, from a client that confirms everything, or nothing.
fn connect(rooms: &Arc<Rooms>, confirms: bool) -> (ChatClient, Peer) {
    let server = ChatServer::shared(rooms.clone());
    let (client, server) = memory::pair(ChatterServer::new(Yes(confirms)), server);
    (ChatClient::new(client), server)
}

#[tokio::test]
async fn a_stub_calls_the_implementation_and_is_called_back() {
    let (chat, _server) = connect(&Arc::default(), true);
    assert_eq!(chat.join("lobby").await, Ok(vec!["Ada".to_owned()]));
    assert_eq!(chat.version().await, Ok(3));
    assert_eq!(chat.leave().await, Ok(()));
    assert_eq!(chat.who_is("Ada", Some("en".into()), 2).await, Ok("Ada, Some(\"en\"), 2".into()));
}

#[tokio::test]
async fn errors_keep_their_type_across_the_wire() {
    let (chat, _server) = connect(&Arc::default(), false);
    for (room, error) in [
        ("full", ChatError::Full { max: 30 }),
        ("attic", ChatError::NoRoom("attic".into())),
        ("lobby", ChatError::NotMember),
        ("between", ChatError::Between(1, None)),
    ] {
        assert_eq!(chat.join(room).await, Err(CallError::Method(error)));
    }
}

#[tokio::test]
async fn an_alias_of_result_has_the_error_of_its_own() {
    let (chat, _server) = connect(&Arc::default(), true);
    assert_eq!(chat.sum(&[1, 2, 3], &2).await, Ok(12));
    let negative = CallError::Method(ErrorObject::new(7, "negative"));
    assert_eq!(chat.sum(&[-1], &2).await, Err(negative));
}

#[tokio::test]
async fn notifications_arrive_in_order_whichever_way_they_are_sent() -> Result<(), NotifyError> {
    let rooms = Arc::<Rooms>::default();
    let (chat, _server) = connect(&rooms, true);
    chat.say("lobby", "one").await?;
    chat.try_say("lobby", "two")?;
    chat.version().await.unwrap();
    assert_eq!(*rooms.said.lock().unwrap(), ["lobby: one", "lobby: two"]);
    Ok(())
}

#[tokio::test]
async fn params_come_by_name_too_and_some_may_be_left_out() {
    let (client, _server) = memory::pair(Router::new(), ChatServer::new(Rooms::default()));
    for (params, answer) in [
        (json!(["Ada"]), "Ada, None, 0"),
        (json!(["Ada", null, 3]), "Ada, None, 3"),
        (json!({"user": "Ada"}), "Ada, None, 0"),
        (json!({"limit": 3, "lang": "en", "user": "Ada"}), "Ada, Some(\"en\"), 3"),
    ] {
        assert_eq!(client.call::<String>("chat.whois", params).await, Ok(answer.into()));
    }
}

#[tokio::test]
async fn wrong_params_are_answered_and_nothing_runs() {
    let (client, _server) = memory::pair(Router::new(), ChatServer::new(Rooms::default()));
    for (params, message) in [
        (json!([]), "missing parameter `user`"),
        (json!([1]), "parameter `user`: invalid type: integer `1`, expected a string"),
        (json!({"user": "Ada", "language": "en"}), "unknown parameter `language`"),
        (json!(["Ada", "en", 1, 2]), "takes 3 params (user, lang, limit), got 4"),
    ] {
        let answer = client.call::<Value>("chat.whois", params).await;
        let Err(CallError::Remote(error)) = answer else { panic!("got {answer:?}") };
        assert_eq!((error.code, &*error.message), (ErrorCode::INVALID_PARAMS, message));
    }
}

#[tokio::test]
async fn an_alias_is_another_name_for_the_same_method() {
    let rooms = Arc::<Rooms>::default();
    let (_, server) = (Router::new(), ChatServer::shared(rooms.clone()));
    let (client, _server) = memory::pair(Router::new(), server);
    for name in ["chat.whois", "finger", "chat.who"] {
        assert_eq!(client.call::<String>(name, ("Ada",)).await, Ok("Ada, None, 0".into()));
    }
    client.notify("shout", ("lobby", "hey")).await.unwrap();
    client.call::<u32>("chat.version", ()).await.unwrap();
    assert_eq!(*rooms.said.lock().unwrap(), ["lobby: hey"]);
}

#[tokio::test]
async fn a_notification_may_be_called_and_a_method_notified() {
    let rooms = Arc::<Rooms>::default();
    let (client, _server) = memory::pair(Router::new(), ChatServer::shared(rooms.clone()));
    assert_eq!(client.call::<()>("chat.say", ("lobby", "one")).await, Ok(()));
    client.notify("chat.version", ()).await.unwrap();
    assert_eq!(client.call::<u32>("chat.version", ()).await, Ok(3));
    assert_eq!(*rooms.said.lock().unwrap(), ["lobby: one"]);
}

#[test]
fn a_service_tells_what_its_methods_are() {
    let chat = ChatServer::new(Rooms::default());
    let names: Vec<&str> = chat.methods().iter().map(|method| &*method.name).collect();
    let own = ["chat.join", "chat.say", "chat.whois", "chat.version", "chat.sum", "chat.leave"];
    assert_eq!(names, [&own[..], &["shout", "finger", "chat.who"]].concat());

    let [join, say, who_is, version, ..] = chat.methods() else { panic!("{names:?}") };
    assert_eq!(join.docs, "Joins `room`;\nanswers who is there.");
    assert_eq!((param_names(join), &join.kind), (vec!["room"], &MethodKind::Request));
    assert_eq!(join.errors.first(), Some(&ErrorInfo::new(1001, "Full")));
    assert_eq!((param_names(say), &say.kind), (vec!["room", "text"], &MethodKind::Notification));
    assert_eq!(
        (param_names(who_is), who_is.flags.idempotent),
        (vec!["user", "lang", "limit"], true)
    );
    assert_eq!((param_names(version), version.flags.idempotent), (vec![], false));
}

fn param_names(method: &MethodInfo) -> Vec<&'static str> {
    method.params.iter().map(|param| param.name).collect()
}

#[service(rename_all = "SCREAMING_SNAKE_CASE", rename_all_params = "camelCase")]
trait Renamed {
    async fn two_words(&self, first_one: u8, #[param(rename = "second_one")] second: u8);
    #[method(name = "as_it_is")]
    async fn three_words_here(&self);
}

struct Nothing;

impl Renamed for Nothing {
    async fn two_words(&self, _: u8, _: u8) {}
    async fn three_words_here(&self) {}
}

#[test]
fn names_are_spelled_as_asked_unless_they_are_given() {
    let renamed = RenamedServer::new(Nothing);
    let [first, second] = renamed.methods() else { panic!("two methods") };
    assert_eq!((&*first.name, &*second.name), ("TWO_WORDS", "as_it_is"));
    assert_eq!(param_names(first), ["firstOne", "second_one"]);
    assert_eq!(ChatterServer::new(Yes(true)).methods()[0].name, "chatter/confirmIt");
}

#[service]
trait Ambiguous {
    async fn clone(&self) -> u8;
    async fn join(&self) -> u8;
}

#[derive(Clone)]
struct Ambiguity;

impl Ambiguity {
    #[expect(dead_code, reason = "has the name of a method, and is none")]
    fn join(&self) -> &'static str {
        "not this one"
    }
}

impl Ambiguous for Ambiguity {
    async fn clone(&self) -> u8 {
        1
    }
    async fn join(&self) -> u8 {
        2
    }
}

#[tokio::test]
async fn what_else_is_called_like_a_method_is_not_called() {
    let (client, _server) = memory::pair(Router::new(), AmbiguousServer::new(Ambiguity));
    let stub = AmbiguousClient::new(client);
    assert_eq!((stub.clone().await, stub.join().await), (Ok(1), Ok(2)));
}

#[test]
fn the_data_of_an_error_is_what_its_variant_holds() {
    for (error, code, data) in [
        (ChatError::Full { max: 30 }, 1001, Some(r#"{"max":30}"#)),
        (ChatError::NoRoom("attic".into()), 1002, Some(r#""attic""#)),
        (ChatError::NotMember, 1003, None),
        (ChatError::Between(1, Some(2)), -1004, Some("[1,2]")),
    ] {
        let object = error.to_error_object();
        assert_eq!((object.code, &*object.message), (code, &*error.to_string()));
        assert_eq!(object.data.as_ref().map(|data| data.get()), data);
        assert_eq!(ChatError::from_error_object(&object), Some(error));
    }
}

#[test]
fn an_error_object_that_does_not_fit_is_no_error_of_the_type() {
    let object = |code, data: Value| ErrorObject::new(code, "").with_data(&data);
    for misfit in [
        ErrorObject::new(1, "unknown code"),
        ErrorObject::new(1001, "no data"),
        object(1001, json!({"max": "many"})),
        object(1001, json!({"min": 1})),
        object(1002, json!(5)),
        object(-1004, json!([1, 2, 3])),
    ] {
        assert_eq!(ChatError::from_error_object(&misfit), None, "{misfit:?}");
    }
    let by_name_or_position = ChatError::from_error_object(&object(1001, json!([30])));
    assert_eq!(by_name_or_position, Some(ChatError::Full { max: 30 }));
}
