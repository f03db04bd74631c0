//! Another namespace than that of the trait, given at run time: for a service that is served, or called, twice.
//!
//! Who gives none has the names of the trait, which are constants: a call takes such a name as it is.

use std::borrow::Cow;

use crate::method::{MethodInfo, MethodKind};
use crate::service::router_error::RouterError;
use crate::util::sync::Arc;
use crate::wire::request::{Arguments, Outgoing};
use crate::wire::reserved;

/// The beginning of the names of a trait.
#[derive(Debug)]
pub struct Prefix {
    /// Namespace and separator, as the trait has them; empty without a namespace.
    pub of_trait: &'static str,
    /// The separator between another namespace and a name.
    pub separator: &'static str,
}

/// Which names of a method begin with the prefix of its trait. All others are whole names, and stay as they are.
#[derive(Debug, Clone, Copy)]
pub struct Prefixed {
    /// Its own name, and not an alias.
    pub name: bool,
    /// That of its items.
    pub item: bool,
    /// That of what ends its subscriptions.
    pub unsubscribe: bool,
}

impl Prefix {
    /// Namespace and separator.
    fn with(&self, namespace: &str) -> String {
        [namespace, self.separator].concat()
    }

    /// The name of the trait behind another prefix.
    fn replaced(&self, prefix: &str, name: &str) -> String {
        [prefix, name.strip_prefix(self.of_trait).unwrap_or(name)].concat()
    }

    /// Puts the names of a method behind another prefix, and those of the methods that share its name.
    fn rename(&self, method: &mut MethodInfo, prefixed: Prefixed, prefix: &str) {
        let renamed = |name: &mut Cow<'static, str>, is_prefixed: bool| {
            if is_prefixed {
                *name = self.replaced(prefix, name).into();
            }
        };
        renamed(&mut method.name, prefixed.name);
        if let Some(own_name) = &mut method.alias_of {
            // No method's own name is written whole.
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

/// The methods of a service, if they are not as its trait has them.
#[derive(Clone, Default)]
pub struct Renamed(Option<Arc<Table>>);

struct Table {
    methods: Vec<MethodInfo>,
    is_empty: bool,
}

impl Renamed {
    /// As the trait has them.
    pub const fn not() -> Self {
        Self(None)
    }

    /// `methods` in another namespace; of each it is known which of its names begin with the prefix.
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

    /// The methods; `of_trait` are those of the trait.
    pub fn methods<'a>(&'a self, of_trait: &'a [MethodInfo]) -> &'a [MethodInfo] {
        self.0.as_deref().map_or(of_trait, |table| &table.methods)
    }

    /// Whether the namespace can be one. Whether its names are reserved is asked of each of them.
    ///
    /// # Errors
    /// It is empty.
    pub fn check(&self, service: &str) -> Result<(), RouterError> {
        match &self.0 {
            Some(table) if table.is_empty => Err(RouterError::new(format!(
                "`{service}` is served in an empty namespace: write `.namespace(\"…\")` with a text, or leave it out"
            ))),
            _ => Ok(()),
        }
    }
}

/// The namespace of a stub, if that is not the one of its trait.
#[derive(Debug, Clone, Default)]
pub struct Namespace(Option<Arc<str>>);

impl Namespace {
    /// That of the trait.
    pub const fn of_trait() -> Self {
        Self(None)
    }

    /// Another one.
    pub fn new(namespace: &str) -> Self {
        Self(Some(namespace.into()))
    }

    /// A name of the trait that begins with its prefix.
    #[inline]
    pub fn name(&self, prefix: &'static Prefix, name: &'static str) -> Name<'_> {
        Name { name, other: self.0.as_deref().map(|namespace| (namespace, prefix)) }
    }
}

/// The name of a method, for a stub that calls it.
#[derive(Clone, Copy)]
pub struct Name<'n> {
    /// As the trait has it.
    name: &'static str,
    /// The namespace that it is in instead.
    other: Option<(&'n str, &'static Prefix)>,
}

/// A whole name.
impl From<&'static str> for Name<'_> {
    #[inline]
    fn from(name: &'static str) -> Self {
        Self { name, other: None }
    }
}

impl Name<'_> {
    /// A message to this method.
    #[inline]
    pub(crate) fn message(self, args: &impl Arguments, limit: usize) -> Result<Outgoing, String> {
        match self.other {
            None => args.message(self.name, limit),
            Some((namespace, prefix)) => args.message(&other(namespace, prefix, self.name)?, limit),
        }
    }

    /// The name, for later.
    #[inline]
    pub(crate) fn into_cow(self) -> Cow<'static, str> {
        match self.other {
            None => self.name.into(),
            Some((namespace, prefix)) => prefix.replaced(&prefix.with(namespace), self.name).into(),
        }
    }
}

/// The name in another namespace.
///
/// # Errors
/// Why it cannot be called.
#[cold]
fn other(namespace: &str, prefix: &Prefix, name: &str) -> Result<String, String> {
    if namespace.is_empty() {
        let why = "the stub calls into an empty namespace: write `.namespace(\"…\")` with a text, or leave it out";
        return Err(why.to_owned());
    }
    let name = prefix.replaced(&prefix.with(namespace), name);
    reserved::refusal(&name).map_or(Ok(name), Err)
}
