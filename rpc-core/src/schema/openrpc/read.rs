//! From a document of OpenRPC back to a model.

mod method;

use std::fmt;

use serde_json::Value;

use super::IMPLEMENTED_BY;
use crate::schema::definitions::refs::rewrite;
use crate::schema::document::SCHEMAS;
use crate::schema::model::{DEFINITIONS, End, Model, ServiceModel};

impl Model {
    /// Reads a document of OpenRPC, to compare it with another one by [`diff`](Self::diff).
    ///
    /// A document of [`openrpc_of_both`](Self::openrpc_of_both) or [`openrpc`](Self::openrpc) becomes a model that
    /// `diff` cannot tell from that of which it was made. What `diff` does not look at is not restored: the digests, the
    /// names in Rust, the namespaces, and part of the documentation. A document without `x-` members can be read as well:
    /// its methods are those of the server. A method without a result is a notification.
    ///
    /// ```
    /// use rpc_core::schema::{DocumentInfo, End, Model};
    /// use rpc_core::service;
    ///
    /// #[service(schema)]
    /// trait Chat {
    ///     async fn join(&self, room: &str) -> u32;
    /// }
    ///
    /// let model = Model::server().serves(ChatServer::INFO).build()?;
    /// let document = model.openrpc(End::Server, &DocumentInfo::new("Chat", "1.0.0"));
    /// let read = Model::from_openrpc(&document)?;
    /// assert!(read.diff(&model).changes.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the reason why the value is no document of OpenRPC.
    pub fn from_openrpc(document: &Value) -> Result<Self, OpenRpcError> {
        let is_openrpc = document.get("openrpc").is_some_and(Value::is_string);
        let methods = document.get("methods").filter(|_| is_openrpc).and_then(Value::as_array);
        let Some(methods) = methods else {
            return Err(OpenRpcError("no document of OpenRPC: it has no `methods`".to_owned()));
        };
        let mut services = Vec::new();
        for object in methods {
            let object = method::resolved(document, object);
            for end in ends(object) {
                add(document, object, end, &mut services)?;
            }
            if let Some(of_client) = object.get("x-implemented-by-client") {
                add(document, of_client, End::Client, &mut services)?;
            }
        }
        let definitions = document.pointer("/components/schemas").and_then(Value::as_object);
        let definitions = definitions.into_iter().flatten();
        let mut definitions: std::collections::BTreeMap<_, _> =
            definitions.map(|(name, schema)| (name.clone(), schema.clone())).collect();
        definitions.values_mut().for_each(refer_to_definitions);
        let mut model = Self { end: End::Server, services, definitions };
        model.each_schema(&mut refer_to_definitions);
        Ok(model)
    }
}

/// Returns the ends that offer a method.
fn ends(method: &Value) -> Vec<End> {
    let named = method.get(IMPLEMENTED_BY).and_then(Value::as_array);
    let Some(named) = named else { return vec![End::Server] };
    [End::Server, End::Client]
        .into_iter()
        .filter(|end| named.iter().any(|it| it == end.as_str()))
        .collect()
}

/// Adds a method to the service that it belongs to by its first tag.
fn add(
    document: &Value,
    object: &Value,
    end: End,
    services: &mut Vec<ServiceModel>,
) -> Result<(), OpenRpcError> {
    let methods = method::read(document, object)?;
    let tag = object.pointer("/tags/0").map(|tag| method::resolved(document, tag));
    let name = tag.and_then(|tag| tag.get("name")?.as_str()).unwrap_or_default();
    let is_same = |service: &&mut ServiceModel| service.served_by == end && service.name == name;
    match services.iter_mut().find(is_same) {
        Some(service) => service.methods.extend(methods),
        None if methods.is_empty() => {}
        None => services.push(ServiceModel {
            name: name.to_owned(),
            namespace: None,
            separator: ".".to_owned(),
            version: None,
            docs: String::new(),
            served_by: end,
            digest: String::new(),
            methods,
        }),
    }
    Ok(())
}

/// Makes a document's references those of a model.
fn refer_to_definitions(schema: &mut Value) {
    rewrite(schema, &|reference| {
        Some(format!("{DEFINITIONS}{}", reference.strip_prefix(SCHEMAS)?))
    });
}

/// The reason why there is no model of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRpcError(pub(super) String);

impl fmt::Display for OpenRpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenRpcError {}
