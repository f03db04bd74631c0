//! What breaks if one end has an older model than the other.

mod compare;
mod fits;

use std::fmt;

use super::model::{CallModel, End, MethodModel, Model};
use compare::Compare;

/// What happens if both ends have different models. [`Model::diff`] makes it of an older and a newer model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// First what an old client meets at a new server, then what a new client meets at an old server. Each in the order
    /// of the models.
    pub changes: Vec<Change>,
}

/// A difference between two models, for one pair of ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Whether calls fail that the caller's model allows, or answers come that the model does not allow.
    pub breaks: bool,
    /// The ends that meet.
    pub pair: Pair,
    /// The end that calls the method.
    pub caller: End,
    /// The name of the method on the wire.
    pub method: String,
    /// What differs, and why it matters.
    pub text: String,
}

/// Two ends of which one has the older model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pair {
    /// The client has the older model: the server was updated first.
    OldClient,
    /// The server has the older model: the client was updated first.
    OldServer,
    /// The ends are connected, and none of them is known to be older.
    Connected,
}

impl Model {
    /// Compares an older model, `self`, with a newer one.
    ///
    /// Each end may call the other, and either may be updated first. So both pairs are compared, and in each pair the
    /// calls of both ends: does the other end have the method, does it read what the caller sends, and does the caller
    /// read the answer? A change that is safe one way can break the other way: a result may lose a member if clients are
    /// updated first, and a request may gain a required param only if clients are updated first.
    ///
    /// Schemas are compared by what they allow. Where the two cannot be compared, such as two different patterns, the
    /// change counts as breaking.
    ///
    /// ```
    /// use rpc_core::schema::Model;
    /// use rpc_core::service;
    ///
    /// #[service(schema)]
    /// trait Chat {
    ///     async fn join(&self, room: &str) -> u32;
    /// }
    /// mod next {
    ///     #[rpc_core::service(schema)]
    ///     pub(crate) trait Chat {
    ///         async fn join(&self, room: &str, name: &str) -> u32;
    ///     }
    /// }
    ///
    /// let old = Model::server().serves(ChatServer::INFO).build()?;
    /// let new = Model::server().serves(next::ChatServer::INFO).build()?;
    /// let diff = old.diff(&new);
    /// assert!(diff.breaks());
    /// assert!(diff.to_string().starts_with(
    ///     "BREAKS  an old client at a new server: the client's call of `join`: the param `name` is required, and is \
    ///      not sent\n"
    /// ));
    /// # Ok::<(), rpc_core::schema::ModelError>(())
    /// ```
    pub fn diff(&self, new: &Self) -> Diff {
        let mut changes = met(self, new, Pair::OldClient);
        changes.extend(met(new, self, Pair::OldServer));
        Diff { changes }
    }

    /// Compares the calls of this end with what the other end of a connection offers.
    pub(super) fn meets(&self, other: &Self) -> Diff {
        Diff { changes: called(self.end, self, other, Pair::Connected) }
    }
}

/// Returns how the calls of both ends meet the other end.
fn met(client: &Model, server: &Model, pair: Pair) -> Vec<Change> {
    let mut changes = called(End::Client, client, server, pair);
    changes.extend(called(End::Server, server, client, pair));
    changes
}

/// Returns how the calls of one end meet the other end.
fn called(end: End, caller: &Model, callee: &Model, pair: Pair) -> Vec<Change> {
    let mut changes = Vec::new();
    for method in methods(caller, end.other()) {
        let compared = Compare { caller, callee }.method(method);
        changes.extend(compared.into_iter().map(|found| Change {
            breaks: found.breaks,
            pair,
            caller: end,
            method: method.name.clone(),
            text: found.text,
        }));
    }
    changes
}

impl Diff {
    /// Returns whether any change breaks callers.
    pub fn breaks(&self) -> bool {
        self.changes.iter().any(|change| change.breaks)
    }
}

/// Writes a line for each change.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { breaks, pair, caller, method, text } = self;
        let word = if *breaks { "BREAKS" } else { "differs" };
        write!(f, "{word:7} {pair}: the {caller}'s call of `{method}`: {text}")
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OldClient => "an old client at a new server",
            Self::OldServer => "a new client at an old server",
            Self::Connected => "as the two ends are",
        })
    }
}

/// Returns the methods that an end offers.
fn methods(model: &Model, end: End) -> impl Iterator<Item = &MethodModel> {
    model.served_by(end).flat_map(|service| &service.methods)
}

/// Returns the param that selects a method among several with the same name.
fn selector(method: &MethodModel) -> Option<&str> {
    match &method.call {
        CallModel::Subscription(subscription) => subscription.selector.as_deref(),
        CallModel::Request { .. } | CallModel::Notification => None,
    }
}
