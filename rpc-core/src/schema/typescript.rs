//! TypeScript of a model: a client of each service that the other end offers, and an interface of handlers for each
//! service that this end offers.
//!
//! ```text
//! services ─▶ client, handlers ─▶ method ───┐
//! errors ─────────────────────▶ errors ─────┼─▶ types ─┬─▶ text
//! definitions ────────────────▶ definitions ┘          │
//! versions ───────────────────▶ value ─────────────────┘
//! ```

mod bytes;
mod client;
mod definitions;
mod errors;
mod exports;
mod handlers;
mod integers;
mod method;
mod names;
mod text;
mod types;
mod value;
mod versions;

use std::collections::BTreeSet;
use std::fmt;

use self::bytes::BYTES;
use self::exports::Exports;
use self::text::Text;
use super::model::{End, Model};

/// TypeScript that was made of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeScript {
    /// The text of the module.
    pub code: String,
    /// The text of another module, which exports the model as `model`: the page compares it with that of the other end,
    /// and shows it to the other end, which compares it with its own. The program needs it only for that.
    pub model: String,
    /// What a reader should know and may change in the traits, a line each: integers that a `number` of JavaScript cannot
    /// hold.
    pub notes: Vec<String>,
}

impl Model {
    /// Returns a module of TypeScript for one end: mostly for the client, which is a page or a program of Node. `package`
    /// is the name by which the module imports the runtime: the name of this project's npm package, or a path to it.
    ///
    /// For a service that the other end offers, the module has a class: `ChatClient`, whose methods call. For a service
    /// that `end` offers, the module has an interface, `ChatterHandlers`, and a function that makes the handlers of an
    /// object: `chatterHandlers`. A handler that is missing, or has another type, does not compile. Errors are a union
    /// that is told apart by the code: `ChatError`.
    ///
    /// Methods that are [unstable](super::MethodFlags::unstable) are served only to a peer that asks for such methods. The
    /// constant `services` has the version and the [digest](super::ServiceModel::digest) of each service: with it, the
    /// page tells in its `$/hello` what it offers, and knows whether the server offers what the page calls.
    ///
    /// A text that stands for bytes ([`Base64`](crate::Base64)) has the type `Bytes`: a text, or a `Uint8Array`.
    ///
    /// The module depends on nothing but the model: the same model makes the same bytes.
    ///
    /// # Integers
    ///
    /// A `number` of JavaScript holds integers up to 2^53. A longer one arrives as a `bigint`, never rounded: so an `i64`
    /// has the type `number | bigint`, and its methods read JSON by `exactJson`. To get a `number`, let the type say that
    /// it holds no more, by `#[schemars(range(min = 0, max = 9007199254740991_u64))]`; to get a text, write the field as
    /// one. The [notes](TypeScript::notes) name the methods that have such integers.
    ///
    /// ```
    /// use rpc_core::schema::{End, Model};
    /// use rpc_core::service;
    ///
    /// #[service(namespace = "chat", schema)]
    /// trait Chat {
    ///     /// Joins a room.
    ///     async fn join(&self, room: &str) -> Vec<String>;
    /// }
    ///
    /// let model = Model::server().serves(ChatServer::INFO).build()?;
    /// let module = model.typescript(End::Client, "two-way-json-rpc")?;
    /// assert!(module.code.contains("join(room: string, options?: CallOptions): Promise<string[]>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Fails if two things in the module would have the same name, and for subscriptions that the runtime does not know: those
    /// whose items name their stream otherwise than by `subscription`, and, at the end that offers them, those that a
    /// `selector` picks. The error names all of them.
    pub fn typescript(&self, end: End, package: &str) -> Result<TypeScript, TypeScriptError> {
        let mut exports = Exports::default();
        let mut body = Text::default();
        for service in self.served_by(end.other()) {
            client::write(self, service, &mut body, &mut exports);
            errors::write(service, &mut body, &mut exports);
        }
        for service in self.served_by(end) {
            handlers::write(self, service, &mut body, &mut exports);
            errors::write(service, &mut body, &mut exports);
        }
        definitions::write(self, &mut body, &mut exports);
        versions::write(self, end, &mut body, &mut exports);
        if bytes::are_in(self) {
            exports.uses_type(BYTES);
        }
        let code = module(&exports, package, &body.finish());
        let mistakes = exports.mistakes();
        if !mistakes.is_empty() {
            return Err(TypeScriptError(mistakes));
        }
        let model = versions::model(self, end, package);
        Ok(TypeScript { code, model, notes: integers::notes(self) })
    }
}

/// The first line of a module.
const FIRST: &str =
    "// Made of the traits of the program. Do not edit: change the traits, and make it anew.";

/// Joins the parts of a module.
fn module(exports: &Exports, package: &str, body: &str) -> String {
    let mut head = Text::default();
    head.line(FIRST);
    head.blank();
    let package = names::string(package);
    let import = |head: &mut Text, what: &str, names: &BTreeSet<&str>| {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            head.listed(&format!("import {what}{{ "), &names, &format!(" }} from {package};"));
        }
    };
    import(&mut head, "", &exports.values);
    import(&mut head, "type ", &exports.types);
    let head = head.finish();
    format!("{head}\n{body}")
}

/// The reasons why there is no module of this model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeScriptError(Vec<String>);

impl fmt::Display for TypeScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for TypeScriptError {}
