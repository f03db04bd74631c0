//! Types in the signatures of other items, which programs seldom name: type parameters, errors of single functions,
//! figures for monitoring, and the types that a hand-written [`Service`](crate::Service) takes and returns.

pub use crate::error::close::ClosedBy;
pub use crate::error::codec::{DecodeError, EncodeError};
pub use crate::limits::LimitsError;
pub use crate::peer::from_answer::FromAnswer;
pub use crate::peer::group::JoinError;
pub use crate::peer::mute::MuteError;
pub use crate::protocol::stats::{Counters, PeerStats};
pub use crate::service::Params;
pub use crate::service::caller_type::{CallerType, RequiresCaller};
pub use crate::service::handler::Handler;
pub use crate::service::idempotency::IdentifyError;
pub use crate::service::progress::{NoProgress, Reports};
pub use crate::service::router::RawParams;
pub use crate::service::scoped::Scoped;
pub use crate::stream::{
    EndsWith, JsonPatch, LagKey, StreamEnd, StreamErrorType, TopicBuilder, Untyped,
};
pub use crate::wire::goaway::GoAway;
pub use crate::wire::trace::TraceContextError;
