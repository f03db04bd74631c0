//! What the other end offers, beside what this end calls.

use serde::Deserialize;
use serde_json::Value;

use super::diff::Diff;
use super::model::{End, Model, ModelBuilder, ServiceModel};
use crate::method::Stub;
use crate::peer::Peer;
use crate::peer::offers::{Difference, Differing, is_offered, offered_as};
use crate::service::offers::{CalledService, MODEL, Offers};
use crate::wire::offers::{self, ServiceOffer};

/// What the other end of a connection offers, beside what this end calls. [`Peer::offers`] asks for one service, and
/// [`Model::offered_by`] for all services of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offer {
    /// The other end does not say what it offers, or does not say it to this end.
    Unknown,
    /// The other end serves all that this end calls: the same names, and the same types.
    Same,
    /// Both ends differ, and each call of this end works.
    Compatible(Diff),
    /// Both ends differ, and calls of this end may fail: see [`Diff::breaks`].
    Differs(Diff),
}

impl Peer {
    /// Tells whether the other end offers a service as this end calls it: `peer.offers::<ChatClient>()`.
    ///
    /// If the other end has told in its `$/hello` that it offers the same ([`Discovery::in_hello`]), nothing is sent.
    /// Otherwise the other end is asked: it answers if it serves a [`Discovery::with_model`]. What differs is then known
    /// on this connection: the log has one line about it, and the answers -32601 and -32602 carry it
    /// ([`ErrorObject::mismatch`]). Nothing is refused because of the answer, unless the program does so.
    ///
    /// A service in another namespace than that of its trait, and a trait with types of the same name, are unknown.
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
    ///
    /// let served = Model::server().serves(MathServer::INFO).build()?;
    /// let server = Router::new().service(Discovery::new(&()).with_model(&served).in_hello());
    /// let (peer, _) = memory::pair(Router::new(), server);
    ///
    /// match peer.offers::<MathClient>().await {
    ///     Offer::Same | Offer::Compatible(_) => {}
    ///     Offer::Differs(diff) => println!("some calls will fail:\n{diff}"),
    ///     _ => println!("nothing is known"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// [`Discovery::in_hello`]: super::Discovery::in_hello
    /// [`Discovery::with_model`]: super::Discovery::with_model
    /// [`ErrorObject::mismatch`]: crate::ErrorObject::mismatch
    pub async fn offers<S: Stub>(&self) -> Offer {
        let of_end = |end| ModelBuilder::new(end).calls(S::INFO).build();
        let Ok(model) = of_end(End::Client) else { return Offer::Unknown };
        match ask(self, &model).await {
            Answered::Same => Offer::Same,
            Answered::Nothing => Offer::Unknown,
            // The model tells which end this one is.
            Answered::Model(theirs) if theirs.end == End::Client => match of_end(End::Server) {
                Ok(model) => compare(self, &model, &theirs),
                Err(_) => Offer::Unknown,
            },
            Answered::Model(theirs) => compare(self, &model, &theirs),
        }
    }
}

impl Model {
    /// Asks the other end what it offers, and compares that with what this end calls: as [`Peer::offers`] does, for all
    /// services of this model at once. The other end answers if it serves a
    /// [`Discovery::with_model`](super::Discovery::with_model); otherwise the offer is unknown.
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
        match ask(peer, self).await {
            Answered::Same => Offer::Same,
            Answered::Model(theirs) if theirs.end != self.end => compare(peer, self, &theirs),
            Answered::Model(_) | Answered::Nothing => Offer::Unknown,
        }
    }
}

/// What is known of the other end.
enum Answered {
    Same,
    Model(Box<Model>),
    Nothing,
}

/// Finds out whether the other end offers what a model calls.
async fn ask(peer: &Peer, own: &Model) -> Answered {
    let called: Vec<_> = called(own).collect();
    let heard = peer.shared.heard_offers();
    if heard.is_some_and(|heard| called.iter().all(|called| is_offered(called, &heard))) {
        return Answered::Same;
    }
    let digests: Vec<_> = called.iter().map(|called| &*called.hash).collect();
    match peer.call::<Answer>(MODEL, (digests,)).await {
        Ok(Answer::Same(true)) => Answered::Same,
        Ok(Answer::Model(theirs)) => Answered::Model(theirs),
        _ => Answered::Nothing,
    }
}

/// Compares what this end calls with the model of the other end, and notes what differs on the connection.
fn compare(peer: &Peer, own: &Model, theirs: &Model) -> Offer {
    let diff = own.meets(theirs);
    let offered: Vec<_> = theirs.served_by(theirs.end).map(offer_of).collect();
    let differing = called(own).filter(|called| !is_offered(called, &offered));
    let differing = differing.map(|called| Differing {
        offered: offered_as(&offered, &called.name),
        differences: diff
            .changes
            .iter()
            .filter(|change| called.methods.contains(&change.method))
            .map(|change| Difference { method: change.method.clone(), text: change.text.clone() })
            .collect(),
        called,
    });
    peer.shared.note_differing(differing.collect());
    if diff.breaks() { Offer::Differs(diff) } else { Offer::Compatible(diff) }
}

/// Returns what the end of a model tells in `$/hello`. `None` if that is too long.
pub(super) fn of(model: &Model) -> Option<Offers> {
    let offered: Vec<_> = model.served_by(model.end).map(offer_of).collect();
    Some(Offers { text: offers::write(&offered)?.into(), called: called(model).collect() })
}

fn offer_of(service: &ServiceModel) -> ServiceOffer {
    ServiceOffer {
        name: service.offered_name().to_owned(),
        version: service.version.clone(),
        hash: service.digest.clone(),
    }
}

/// Returns the services that the end of a model calls.
fn called(model: &Model) -> impl Iterator<Item = CalledService> {
    model.served_by(model.end.other()).map(move |service| CalledService {
        name: service.offered_name().to_owned(),
        version: service.version.clone(),
        hash: service.digest.clone(),
        methods: service.method_names().map(str::to_owned).collect(),
    })
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
