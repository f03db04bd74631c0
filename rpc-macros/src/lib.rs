//! The macros `#[service]` and `#[derive(RpcError)]`. `rpc-core` re-exports both; use them from there.
//!
//! Each macro has three steps. `parse` reads attribute arguments into small structs that keep their tokens. `model`
//! turns the item into checked plain data, and reports all errors at once. `expand` writes Rust code, and cannot fail.
//! The logic of the generated code is in ordinary functions of `rpc_core::private`; the macros only name types.

#![forbid(unsafe_code)]

mod errors;
mod expand;
mod model;
mod parse;
mod reserved;
mod rpc_error;
mod tokens;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, Item, parse_macro_input};

/// Turns a trait into a service: a contract that both ends of a connection share.
///
/// # Input
///
/// ```text
/// /// The methods of the server.
/// #[service(namespace = "chat")]
/// pub trait Chat {
///     /// Joins `room` and returns its members.
///     async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError>;
///     /// Says something. There is no answer.
///     #[notification]
///     async fn say(&self, room: &str, text: &str);
///     /// Streams the messages in `room` from now on.
///     async fn listen(&self, room: &str) -> Result<Streaming<Message>, ChatError>;
///     #[method(name = "whois", idempotent, timeout = "2s")]
///     async fn who_is(&self, #[param(rename = "user")] name: &str) -> Option<User>;
///     fn version(&self) -> String;
/// }
/// ```
///
/// - A method takes `&self`, and may be `async`. It may have a body, which is the default implementation.
/// - Parameters have plain names, and types that are [`Serialize`] and [`DeserializeOwned`]. A parameter `&T` is
///   received as the owned type of `T` and lent to the method: `String` for `&str`, `Vec<T>` for `&[T]`, and `T::Owned`
///   of [`ToOwned`] for any other `&T`.
/// - A caller may omit an `Option`. A stub omits an `Option` that is `None` where possible: the last params by
///   position, any params by name. So a method may gain an `Option` as its last parameter, and peers that do not know
///   the parameter can still call the method.
/// - A parameter may have documentation, though Rust allows none there. Rustdoc shows the documentation of all
///   parameters as a list at the end of the method's own documentation, in the trait and in the stub.
/// - `&Context`, at any place among the parameters, gives access to the call: its caller, its deadline, its peer. The
///   context is not sent, and the stub does not have it.
/// - A return type whose last path segment is `Result` has an error type, which must be an `RpcError`: `Result<T, E>`,
///   or an alias with one argument, as `rpc_core::Result<T>`. A method with any other return type, or without a return
///   type, cannot fail.
/// - A method that returns a `Streaming<T>`, alone or in a `Result`, is a subscription. Its caller gets the stream, and
///   ends the subscription by dropping the stream.
/// - A parameter that is a `Streaming<T>` is sent item by item by the caller, while the call lasts. If the method also
///   returns a `Streaming`, the items are sent until that stream has ended.
/// - `Streaming<T, E>` names the `RpcError` with which the stream may end, in both places. The receiver of the stream
///   gets that error as `StreamError::Method`.
/// - A parameter that is a `Progress<T>` reports progress to the caller, if the caller has asked for reports with
///   `on_progress`. The stub does not have this parameter.
/// - The macro recognizes `Streaming` and `Progress<T>` by their names. A type of your own with one of these names
///   needs another name, and the macro does not see through an alias.
///
/// # Output
///
/// **The trait**, with the bounds `Send + Sync + 'static` for implementations, and with each `async fn` as a
/// `fn … -> impl Future<Output = …> + Send`. Implementations write plain `async fn`. If the future of an implementation
/// is not `Send`, the compiler names the line that is the reason.
///
/// **The stub** for callers, over a peer. Calls are futures that can be started, given a timeout, and dropped. A
/// notification also has a `try_` form, which never waits.
///
/// ```text
/// pub struct ChatClient<T = Peer> { … }
/// impl<T> ChatClient<T> {
///     pub fn new(target: T) -> Self;
///     pub fn namespace(self, namespace: impl AsRef<str>) -> Self;
/// }
/// impl ChatClient<Peer> {
///     pub fn join(&self, room: &str) -> Call<Vec<String>, ChatError>;
///     pub fn say(&self, room: &str, text: &str) -> Notify;
///     pub fn try_say(&self, room: &str, text: &str) -> Result<(), NotifyError>;
///     pub fn listen(&self, room: &str) -> Call<Streaming<Message>, ChatError>;
///     pub fn who_is(&self, name: &str) -> Call<Option<User>>;
///     pub fn version(&self) -> Call<String>;
/// }
/// ```
///
/// A stub may also be over a batch or a group. There it has the same methods, except those with a `Streaming`: a stream
/// belongs to one peer.
///
/// ```text
/// impl ChatClient<&Batch> { // queues calls; `Batch::send` sends them
///     pub fn join(&self, room: &str) -> Call<Vec<String>, ChatError>;
///     pub fn say(&self, room: &str, text: &str) -> Result<(), NotifyError>;
///     …
/// }
/// impl ChatClient<Group> { // sends to each member
///     pub fn join(&self, room: &str) -> Answers<Vec<String>, ChatError>;
///     pub fn say(&self, room: &str, text: &str) -> Ready<Result<usize, NotifyError>>;
///     …
/// }
/// ```
///
/// **The server**, a `Service` that decodes params and calls an implementation.
///
/// ```text
/// pub struct ChatServer<S> { … }
/// impl<S: Chat> ChatServer<S> {
///     pub fn new(service: S) -> Self;
///     pub fn shared(service: Arc<S>) -> Self;
///     pub fn namespace(self, namespace: impl AsRef<str>) -> Self;
/// }
/// ```
///
/// **The table** of the trait, as constants of the stub and of the server. The constants need neither an implementation
/// nor a connection, so tools can read them, for example to export schemas, to generate code or to list methods.
///
/// ```text
/// ChatClient::INFO       // `&'static ServiceInfo`: name, namespace, documentation and methods
/// ChatClient::METHODS    // `&'static [MethodInfo]`: the same as `INFO.methods`
/// ChatServer::INFO       // the same table as that of the client
/// ChatServer::METHODS
/// ```
///
/// - The constants are written without type arguments, also in generic code: they belong to `ChatClient<Peer>` and to
///   `ChatServer<()>`. `ChatServer::<Rooms>::INFO` does not exist.
/// - The names are the names of the trait. For a server in another [namespace](#one-service-under-several-namespaces),
///   `Service::methods` returns the names.
/// - A `MethodInfo` has the name, the kind, the parameters, the flags, the errors and the documentation of a method,
///   and its return type as written. An alias has an entry of its own, whose `alias_of` names the method.
/// - A `ParamInfo` has the name of a parameter, its type as written, and its documentation. `is_optional` returns
///   whether callers may omit the parameter, and `default_json` returns its default as JSON.
/// - The table has documentation that is written as `///` or `#[doc = "…"]`. It does not have documentation from a
///   macro (`include_str!`).
///
/// Stub and server have the visibility of the trait. Documentation, `cfg` and `deprecated` are copied to them; other
/// attributes stay on the trait.
///
/// # Options
///
/// | `#[service(…)]` | |
/// |---|---|
/// | `namespace = "chat"` | the prefix of each method's name: `chat.join`. Without a namespace, names have no prefix |
/// | `separator = "_"` | the text between namespace and name. Default: `.` |
/// | `version = "1.2.0"` | the version of the service, for the table, for documents, and for a peer that is told what this end offers. Nothing is refused by it |
/// | `rename_all = "camelCase"` | the case of the methods' names on the wire: also `lowercase`, `UPPERCASE`, `PascalCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case`, `SCREAMING-KEBAB-CASE` |
/// | `rename_all_params = "camelCase"` | the same for the names of parameters |
/// | `by_name` | the stub sends params as an object with names, not as an array. The server understands both |
/// | `allow_unknown` | the server ignores params whose names the method does not know, without a warning, as it does for notifications. Without the option, the server answers such a request with -32602. A request with more values by position than the method has parameters is always answered -32602 |
/// | `empty_params` | the stub sends `[]`, or `{}` by name, if a method has no parameters or all parameters are omitted. Without the option, such a message has no `params` |
/// | `schema` | each type must have a JSON Schema, in a program that turned on the feature `schema` of `rpc_core`: see [below](#json-schemas). Without that feature the option does nothing |
/// | `dyn` | implementations may be behind a `dyn`, see below |
/// | `crate = some::path` | the path of `rpc_core`. Default: `::rpc_core`. A crate that depends only on `rpc-server` writes `crate = rpc_server::rpc_core` |
///
/// | on a method | |
/// |---|---|
/// | `#[notification]` | the method is a notification: it has no answer, and returns nothing |
/// | `#[subscription]` | the method is a subscription: it returns a `Streaming<T>`. The attribute may be omitted if it has no options |
/// | `#[method]` | the method is neither of them. The attribute may be omitted if it has no options |
///
/// | option of these attributes | |
/// |---|---|
/// | `name = "whois"` | replaces the method's own part of its name: `chat.whois` |
/// | `aliases("finger", "chat.who")` | further names of the method, without a prefix by the namespace, for callers that use other names |
/// | `by_name`, `allow_unknown`, `empty_params`, or `… = false` | as on the service, for this method only |
/// | `optional` | the other end may lack the method. The stub returns an `Option`, which is `None` if the other end answers -32601; a call to a group returns that error. Only for a `#[method]` |
/// | `since = "1.2"` | the version in which the method appeared, for the table and for documents |
/// | `unstable` | the method may change or go. It is served only to a peer that asks for unstable methods, such as a client with `unstable(true)` in its builder; for any other peer there is no such method. In documents it has the member `x-unstable` |
/// | `spawn` | the method runs in a task of its own: for work that keeps a processor busy. Such handlers of one connection run in parallel if the runtime has free workers |
/// | `blocking` | the method runs on a thread that may block. It is a plain `fn`, and no subscription. After its start the method is not stopped, not even if the call is cancelled |
/// | `detached` | the method runs in a task of its own, which goes on until its end when the connection has ended. The answer is then discarded. A cancel by the caller, the deadline, and a shutdown of the runtime stop the method as any other. Not for subscriptions. A method may have only one of `spawn`, `blocking` and `detached` |
/// | `ordered` | a request starts only after all earlier requests and notifications of its connection have ended. Later requests do not wait for it, unless they are ordered, too. An ordered request does not wait for a handler that waits for a call of its own, since that call may need the request. Not for notifications, which always run in order |
/// | `timeout = "2s"` | the default timeout of the stub: a whole number with `ms`, `s`, `m` or `h`. The caller can set another timeout. Not for notifications |
/// | `idempotent` | running the method twice has the same effect as running it once. Only for a `#[method]` |
/// | `stop_while_away` | the method stops when its caller loses its link, although the caller's session goes on: for work that is of no use to anyone else. The caller hears -32014, or -32009 if the method had not begun, when it is back. Calls under an idempotency key go on. Only for a `#[method]`, and not with `detached` |
///
/// A method without `spawn`, `blocking` and `detached` runs in the task of its connection. The log has a warning, once,
/// about a method that keeps this task busy for more than 100 ms at a time.
///
/// | option of `#[subscription(…)]` | |
/// |---|---|
/// | `item = "chat.message"` | the full name of the notifications that carry the items. Default: the name of the method |
/// | `unsubscribe = "chat.stop"` | the full name of the method that ends the subscription. Default: `chat.unsubscribe_listen` for `chat.listen`, in the case of `rename_all`. Several subscriptions may have the same `unsubscribe` |
/// | `id = "number"` | the server gives out random integers as ids, from 1 to less than 10<sup>14</sup>, which JavaScript and Lua read without loss. Default: strings. The stub accepts both |
/// | `id_member = "subscription_id"` | the member that holds the id in the params of an item, at both ends. Default: `subscription`. The method that ends the subscription also takes the id by this name. If the other end answers the subscribe request with an object, the stub reads the id from this member of the object |
/// | `selector = "logs"` | the first param on the wire, which picks one of several methods with the same name, see below. The stub sends the selector before the other params |
///
/// `item` and `unsubscribe` are full names, like aliases: they get no prefix by the namespace. The protocol serves
/// `unsubscribe`, so no method of the trait may have its name.
///
/// With a `selector` several methods have one name on the wire. An example is `eth_subscribe` of an Ethereum node:
///
/// ```text
/// #[subscription(name = "eth_subscribe", selector = "newHeads", item = "eth_subscription", unsubscribe = "eth_unsubscribe")]
/// async fn new_heads(&self) -> Streaming<Head>;
/// #[subscription(name = "eth_subscribe", selector = "logs", item = "eth_subscription", unsubscribe = "eth_unsubscribe")]
/// async fn logs(&self, filter: Filter) -> Streaming<Log>;
/// ```
///
/// `logs(filter)` sends `["logs", filter]`. The server picks the method by the first param. If the first param is
/// missing or picks no method, the server answers -32602, and the error lists the selectors. The selector has no name,
/// so its method takes params by position: the method cannot be `by_name`, and params that are an object are answered
/// -32602. Methods with the same name must have different selectors, and the same `item`, `unsubscribe`, `id`,
/// `id_member`, `ordered` and `unstable`. None of them may take a `Streaming`. In the table of methods the name has one
/// `MethodInfo`, whose `selected` lists the methods.
///
/// | on a parameter | |
/// |---|---|
/// | `#[param(rename = "lang")]` | sets the name on the wire |
/// | `#[param(default)]` | callers may omit the parameter; its value is then the `Default` of the type |
/// | `#[param(flatten)]` | the parameter holds all params, see below |
/// | `#[param(validate)]` | validates the parameter by its type, which must be `Validate` |
/// | `#[param(validate = path::to::function)]` | validates the parameter by a function `fn(&T) -> Result<(), Invalid>`, for a parameter `T` or `&T` |
///
/// The server validates parameters after it has decoded all of them, and before the method runs. If any parameter is
/// invalid, the method does not run, and one error -32602 lists all violations.
///
/// # All params as one value
///
/// A parameter with `#[param(flatten)]` holds all params as one value. The option is for protocols whose params grow,
/// or may have members that are not known yet.
///
/// ```text
/// #[derive(Serialize, Deserialize)]
/// struct InitializeParams {
///     capabilities: Capabilities,
///     #[serde(flatten)]
///     more: serde_json::Map<String, Value>, // other members; without this field they are ignored
/// }
///
/// async fn initialize(&self, #[param(flatten)] params: InitializeParams) -> InitializeResult;
/// ```
///
/// - No other parameter may be sent. `&Context` and a `Progress` may stand beside the parameter.
/// - The type decides about members. A struct ignores members that it does not know, unless it keeps them as above, or
///   has serde's `deny_unknown_fields`. `serde_json::Map` and `Value` keep all members, and `_meta` too.
/// - Params by position are passed to the type as well: a struct takes its fields in their order, and `None` for
///   trailing `Option`s. Missing params, and `"params": null`, are read as `{}`. If the type does not read `{}` or
///   `[]`, the type gets the other one of the two, then `null`: so an `Option` of a struct is `None` only if the struct
///   does not read `{}`.
/// - The stub sends the JSON of the value as `params`, and `{}` for `()` and `None`. If the JSON of another value is
///   neither an object nor an array, the call fails with `Encode`.
/// - A token for progress is read from `workDoneToken`. It is read from a member with the name of the `Progress`
///   parameter only if that parameter has a `#[param(rename)]`.
/// - In errors and violations, paths begin with the name of a member.
///
/// # JSON Schemas
///
/// A program that turns on the feature `schema` of `rpc_core`, `rpc-server` or `rpc-client` makes a `Model` of its
/// traits, with a JSON Schema of each type, and documents of the model. A type has a schema if it implements
/// `schemars::JsonSchema`, which is derived. The option `schema` demands that: a parameter, a result, an item of a
/// stream, a report of progress, or the data of an error without a schema is an error of the compiler. Without the
/// option such a type can be anything in the model. So the feature, which one crate turns on for all crates of a
/// program, never makes another crate fail to compile.
///
/// # One service under several namespaces
///
/// `namespace` of the server and of the stub replaces the namespace of the trait. This is for services that are offered
/// more than once, or whose namespace is known only at run time:
///
/// ```text
/// let router = Router::new()
///     .service(ChatServer::new(Rooms::default()).namespace("lobby"))
///     .service(ChatServer::new(Rooms::default()).namespace("attic"));
///
/// let attic = ChatClient::new(peer).namespace("attic"); // calls `attic.join`
/// ```
///
/// The separator stays that of the trait; for a trait without a namespace the separator is `.`. Full names (aliases,
/// `item`, `unsubscribe`) stay as they are, so two services with the same alias cannot be in one `Router`.
/// `Service::check` of the router reports an empty namespace, and reserved names in the namespace. Calls of a stub with
/// such a namespace fail with `Encode`. Each call of a stub with a namespace of its own allocates the name.
///
/// # Implementations behind a `dyn`
///
/// The trait itself cannot be `dyn`, since each implementation has its own types of futures. `#[service(dyn)]` makes a
/// second trait `DynChat`, which boxes the futures. Implementations stay as they are. Every implementation of `Chat`
/// can become a `dyn DynChat`. `dyn DynChat` in turn implements `Chat`, so it can be served, called and wrapped like
/// any other implementation:
///
/// ```text
/// let rooms: Arc<dyn DynChat> = if test { Arc::new(Fake) } else { Arc::new(Rooms::default()) };
/// let server = ChatServer::shared(rooms);
/// ```
///
/// Only calls through `DynChat` pay for the boxes. Lifetimes of parameters must be written out, as in `Cow<'_, str>`.
/// `DynChat` has the supertraits of the trait, so each supertrait must be dyn compatible, as `Debug` is.
///
/// # What errors mean
///
/// The macro reports all mistakes of a trait at once, each at the code to change. The trait, its implementations and
/// the rest of its stub still compile.
///
/// - *the other end must know the type*, *has no generics*: both ends compile, or read, the same contract, and one end
///   cannot choose a type for the other end. Write a concrete type.
/// - *cannot be a reference*, *cannot borrow*: received values are owned. Only a parameter itself can be a `&T`.
/// - *write a plain name*: the name of a parameter is part of the contract.
/// - *already a name of*, *already ends*, *already the parameter*: a name on the wire must have one meaning.
/// - *shares the name*: methods that a `selector` picks under one name must have the same options for that name.
/// - *is reserved*: names that begin with `rpc.` belong to the protocol, and so do `$/ack`, `$/cancelRequest`,
///   `$/credit`, `$/goaway`, `$/hello`, `$/item`, `$/ping`, `$/progress` and `$/stop`. Any other name that begins with
///   `$/` is free: `#[notification(name = "$/setTrace")]`.
/// - *is all params*: a parameter with `flatten` holds all params, see above.
/// - *the stub …*: the stub has its own `new`, `namespace`, `INFO` and `METHODS`, and a `try_` form of each
///   notification, beside the methods of the trait. Rename the method; the option `name` keeps its name on the wire.
/// - *expected `rpc_core::Streaming`*: the `Streaming` in this place is another type.
/// - *cannot be the error of a service method*: the other end rebuilds an error from its wire form, so the error type
///   must define its wire form. Derive `RpcError`, or use `rpc_core::Result<T>` and set the codes by hand.
/// - *a `Result` under another name*: a macro sees only names. If the type is not called `Result`, the macro would send
///   the whole `Result` as a value, its `Err` as well.
/// - *does not say which of its values are valid*: `#[param(validate)]` needs a type that is `Validate`. Implement
///   `Validate`, or name a function.
/// - *`Arc<Rooms>: Chat` is not satisfied*: use `ChatServer::shared` to serve an `Arc` of an implementation.
/// - *`?` couldn't convert the error*, from `CallError`: in the handler's error type, mark the variant for failed calls
///   by `from_call`, see [`RpcError`](derive@RpcError).
/// - `Serialize` *is not satisfied*: one end sends the type. `Deserialize`: the other end receives the type.
///
/// [`Serialize`]: https://docs.rs/serde/1/serde/trait.Serialize.html
/// [`DeserializeOwned`]: https://docs.rs/serde/1/serde/de/trait.DeserializeOwned.html
#[proc_macro_attribute]
pub fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    match parse_macro_input!(item as Item) {
        Item::Trait(item) => {
            let (service, errors) = model::Service::from_syn(args.into(), &item);
            expand::service(&service, &item, &errors)
        }
        item => expand::not_a_trait(&item),
    }
    .into()
}

