//! Why a value cannot be sent, and why a text that came cannot be read: what lies below the errors of calls,
//! notifications and streams.

use std::{error, fmt};

use crate::util::escaped::Escaped;

/// Why the params of a call or a notification cannot be sent: the source of [`CallError::Encode`](crate::CallError::Encode)
/// and [`NotifyError::Encode`](crate::NotifyError::Encode).
///
/// The `Display` text is one line and harmless in a log: control characters are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError(Box<str>);

/// Why an answer or an item cannot be read: the source of [`CallError::Decode`](crate::CallError::Decode) and
/// [`StreamError::Decode`](crate::StreamError::Decode).
///
/// The text may repeat a part of what the other end has sent, cut if that is long. The `Display` text is one line and
/// harmless in a log: control characters are escaped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::error::Error;
/// use rpc_core::{Context, Router, memory};
///
/// let services = Router::new().method("name", |_: Context, (): ()| async { Ok("Ada") });
/// let (peer, _) = memory::pair(Router::new(), services);
/// let error = peer.call::<u32>("name", ()).await.unwrap_err();
/// assert_eq!(error.to_string(), "cannot read the answer");
/// let why = error.source().unwrap();
/// assert_eq!(why.to_string(), "invalid type: string \"Ada\", expected u32");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(Box<str>);

macro_rules! message {
    ($error:ident) => {
        impl $error {
            /// Returns the text as it is, with control characters if there are any.
            pub fn message(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $error {
            fn from(why: String) -> Self {
                Self(why.into())
            }
        }

        impl From<&str> for $error {
            fn from(why: &str) -> Self {
                Self(why.into())
            }
        }

        impl From<Box<str>> for $error {
            fn from(why: Box<str>) -> Self {
                Self(why)
            }
        }

        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Escaped(&self.0).fmt(f)
            }
        }

        impl error::Error for $error {}
    };
}

message!(EncodeError);
message!(DecodeError);
