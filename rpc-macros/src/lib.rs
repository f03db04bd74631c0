//! `#[service]` and `#[derive(RpcError)]` of `rpc-core`, which re-exports both: use them from there.
//!
//! Each is three steps. `parse` reads attribute arguments into small structs that keep their
//! tokens; `model` makes checked plain data of the item, and raises every error, all of them at
//! once; `expand` writes Rust, and cannot fail. What the generated code does is in ordinary
//! functions of `rpc_core::private`; the macros only name types.

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

/// Makes a service of a trait: a contract that both ends of a connection share.
///
/// # What is written
///
/// ```text
/// /// What the server offers.
/// #[service(namespace = "chat")]
/// pub trait Chat {
///     /// Joins `room`; answers who is there.
///     async fn join(&self, cx: &Context, room: &str) -> Result<Vec<String>, ChatError>;
///     /// Says something; nobody waits.
///     #[notification]
///     async fn say(&self, room: &str, text: &str);
///     /// What is said in `room` from now on.
///     async fn listen(&self, room: &str) -> Result<Streaming<Message>, ChatError>;
///     #[method(name = "whois", idempotent, timeout = "2s")]
///     async fn who_is(&self, #[param(rename = "user")] name: &str) -> Option<User>;
///     fn version(&self) -> String;
/// }
/// ```
///
/// - A method takes `&self`, is `async` or not, and may have a body, which is its default.
/// - Parameters have plain names and types that are [`Serialize`] and [`DeserializeOwned`]. `&str`,
///   `&[T]` and any other `&T` is received as what it is owned by (`String`, `Vec<T>`,
///   `T::Owned` of [`ToOwned`]) and lent to the method. An `Option` may be left out by the caller, and a stub leaves out one that is
///   `None` where it can: last by position, anywhere by name. So a method may gain an `Option` at
///   its end, and is still called at ends that do not know it.
/// - A parameter may have documentation, though Rust allows none there. Rustdoc shows the documentation of all parameters as a
///   list at the end of the method's own, in the trait and in the stub.
/// - `&Context`, anywhere among the parameters, is the call itself: whose it is, until when. It is
///   not on the wire and not in the stub.
/// - A return type whose last part is called `Result` has an error type, which is an `RpcError`:
///   `Result<T, E>`, or an alias with one argument that knows its error, as `rpc_core::Result<T>`.
///   Any other return type, or none, is that of a method that cannot fail.
/// - A method that returns a `Streaming<T>`, alone or in a `Result`, is a subscription: its caller
///   gets the stream, and ends it by dropping it.
/// - A parameter that is a `Streaming<T>` is sent item by item by the caller, while the call lasts; if
///   the method returns a `Streaming` as well, until that has ended.
/// - `Streaming<T, E>` says in both places which `RpcError` the stream ends with. Whoever takes the stream gets that error
///   back as `StreamError::Method`.
/// - A parameter that is a `Progress<T>` tells the caller, if that asked with `on_progress`, how far the
///   call has come. It is not among the parameters of the stub.
/// - In both places the name `Streaming` is what counts: a type of one's own that is called so needs
///   another name, and an alias of `Streaming` hides it. So it is with `Progress<T>`.
///
/// # What is made
///
/// **The trait**, with `Send + Sync + 'static` asked of who implements it, and each `async fn` as a
/// `fn … -> impl Future<Output = …> + Send`. Implementations write plain `async fn`; one whose
/// future is not `Send` is told so at the line that is in the way.
///
/// **The calling half**, a stub over a peer. Calls are futures that can be started, timed and
/// dropped; a notification has a form that never waits.
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
/// A stub may be over a batch or a group as well. It has the same methods there, but for those with a
/// `Streaming`: a stream belongs to one peer.
///
/// ```text
/// impl ChatClient<&Batch> { // queued; all leave with `Batch::send`
///     pub fn join(&self, room: &str) -> Call<Vec<String>, ChatError>;
///     pub fn say(&self, room: &str, text: &str) -> Result<(), NotifyError>;
///     …
/// }
/// impl ChatClient<Group> { // to each member
///     pub fn join(&self, room: &str) -> Answers<Vec<String>, ChatError>;
///     pub fn say(&self, room: &str, text: &str) -> Ready<Result<usize, NotifyError>>;
///     …
/// }
/// ```
///
/// **The serving half**, a `Service` that decodes params and calls an implementation.
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
/// **The table** of what the trait says: a constant of both halves. Neither needs an implementation or a connection, so
/// tools can read the table: those that export schemas, generate code or list methods.
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
/// - Names are those of the trait. Of a server in another [namespace](#one-service-under-several-namespaces),
///   `Service::methods` tells the names.
/// - A `MethodInfo` has the method's name, kind, parameters, flags, errors and documentation, and its return type as it is
///   written. An alias has a row of its own, which tells in `alias_of` what it is an alias of.
/// - A `ParamInfo` has the parameter's name, its type as it is written and its documentation. It can be asked whether the
///   parameter may be left out (`is_optional`), and for its default as JSON (`default_json`).
/// - Documentation is text that is written as `///` or `#[doc = "…"]`; a macro in its place (`include_str!`) is not in the
///   table.
///
/// Client and server are as visible as the trait. Documentation, `cfg` and `deprecated` carry over; other
/// attributes stay on the trait.
///
/// # Options
///
/// | `#[service(…)]` | |
/// |---|---|
/// | `namespace = "chat"` | stands before the name of each method: `chat.join`; without it names are bare |
/// | `separator = "_"` | what stands between, `.` unless said otherwise |
/// | `rename_all = "camelCase"` | how names of methods are spelled on the wire; also `lowercase`, `UPPERCASE`, `PascalCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case`, `SCREAMING-KEBAB-CASE` |
/// | `rename_all_params = "camelCase"` | the same for parameters |
/// | `by_name` | the stub sends params as an object with their names, not as an array; either is understood |
/// | `allow_unknown` | a request may have params with names that the method does not know: those are ignored, as in a notification, and without a warning. Otherwise such a request is answered -32602; one with more values than the method has parameters always is |
/// | `empty_params` | the stub sends `[]`, or `{}` by name, where a method has no parameters or all are left out. Otherwise such a message has no `params` |
/// | `dyn` | implementations may be behind a `dyn`, see below |
/// | `crate = some::path` | where `rpc_core` is, if not at `::rpc_core`: `crate = rpc_server::rpc_core` in a crate that depends on `rpc-server` alone |
///
/// | on a method | |
/// |---|---|
/// | `#[notification]` | nobody waits for it, and it returns nothing |
/// | `#[subscription]` | it returns a `Streaming<T>`; may be left out where no option is given |
/// | `#[method]` | any other; may be left out as well |
///
/// | in these | |
/// |---|---|
/// | `name = "whois"` | replaces the method's own part of its name: `chat.whois` |
/// | `aliases("finger", "chat.who")` | more names of it, whole ones, for who calls by name |
/// | `by_name`, `allow_unknown`, `empty_params`, or `… = false` | as on the service, for this method |
/// | `spawn` | runs in a task of its own: for work that keeps a processor busy. Those of one connection run at the same time if the runtime has workers to spare |
/// | `blocking` | runs on a thread where it may block: a plain `fn`, and no subscription. Once begun it is not stopped, not even when its call is cancelled |
/// | `detached` | runs in a task of its own, which goes on to its end when the connection is over; its answer goes nowhere then. A cancel by its caller and its deadline stop it as any other, and so does a runtime that shuts down. Not on a subscription; one of `spawn`, `blocking` and `detached` at most |
/// | `ordered` | a request starts only when all requests and notifications that came before it on its connection have ended. Later ones do not wait for it, unless they are ordered too. A handler that waits for a call of its own is not waited for: that call may need this one. Not on a notification: those run in order as they are |
/// | `timeout = "2s"` | how long the stub waits, unless its caller says otherwise: a whole number and `ms`, `s`, `m` or `h`. Not on a notification |
/// | `idempotent` | running it twice does what running it once does. On a `#[method]` only |
///
/// A method runs in the task of its connection unless it says otherwise. One that keeps that task from
/// everything else for more than 100 ms at a time is warned of in the log, once.
///
/// | in `#[subscription(…)]` | |
/// |---|---|
/// | `item = "chat.message"` | the whole name of the notifications that carry the items; that of the method unless said otherwise |
/// | `unsubscribe = "chat.stop"` | the whole name of the method that ends it; `chat.unsubscribe_listen` for a `chat.listen` unless said otherwise, spelled as `rename_all` has it. Subscriptions may share one |
/// | `id = "number"` | the ids that this end gives are random integers from 1 to below 10<sup>14</sup>, which JavaScript and Lua read to the last digit; strings unless said otherwise. The calling end takes either |
/// | `id_member = "subscription_id"` | the member of an item's params that holds the id, at both ends, in place of `subscription`; by this name the method that ends it takes the id as well. Where another end answers with an object, the stub reads the id from this member of it |
/// | `selector = "logs"` | the first param on the wire, which the stub sends before the others: of methods that share a name it picks one, see below |
///
/// As aliases are, `item` and `unsubscribe` are whole names: the namespace does not stand before them.
/// `unsubscribe` is served by the protocol: it is no method of the trait, and its name must not be one
/// either.
///
/// With a `selector` several methods have one name on the wire, as an Ethereum node's `eth_subscribe` has:
///
/// ```text
/// #[subscription(name = "eth_subscribe", selector = "newHeads", item = "eth_subscription", unsubscribe = "eth_unsubscribe")]
/// async fn new_heads(&self) -> Streaming<Head>;
/// #[subscription(name = "eth_subscribe", selector = "logs", item = "eth_subscription", unsubscribe = "eth_unsubscribe")]
/// async fn logs(&self, filter: Filter) -> Streaming<Log>;
/// ```
///
/// `logs(filter)` sends `["logs", filter]`. Where it is served, the first param picks the method; one that is
/// missing, or picks none, is answered -32602, which names those that there are. A selector has no name, so
/// its method goes by position: not `by_name`, and params that come as an object are -32602. Methods that share
/// a name have different selectors, and the same `item`, `unsubscribe`, `id`, `id_member` and `ordered`. None of
/// them takes a `Streaming`. In the table of methods (`MethodInfo`) the name has one row, which tells of each in `selected`.
///
/// | on a parameter | |
/// |---|---|
/// | `#[param(rename = "lang")]` | its name on the wire |
/// | `#[param(default)]` | may be left out, for the type's `Default` |
/// | `#[param(flatten)]` | the parameter is all params, see below |
/// | `#[param(validate)]` | its type, which is `Validate`, says whether it is valid |
/// | `#[param(validate = path::to::function)]` | a function does, a `fn(&T) -> Result<(), Invalid>` of a parameter `T` or `&T` |
///
/// Parameters are validated where the method is served, after all of them were decoded and before
/// it runs. If any is not valid it does not run, and one -32602 tells all that is wrong.
///
/// # All params as one value
///
/// A parameter with `#[param(flatten)]` is not one of the params but all of them: for protocols whose params grow, or may
/// have members that nobody knows yet.
///
/// ```text
/// #[derive(Serialize, Deserialize)]
/// struct InitializeParams {
///     capabilities: Capabilities,
///     #[serde(flatten)]
///     more: serde_json::Map<String, Value>, // members with other names; without it they are ignored
/// }
///
/// async fn initialize(&self, #[param(flatten)] params: InitializeParams) -> InitializeResult;
/// ```
///
/// - No other parameter may be on the wire; `&Context` and a `Progress` may stand beside it.
/// - The type decides about members: a struct ignores those that it does not know, unless it keeps them as above or has
///   serde's `deny_unknown_fields`. `serde_json::Map` and `Value` keep all, `_meta` too.
/// - Params by position go to the type as well: a struct takes its fields in their order, and `None` for trailing
///   `Option`s. No params, and `"params": null`, are read as `{}`. If the type does not read `{}` or `[]`, it is given the
///   other, then `null`: so an `Option` of a struct is `None` only if the struct does not read `{}`.
/// - The stub sends the value's JSON as `params`, and `{}` for `()` and `None`. A value that is neither an object nor an
///   array then fails the call with `Encode`.
/// - A token for progress is read from `workDoneToken`, and from a member of the `Progress`'s own name only if that has a
///   `#[param(rename)]`.
/// - In errors and violations paths begin with the name of a member.
///
/// # One service under several namespaces
///
/// `namespace` of the server and of the stub replaces the namespace of the trait, for services that are offered more
/// than once, or whose namespace is known only when the program runs:
///
/// ```text
/// let router = Router::new()
///     .service(ChatServer::new(Rooms::default()).namespace("lobby"))
///     .service(ChatServer::new(Rooms::default()).namespace("attic"));
///
/// let attic = ChatClient::new(peer).namespace("attic"); // calls `attic.join`
/// ```
///
/// The separator of the trait stays; a trait without a namespace has `.`. Names that are written whole (aliases,
/// `item`, `unsubscribe`) stay as they are: two services with the same alias cannot be in one `Router`. `Service::check` of the router tells of an empty
/// namespace and of names in it that are reserved; calls of such a stub fail with `Encode`. Each call of a stub with a
/// namespace of its own allocates its name.
///
/// # Implementations behind a `dyn`
///
/// The trait itself cannot be `dyn`: its futures have as many types as it has implementations. With
/// `#[service(dyn)]` there is a `DynChat` beside `Chat`, which boxes them. Implementations stay as
/// they are. Whatever implements `Chat` can be made a `dyn DynChat`, and that implements `Chat`
/// again, so that it can be served, called and wrapped like any other:
///
/// ```text
/// let rooms: Arc<dyn DynChat> = if test { Arc::new(Fake) } else { Arc::new(Rooms::default()) };
/// let server = ChatServer::shared(rooms);
/// ```
///
/// Only what is called that way pays for the boxes. Lifetimes of parameters are written out, as
/// `Cow<'_, str>`. What else the trait asks of its implementations, `DynChat` asks as well, so it
/// must be something that a `dyn` can be, as `Debug`.
///
/// # What errors mean
///
/// All mistakes of a trait are told at once, each under what to change, and the trait, its
/// implementations and the rest of its stub live on.
///
/// - *the other end must know the type*, *has no generics*: both ends compile, or read, the same
///   contract, and one of them cannot choose for the other. Write a concrete type.
/// - *cannot be a reference*, *cannot borrow*: what crosses the wire is owned on arrival. Only a
///   parameter itself can be a `&T`.
/// - *write a plain name*: a parameter's name is part of the contract.
/// - *already a name of*, *already ends*, *already the parameter*: a name on the wire means one
///   thing.
/// - *shares the name*: what belongs to a name on the wire is one for all methods that a `selector`
///   picks under it.
/// - *is reserved*: names that begin with `rpc.` belong to the protocol, and so do `$/ack`, `$/cancelRequest`,
///   `$/credit`, `$/goaway`, `$/hello`, `$/item`, `$/ping`, `$/progress` and `$/stop`. Any other name in `$/` is yours:
///   `#[notification(name = "$/setTrace")]`.
/// - *is all params*: what has `flatten` stands for all that is on the wire, see above.
/// - *the stub …*: the stub's own `new`, `namespace`, `INFO` and `METHODS`, and the `try_` form of a notification, stand beside
///   the methods of the trait. Rename the method; `name` keeps its name on the wire.
/// - *expected `rpc_core::Streaming`*: the `Streaming` in this place is another type.
/// - *cannot be the error of a service method*: an error is rebuilt at the other end, so it says how
///   it travels. Derive `RpcError`, or use `rpc_core::Result<T>` and codes by hand.
/// - *a `Result` under another name*: a macro sees names only. What is not called `Result` would be
///   sent as a value, its `Err` as well.
/// - *does not say which of its values are valid*: `#[param(validate)]` asks the parameter's type.
///   Implement `Validate`, or name a function.
/// - *`Arc<Rooms>: Chat` is not satisfied*: an `Arc` of an implementation is served by `ChatServer::shared`.
/// - *`?` couldn't convert the error*, from `CallError`: mark the variant of the handler's error that stands for a call
///   which has failed by `from_call`, see [`RpcError`](derive@RpcError).
/// - `Serialize` *is not satisfied*: one end sends the type; `Deserialize`: the other receives it.
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

