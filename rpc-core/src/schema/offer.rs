//! What the other end offers, beside what this end's model says.

use serde::Deserialize;
use serde_json::Value;

use super::diff::Diff;
use super::model::Model;
use crate::peer::Peer;

/// The method that answers a model.
pub(super) const METHOD: &str = "rpc.model";

/// What the other end of a connection offers, beside the model of this end. [`Model::offered_by`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offer {
    /// The other end does not say what it offers, or does not say it to this end.
    Unknown,
    /// The other end serves all that this end calls: the same names, and the same types.
    Same,
    /// Both ends differ, and each call of either end works.
    Compatible(Diff),
    /// Both ends differ, and calls may fail: see [`Diff::breaks`].
    Differs(Diff),
}

impl Model {
    /// Asks the other end what it offers, and compares that with this model. The other end answers if it serves a
    /// [`Discovery::with_model`](super::Discovery::with_model); otherwise the offer is unknown. Nothing is sent unless a
    /// program asks, and nothing is refused because of the answer, unless the program does so.
    ///
    /// If both ends have the same services, the answer is short: this end sends the
    /// [digests](super::ServiceModel::digest) of the services that it calls.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::schema::{Discovery, Model, Offer};
    /// use rpc_core::{Router, memory, service};
    ///
    /// #[service(schema)]
    /// trait Math {
    ///     fn add(&self, a: i64, b: i64) -> i64;
    /// }
    /// mod later {
    ///     #[rpc_core::service(schema)]
    ///     pub(crate) trait Math {
    ///         fn add(&self, a: i64, b: i64) -> i64;
    ///         fn divide(&self, a: i64, b: i64) -> i64;
    ///     }
    /// }
    ///
    /// let served = Model::server().serves(MathServer::INFO).build()?;
    /// let discovery = Router::new().service(Discovery::new(&()).with_model(&served));
    /// let (server, _) = memory::pair(Router::new(), discovery);
    ///
    /// let same = Model::client().calls(MathClient::INFO).build()?;
    /// assert_eq!(same.offered_by(&server).await, Offer::Same);
    ///
    /// let newer = Model::client().calls(later::MathClient::INFO).build()?;
    /// let Offer::Differs(diff) = newer.offered_by(&server).await else { panic!() };
    /// assert_eq!(diff.changes[0].method, "divide");
    /// # Ok(()) }
    /// ```
    pub async fn offered_by(&self, peer: &Peer) -> Offer {
        let called = self.served_by(self.end.other()).map(|service| service.digest.as_str());
        let called: Vec<_> = called.collect();
        match peer.call::<Answer>(METHOD, (called,)).await {
            Ok(Answer::Same(true)) => Offer::Same,
            Ok(Answer::Model(theirs)) if theirs.end != self.end => {
                let diff = self.meets(&theirs);
                if diff.breaks() { Offer::Differs(diff) } else { Offer::Compatible(diff) }
            }
            _ => Offer::Unknown,
        }
    }
}

/// What the method answers: `true` if each digest is one of this end's services, or else the model.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Same(bool),
    Model(Box<Model>),
    #[expect(dead_code, reason = "an end with a method of this name of its own")]
    Other(Value),
}
