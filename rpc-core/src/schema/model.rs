//! A model of what both ends of a connection offer, with the JSON Schemas of all types.

mod builder;
mod method;
mod schemas;
mod service;
mod stable;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use builder::{ModelBuilder, ModelError};
pub use method::{
    CallModel, Deprecation, ErrorModel, MethodModel, ParamKind, ParamModel, StreamModel,
    SubscriptionModel,
};
pub use service::ServiceModel;

/// What both ends of a connection offer: services, methods, and JSON Schemas of their types. Documents and code for
/// other languages are made of it.
///
/// A model is made by one end, whose program has the traits: it says which services this end serves, and which ones it
/// calls at the other end.
///
/// ```
/// use rpc_core::schema::Model;
/// use rpc_core::service;
///
/// #[service(namespace = "chat", schema)]
/// trait Chat {
///     /// Joins a room.
///     async fn join(&self, room: &str) -> Vec<String>;
/// }
///
/// #[service(namespace = "chatter", schema)]
/// trait Chatter {
///     async fn confirm(&self, question: &str) -> bool;
/// }
///
/// let model = Model::server().serves(ChatServer::INFO).calls(ChatterClient::INFO).build()?;
/// let [chat, chatter] = &*model.services else { panic!() };
/// assert_eq!((chat.served_by.as_str(), chatter.served_by.as_str()), ("server", "client"));
/// let room = &chat.methods[0].params[0];
/// assert_eq!((&*room.name, &room.schema["type"]), ("room", &"string".into()));
/// # Ok::<(), rpc_core::schema::ModelError>(())
/// ```
///
/// # Schemas
///
/// A schema is a [`Value`] in the dialect draft-07 of JSON Schema, which is the dialect of OpenRPC and AsyncAPI. A type
/// with a name is a reference to one of the [`definitions`](Self::definitions): `{"$ref":"#/definitions/User"}`. The
/// schema `true` allows every value. It also stands for a type that has no schema.
///
/// What a program reads and what it writes can have different schemas: serde may read a missing field as its default,
/// and always writes the field. The params that a program serves are read, and its results are written. If it calls a
/// method, its params are written, and the result is read. If both schemas of a type are in use and differ, the
/// definitions have both: `UserInput` is what the program reads, `UserOutput` what it writes.
///
/// # Which types have schemas
///
/// A type has a schema if it is [`schemars::JsonSchema`]. `#[service(schema)]` demands a schema of each type in the
/// trait, and of the data of its errors: a type without one is an error of the compiler. Without `schema`, such a type
/// has the schema `true`.
///
/// # The same bytes
///
/// The model, and each document that is made of it, depends on nothing but the traits and their types. Services and
/// methods are in the order of the program and of the traits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Model {
    /// The end that made the model. What it reads is "input" in the names of definitions.
    pub end: End,
    /// The services: first those that this end serves, then those that it calls, each in the order in which they were
    /// given.
    pub services: Vec<ServiceModel>,
    /// The schemas of types with names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, Value>,
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The end that accepts connections.
    Server,
    /// The end that connects.
    Client,
}

impl Model {
    /// Begins the model of a server.
    pub fn server() -> ModelBuilder {
        ModelBuilder::new(End::Server)
    }

    /// Begins the model of a client.
    pub fn client() -> ModelBuilder {
        ModelBuilder::new(End::Client)
    }

    /// Returns the services of an end.
    pub fn served_by(&self, end: End) -> impl Iterator<Item = &ServiceModel> {
        self.services.iter().filter(move |service| service.served_by == end)
    }

    /// Returns the definition that a schema refers to, if the schema is a reference.
    pub fn definition<'a>(&'a self, schema: &'a Value) -> Option<Definition<'a>> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix(DEFINITIONS)?;
        let schema = self.definitions.get(name)?;
        Some(Definition { name, schema })
    }

    /// Returns the model as JSON text with line breaks. [`from_json`](Self::from_json) reads it.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("the keys of all maps are strings") + "\n"
    }

    /// Reads a model.
    ///
    /// # Errors
    /// Returns the reason why the text is no model.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// The beginning of a reference to a definition.
pub(super) const DEFINITIONS: &str = "#/definitions/";

/// A definition that a schema refers to.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Definition<'a> {
    /// The name of the definition.
    pub name: &'a str,
    /// The schema behind the name.
    pub schema: &'a Value,
}

impl End {
    /// Returns the other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }

    /// Returns `server` or `client`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