/// Makes an error type of methods: it keeps its type across the wire.
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
/// Each variant has a code, and so has a struct. The message is the error's `Display`; it is for
/// people, and not read again. The fields travel as `data`, and code and data rebuild the variant:
///
/// | fields | `data` |
/// |---|---|
/// | none | none |
/// | one without a name | the value: `"attic"` |
/// | several without names | an array |
/// | with names | an object: `{"max":30}` |
///
/// Fields are `Serialize` and `DeserializeOwned`. A code is written as a number, appears once in the
/// type, and is outside of what the protocol reserves: -32768 to -32000, and -32800.
/// `#[rpc(crate = some::path)]` on the type says where `rpc_core` is, if not at `::rpc_core`, such as `rpc_client::rpc_core`.
///
/// # Calls that a handler makes
///
/// `from_call` marks the variant that stands for a call that has failed, so that a handler writes `?` behind a call:
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
/// - If the called method has answered with its own error, that is the handler's error too if it has the same type, or
///   becomes the handler's error by `From`: here `#[from]` of `thiserror` makes `ShopError::Stock` of a `StockError`. If
///   the handler is not to pass on such errors, there is no `From`, and the call has an adapter:
///   `.await.map_err(CallError::untyped)?`.
/// - Any other failure (no answer in time, a lost connection, an error that is not the method's) becomes the marked
///   variant. Its caller hears the code and the `Display` of the variant, and nothing of the cause. The log has the cause,
///   with the method and the peer that are served: at the level `warn` once in ten seconds for each method, else at
///   `debug`.
/// - Without a code, `#[rpc(from_call)]`, the caller hears of an internal error alone, -32603. Then the variant
///   may keep the cause for the handler: `Call(CallError)`.
///
/// For this the derive makes `From<CallError<E>>` for each `E` that becomes the type, and `From<Infallible>`.
#[proc_macro_derive(RpcError, attributes(rpc))]
pub fn rpc_error(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    let (error, errors) = rpc_error::ErrorType::from_syn(&item);
    rpc_error::rpc_error(&error, &errors).into()
}

/// The names of methods that belong to the protocol, and why: `["$/ack", …], "…", "rpc.", "…"`, as a tuple of the
/// names, their reason, the beginning of more names, and its reason. For `rpc-core` only, so that traits and routers
/// refuse the same names in the same words.
#[doc(hidden)]
#[proc_macro]
pub fn reserved_names(_: TokenStream) -> TokenStream {
    let (names, prefix) = (reserved::NAMES, reserved::PREFIX);
    let (names_told, prefix_told) = (reserved::names_told(), reserved::prefix_told());
    quote!(([#(#names),*], #names_told, #prefix, #prefix_told)).into()
}
