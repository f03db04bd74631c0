//! The description of a service, available without a call and without an implementation.

use super::MethodInfo;

/// A stub that `#[service]` has made of a trait: `ChatClient` for a trait `Chat`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no stub",
    label = "not a stub",
    note = "name the client that `#[service]` has made of a trait `Chat`: `ChatClient`"
)]
pub trait Stub {
    /// The description of the service that the stub calls.
    const INFO: &'static ServiceInfo;
}

/// The description of a service, made from its trait: `ChatClient::INFO` and `ChatServer::INFO` for a trait `Chat`.
///
/// ```
/// use rpc_core::service;
///
/// /// Rooms to talk in.
/// #[service(namespace = "chat")]
/// trait Chat {
///     /// Joins a room.
///     async fn join(&self, room: &str) -> u32;
/// }
///
/// let info = ChatClient::INFO;
/// assert_eq!((info.name, info.namespace, info.docs), ("Chat", Some("chat"), "Rooms to talk in."));
/// for method in info.methods {
///     println!("{}: {}", method.name, method.docs); // chat.join: Joins a room.
/// }
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// The name of the trait.
    pub name: &'static str,
    /// The namespace before the names of the methods. `None` if the names are bare.
    pub namespace: Option<&'static str>,
    /// The text between a namespace and the name of a method.
    pub separator: &'static str,
    /// The version of the service, as the trait says it. `None` if the trait does not.
    pub version: Option<&'static str>,
    /// The documentation of the trait, as Markdown. Empty without documentation.
    pub docs: &'static str,
    /// The methods by their own names, in the order of the trait, then the methods by their aliases. A method with a
    /// `cfg` is in the list only if its `cfg` holds.
    pub methods: &'static [MethodInfo],
}

impl ServiceInfo {
    /// Creates a service without namespace, documentation and methods. The `with_` functions add them.
    pub const fn new(name: &'static str) -> Self {
        Self { name, namespace: None, separator: ".", version: None, docs: "", methods: &[] }
    }

    /// Sets the namespace.
    #[must_use]
    pub const fn with_namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Sets the text between the namespace and the name of a method.
    #[must_use]
    pub const fn with_separator(mut self, separator: &'static str) -> Self {
        self.separator = separator;
        self
    }

    /// Sets the version.
    #[must_use]
    pub const fn with_version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets the documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Sets the methods.
    #[must_use]
    pub const fn with_methods(mut self, methods: &'static [MethodInfo]) -> Self {
        self.methods = methods;
        self
    }
}
