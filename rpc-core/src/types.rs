//! Types that the signatures of other items name, and that a program seldom writes: parameters of types, errors of
//! single functions, numbers for monitoring, and what a [`Service`](crate::Service) written by hand takes and returns.

pub use crate::error::close::ClosedBy;
pub use crate::error::codec::{DecodeError, EncodeError};
pub use crate::limits::LimitsError;
pub use crate::peer::from_answer::FromAnswer;
pub use crate::peer::group::JoinError;
pub use crate::protocol::stats::{Counters, PeerStats};
pub use crate::service::Params;
pub use crate::service::caller_type::{CallerType, RequiresCaller};
pub use crate::service::handler::Handler;
pub use crate::service::idempotency::IdentifyError;
pub use crate::service::progress::{NoProgress, Reports};
pub use crate::service::router::RawParams;
pub use crate::service::scoped::Scoped;
pub use crate::stream::{EndsWith, LagKey, StreamEnd, StreamErrorType, Untyped};
pub use crate::wire::goaway::GoAway;
pub use crate::wire::trace::TraceContextError;
