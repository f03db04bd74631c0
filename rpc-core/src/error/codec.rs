//! The reasons why a value cannot be sent, and why a received text cannot be read. They are sources of the errors of
//! calls, notifications and streams.

use std::{error, fmt};

use crate::util::escaped::Escaped;

/// The reason why the params of a call or a notification cannot be sent. It is the source of
/// [`CallError::Encode`](crate::CallError::Encode) and [`NotifyError::Encode`](crate::NotifyError::Encode).
///
/// The `Display` text is one line and safe in a log: control characters are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError(Box<str>);

/// The reason why an answer or an item cannot be read. It is the source of
/// [`CallError::Decode`](crate::CallError::Decode) and [`StreamError::Decode`](crate::StreamError::Decode).
///
/// The text may repeat a part of the received value; a long text is cut. The `Display` text is one line and safe in a
/// log: control characters are escaped.
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
            /// Returns the text without escapes. It may hold control characters.
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