/// Makes a typed error for methods: the caller gets the error as the same type.
///
/// ```text
/// #[derive(Debug, thiserror::Error, RpcError)]
/// pub enum ChatError {
///     #[error("room is full")]
///     #[rpc(code = 1001)]
///     Full { max: u32 },
///     #[error("no room `{0}`")]
///     #[rpc(code = 1002)]
///     NoRoom(String),
///     #[error("not a member")]
///     #[rpc(code = 1003)]
///     NotMember,
/// }
/// ```
///
/// Each variant has a code; a struct has one code. The message on the wire is the `Display` text of the error. The
/// message is for people: the receiver does not parse it. The fields are sent as `data`. The receiver rebuilds the
/// variant from code and data:
///
/// | fields | `data` |
/// |---|---|
/// | none | none |
/// | one without a name | the value: `"attic"` |
/// | several without names | an array |
/// | with names | an object: `{"max":30}` |
///
/// Fields are `Serialize` and `DeserializeOwned`. A code is written as a number, is used once in the type, and is
/// outside of the codes that the protocol reserves: -32768 to -32000, and -32800. `#[rpc(crate = some::path)]` on the
/// type sets the path of `rpc_core`, such as `rpc_client::rpc_core`. Default: `::rpc_core`.
///
/// # Calls that a handler makes
///
/// `from_call` marks the variant for failed calls of the handler, so that the handler can use `?` on calls:
///
/// ```text
/// #[derive(Debug, thiserror::Error, RpcError)]
/// pub enum ShopError {
///     #[error("closed")]
///     #[rpc(code = 1)]
///     Closed,
///     #[error(transparent)]
///     #[rpc(code = 2)]
///     Stock(#[from] StockError),
///     #[error("the stock does not answer")]
///     #[rpc(code = 3, from_call)]
///     Upstream,
/// }
///
/// async fn buy(&self, cx: &Context) -> Result<u32, ShopError> {
///     Ok(StockClient::new(cx.peer()).take(1).await?)
/// }
/// ```
///
/// - If the called method has answered with its own error type, and the handler has the same error type, the error is
///   passed on. If the handler has another error type, `From` converts the error: here `#[from]` of `thiserror` makes
///   `ShopError::Stock` of a `StockError`. If the handler must not pass on such errors, leave `From` out, and use an
///   adapter at the call: `.await.map_err(CallError::untyped)?`.
/// - Any other failure becomes the marked variant: no answer in time, a lost connection, or an error that is not of the
///   method's type. The caller of the handler gets the code and the `Display` text of the variant, and nothing of the
///   cause. The log has the cause, with the served method and peer: at level `warn` once in ten seconds for each
///   method, otherwise at level `debug`.
/// - With `#[rpc(from_call)]` alone, without a code, the caller gets only an internal error, -32603. Then the variant
///   may keep the cause for the handler: `Call(CallError)`.
///
/// For this the derive macro implements `From<CallError<E>>` for each `E` that can be converted, and
/// `From<Infallible>`.
#[proc_macro_derive(RpcError, attributes(rpc))]
pub fn rpc_error(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    let (error, errors) = rpc_error::ErrorType::from_syn(&item);
    rpc_error::rpc_error(&error, &errors).into()
}

/// Returns the reserved names of methods and the reasons: `["$/ack", …], "…", "rpc.", "…"`, as a tuple of the names,
/// their reason, the reserved prefix, and its reason. For `rpc-core` only, so that traits and routers refuse the same
/// names with the same words.
#[doc(hidden)]
#[proc_macro]
pub fn reserved_names(_: TokenStream) -> TokenStream {
    let (names, prefix) = (reserved::NAMES, reserved::PREFIX);
    let (names_reason, prefix_reason) = (reserved::names_reason(), reserved::prefix_reason());
    quote!(([#(#names),*], #names_reason, #prefix, #prefix_reason)).into()
}
