//! What is done to a link.

use std::time::Duration;

use crate::books::Event;
use crate::random::Random;

/// What is done to a link.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) cut: Option<Cut>,
    /// Each chunk waits so long.
    pub(crate) delay: Duration,
    /// Chunks are split into pieces of at most so many bytes.
    pub(crate) piece: Option<u64>,
    /// Chunks are gathered for so long.
    pub(crate) gather: Duration,
    /// Nothing passes now and then, once in so many chunks.
    pub(crate) stall: Option<u64>,
}

/// When and how a link is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// After so many bytes in one direction, wherever that is in a message.
    pub(crate) bytes: u64,
    /// At the latest after this time.
    pub(crate) after: Duration,
    pub(crate) kind: Kind,
}

/// How a link is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both ends see the end of the stream.
    End,
    /// Both ends see a reset.
    Reset,
    /// What is sent for a while is taken and lost, then both ends see a reset.
    Swallow,
    /// Nothing passes any more, until the ends notice.
    Freeze,
    /// The client's side is cut; what the client had sent reaches the server later, behind the client's next link.
    Late,
}

impl Kind {
    /// How the books count the cut.
    pub(crate) fn event(self) -> Event {
        match self {
            Self::End => Event::CutByEnd,
            Self::Reset => Event::CutByReset,
            Self::Swallow => Event::CutSwallowing,
            Self::Freeze => Event::CutFrozen,
            Self::Late => Event::CutLate,
        }
    }
}

impl Plan {
    pub(crate) fn calm() -> Self {
        let none = Duration::ZERO;
        Self { cut: None, delay: none, piece: None, gather: none, stall: None }
    }

    pub(crate) fn random(random: &mut Random) -> Self {
        // Short links are cut in the handshake or at the resume.
        let (bytes, after) = match random.below(8) {
            0 => (random.below(700), 200),
            1..4 => (random.below(20_000), 400),
            _ => (random.between(8_000, 600_000), 1_500),
        };
        let kind = match random.below(16) {
            0..5 => Kind::Reset,
            5..8 => Kind::End,
            8..11 => Kind::Swallow,
            11 => Kind::Freeze,
            _ => Kind::Late,
        };
        let after = Duration::from_millis(random.between(after / 2, after));
        Self {
            cut: Some(Cut { bytes, after, kind }),
            delay: if random.once_in(3) { random.millis(40) } else { Duration::ZERO },
            piece: random.once_in(3).then(|| random.between(2, 2_000)),
            gather: if random.once_in(4) { random.millis(30) } else { Duration::ZERO },
            stall: random.once_in(3).then(|| random.between(5, 100)),
        }
    }
}
