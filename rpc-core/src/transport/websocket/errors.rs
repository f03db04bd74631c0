//! What tungstenite's errors mean to a connection.

use std::io;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use super::incoming::ABOVE_MESSAGE_IN;
use crate::error::close::CloseCode;
use crate::transport::LinkError;

/// Whether the stream would have had to block; nothing is lost then.
pub(super) fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Why the link cannot be used.
///
/// No text of tungstenite's passes: some quote the message.
pub(super) fn link_error(error: Error) -> LinkError {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            let ended = "the other end left without a close";
            LinkError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, ended))
        }
        Error::Protocol(ProtocolError::SendAfterClosing) => not_connected(),
        Error::ConnectionClosed | Error::AlreadyClosed => not_connected(),
        Error::Protocol(error) => LinkError::violation(CloseCode::PROTOCOL, reason(&error)),
        Error::Capacity(_) => LinkError::violation(CloseCode::TOO_BIG, ABOVE_MESSAGE_IN),
        Error::Utf8(_) => LinkError::violation(CloseCode::INVALID_TEXT, "text that is not UTF-8"),
        Error::Io(error) => LinkError::Io(error),
        _ => LinkError::Io(io::ErrorKind::Other.into()),
    }
}

fn not_connected() -> LinkError {
    LinkError::Io(io::ErrorKind::NotConnected.into())
}

fn reason(error: &ProtocolError) -> &'static str {
    use ProtocolError as E;
    match error {
        E::NonZeroReservedBits => "reserved bits are set",
        E::UnmaskedFrameFromClient => "a client's frame without mask",
        E::MaskedFrameFromServer => "a server's frame with mask",
        E::FragmentedControlFrame => "a control frame in fragments",
        E::ControlFrameTooBig => "a control frame of more than 125 bytes",
        E::UnexpectedContinueFrame => "a continuation of no message",
        E::ExpectedFragment(_) => "a new message before the last was whole",
        E::InvalidCloseSequence => "a close frame with half a code",
        E::InvalidOpcode(_) | E::UnknownControlFrameType(_) | E::UnknownDataFrameType(_) => {
            "an opcode without meaning"
        }
        _ => "broken WebSocket protocol",
    }
}
