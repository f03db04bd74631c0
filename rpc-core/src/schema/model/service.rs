//! A service of a model.

use serde::{Deserialize, Serialize};

use super::{End, MethodModel};

/// A service that one end offers to the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceModel {
    /// The name of the trait, or the name that was given to what has no trait.
    pub name: String,
    /// The namespace before the names of the methods. `None` if the names are bare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The text between the namespace and the name of a method.
    pub separator: String,
    /// The version of the service. `None` if the trait does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The documentation, as Markdown. Empty without documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// The end that offers the service.
    pub served_by: End,
    /// A short text that is the same for the same names and types, at either end, and another one otherwise. Neither
    /// documentation nor unstable methods are part of it.
    pub digest: String,
    /// The methods, in the order of the trait. Several entries have the same name if the first param selects one of
    /// them: see [`SubscriptionModel::selector`](super::SubscriptionModel::selector).
    pub methods: Vec<MethodModel>,
}

impl ServiceModel {
    /// Returns the name by which `$/hello` tells of the service.
    pub(in crate::schema) fn offered_name(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.name)
    }

    /// Returns all names of the methods.
    pub(in crate::schema) fn method_names(&self) -> impl Iterator<Item = &str> {
        let methods = self.methods.iter();
        methods
            .flat_map(|method| [&method.name].into_iter().chain(&method.aliases))
            .map(String::as_str)
    }
}
