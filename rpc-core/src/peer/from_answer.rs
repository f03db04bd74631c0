//! The types that a call can return.

mod present;

use serde::de::{DeserializeOwned, IntoDeserializer};
use smol_str::SmolStr;

use crate::error::decode_error::explain;
use crate::stream::{Remote, Streaming};
use crate::wire::attached::Attached;
use crate::wire::value;

/// A type that a call can return: any type that can be deserialized from JSON, or a [`Streaming`] if the call is a
/// subscription.
pub trait FromAnswer: Sized {
    /// Decodes a successful answer.
    ///
    /// # Errors
    /// The reason why the answer is not a `Self`.
    #[doc(hidden)]
    fn read(answer: Answer) -> Result<Self, String>;

    /// Decodes the answer of a method that may be missing, for a `Self` that is an `Option`. `None` if the other end has
    /// no such method.
    ///
    /// # Errors
    /// The reason why the answer is not a `Self`.
    #[doc(hidden)]
    fn read_optional(answer: Option<Answer>) -> Result<Self, String>;
}

/// A successful answer before it is decoded: the JSON text of a result, or a stream.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::layers::Answer;
/// use rpc_core::{Context, Router, memory};
///
/// let adder = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// let (peer, _) = memory::pair(Router::new(), adder);
/// let raw: Answer = peer.call("add", (1, 2)).await?;
/// assert_eq!(raw.json(), Some("3"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Answer(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Json(SmolStr),
    /// With bytes beside the text.
    Attached(Box<Attached>),
    Stream(Remote),
}

impl<T: DeserializeOwned> FromAnswer for T {
    fn read(answer: Answer) -> Result<Self, String> {
        match answer.0 {
            Kind::Json(json) => value::decode(&json).map_err(|error| explain(&error)),
            Kind::Attached(result) => result.decode().map_err(|error| explain(&error)),
            Kind::Stream(_) => Err("a subscription, where a result was expected".into()),
        }
    }

    fn read_optional(answer: Option<Answer>) -> Result<Self, String> {
        match answer {
            Some(Answer(Kind::Json(json))) => present::read(&json).map_err(|error| explain(&error)),
            Some(stream) => Self::read(stream),
            None => {
                let read: Result<_, serde_json::Error> = T::deserialize(().into_deserializer());
                read.map_err(|error| explain(&error))
            }
        }
    }
}

impl<T, E> FromAnswer for Streaming<T, E> {
    fn read(answer: Answer) -> Result<Self, String> {
        match answer.0 {
            Kind::Stream(remote) => Ok(remote.into()),
            Kind::Json(_) | Kind::Attached(_) => {
                Err("a result, where a subscription was expected".into())
            }
        }
    }

    fn read_optional(answer: Option<Answer>) -> Result<Self, String> {
        answer.map_or_else(|| Err("there is no such method".into()), Self::read)
    }
}
