//! A namespace that replaces the namespace of the trait at run time, for a service that is served or called twice.
//!
//! Without a replacement the names are the constants of the trait, and a call uses such a constant as it is.

use std::borrow::Cow;

use crate::method::{MethodInfo, MethodKind};
use crate::service::router_error::RouterError;
use crate::util::sync::Arc;
use crate::wire::request::{Arguments, Outgoing};
use crate::wire::reserved;

/// The beginning of the names of a trait.
#[derive(Debug)]
pub struct Prefix {
    /// Namespace and separator of the trait; empty without a namespace.
    pub of_trait: &'static str,
    /// The separator between a replacing namespace and a name.
    pub separator: &'static str,
}

/// Which names of a method begin with the prefix of its trait. Other names are complete as they are, and are not
/// changed.
#[derive(Debug, Clone, Copy)]
pub struct Prefixed {
    /// Whether the name of the method begins with the prefix. An alias does not.
    pub name: bool,
    /// Whether the name of the item notifications begins with the prefix.
    pub item: bool,
    /// Whether the name of the unsubscribe method begins with the prefix.
    pub unsubscribe: bool,
}

impl Prefix {
    /// Returns the namespace with the separator.
    fn with(&self, namespace: &str) -> String {
        [namespace, self.separator].concat()
    }

    /// Returns a name of the trait with `prefix` instead of the prefix of the trait.
    fn replaced(&self, prefix: &str, name: &str) -> String {
        [prefix, name.strip_prefix(self.of_trait).unwrap_or(name)].concat()
    }

    /// Puts the names of a method behind another prefix, including the names of its selected variants.
    fn rename(&self, method: &mut MethodInfo, prefixed: Prefixed, prefix: &str) {
        let renamed = |name: &mut Cow<'static, str>, is_prefixed: bool| {
            if is_prefixed {
                *name = self.replaced(prefix, name).into();
            }
        };
        renamed(&mut method.name, prefixed.name);
        if let Some(own_name) = &mut method.alias_of {
            // The own name of a method always begins with the prefix.
            renamed(own_name, true);
        }
        if let MethodKind::Subscription { item, unsubscribe, .. } = &mut method.kind {
            renamed(item, prefixed.item);
            renamed(unsubscribe, prefixed.unsubscribe);
        }
        if !method.selected.is_empty() {
            for (_, selected) in method.selected.to_mut() {
                self.rename(selected, prefixed, prefix);
            }
        }
    }
}

/// The methods of a service, if they differ from the methods of its trait.
#[derive(Clone, Default)]
pub struct Renamed(Option<Arc<Table>>);

struct Table {
    methods: Vec<MethodInfo>,
    is_empty: bool,
}

impl Renamed {
    /// Keeps the names of the trait.
    pub const fn not() -> Self {
        Self(None)
    }

    /// Puts `methods` into another namespace. `prefixed` tells which names of each method begin with the prefix.
    pub fn to(
        namespace: &str,
        prefix: &Prefix,
        methods: &[MethodInfo],
        prefixed: &[Prefixed],
    ) -> Self {
        let new = prefix.with(namespace);
        let mut methods = methods.to_vec();
        for (method, prefixed) in methods.iter_mut().zip(prefixed) {
            prefix.rename(method, *prefixed, &new);
        }
        Self(Some(Arc::new(Table { methods, is_empty: namespace.is_empty() })))
    }

    /// Returns the methods. `of_trait` are the methods of the trait.
    pub fn methods<'a>(&'a self, of_trait: &'a [MethodInfo]) -> &'a [MethodInfo] {
        self.0.as_deref().map_or(of_trait, |table| &table.methods)
    }

    /// Checks whether the namespace is valid. Whether a name is reserved is checked for each name elsewhere.
    ///
    /// # Errors
    /// Returns an error if the namespace is empty.
    pub fn check(&self, service: &str) -> Result<(), RouterError> {
        match &self.0 {
            Some(table) if table.is_empty => Err(RouterError::new(format!(
                "`{service}` is served in an empty namespace: write `.namespace(\"…\")` with a text, or leave it out"
            ))),
            _ => Ok(()),
        }
    }
}

/// The namespace of a stub, if it differs from the namespace of its trait.
#[derive(Debug, Clone, Default)]
pub struct Namespace(Option<Arc<str>>);

impl Namespace {
    /// Keeps the namespace of the trait.
    pub const fn of_trait() -> Self {
        Self(None)
    }

    /// Uses another namespace.
    pub fn new(namespace: &str) -> Self {
        Self(Some(namespace.into()))
    }

    /// Returns a name of the trait that begins with the prefix of the trait.
    #[inline]
    pub fn name(&self, prefix: &'static Prefix, name: &'static str) -> Name<'_> {
        Name { name, other: self.0.as_deref().map(|namespace| (namespace, prefix)) }
    }
}

/// The name of a method, for a stub that calls the method.
#[derive(Clone, Copy)]
pub struct Name<'n> {
    /// The name in the trait.
    name: &'static str,
    /// The namespace that replaces the namespace of the trait.
    other: Option<(&'n str, &'static Prefix)>,
}

/// A complete name, which stays as it is.
impl From<&'static str> for Name<'_> {
    #[inline]
    fn from(name: &'static str) -> Self {
        Self { name, other: None }
    }
}

impl Name<'_> {
    /// Writes a message to this method.
    #[inline]
    pub(crate) fn message(self, args: &impl Arguments, limit: usize) -> Result<Outgoing, String> {
        match self.other {
            None => args.message(self.name, limit),
            Some((namespace, prefix)) => args.message(&other(namespace, prefix, self.name)?, limit),
        }
    }

    /// Returns the name as an owned value.
    #[inline]
    pub(crate) fn into_cow(self) -> Cow<'static, str> {
        match self.other {
            None => self.name.into(),
            Some((namespace, prefix)) => prefix.replaced(&prefix.with(namespace), self.name).into(),
        }
    }
}

/// Returns the name in another namespace.
///
/// # Errors
/// Returns the reason why the name cannot be called.
#[cold]
fn other(namespace: &str, prefix: &Prefix, name: &str) -> Result<String, String> {
    if namespace.is_empty() {
        let why = "the stub calls into an empty namespace: write `.namespace(\"…\")` with a text, or leave it out";
        return Err(why.to_owned());
    }
    let name = prefix.replaced(&prefix.with(namespace), name);
    reserved::refusal(&name).map_or(Ok(name), Err)
}
