//! What is counted.

/// What is counted, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Link,
    Refused,
    Stall,
    CutByEnd,
    CutByReset,
    CutSwallowing,
    CutFrozen,
    CutLate,
    Moved,
    Outage,
    Kick,
    Renewal,
    Restart,
    Crash,
    Resumed,
    TakenOver,
    Replayed,
    Fresh,
    Report,
    Push,
    Pushed,
    Stream,
    Item,
    Malformed,
}

impl Event {
    /// All of them, so that the table shows what has not happened, too.
    pub(crate) const ALL: [Self; 24] = [
        Self::Link,
        Self::Refused,
        Self::Stall,
        Self::CutByEnd,
        Self::CutByReset,
        Self::CutSwallowing,
        Self::CutFrozen,
        Self::CutLate,
        Self::Moved,
        Self::Outage,
        Self::Kick,
        Self::Renewal,
        Self::Restart,
        Self::Crash,
        Self::Resumed,
        Self::TakenOver,
        Self::Replayed,
        Self::Fresh,
        Self::Report,
        Self::Push,
        Self::Pushed,
        Self::Stream,
        Self::Item,
        Self::Malformed,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Link => "links made",
            Self::Refused => "links refused",
            Self::Stall => "stalls",
            Self::CutByEnd => "cut, seen as the end",
            Self::CutByReset => "cut, seen as a reset",
            Self::CutSwallowing => "cut, with bytes swallowed before",
            Self::CutFrozen => "cut, seen by silence alone",
            Self::CutLate => "cut, with bytes that came late",
            Self::Moved => "moved by the clients",
            Self::Outage => "outages longer than sessions are kept",
            Self::Kick => "kicks of all clients",
            Self::Renewal => "sessions renewed by all clients",
            Self::Restart => "restarts of the server",
            Self::Crash => "crashes of the server",
            Self::Resumed => "sessions resumed",
            Self::TakenOver => "of these, from a link that was there",
            Self::Replayed => "messages replayed by the server",
            Self::Fresh => "fresh sessions",
            Self::Report => "reports of progress",
            Self::Push => "pushes to the group",
            Self::Pushed => "pushes that clients heard",
            Self::Stream => "streams",
            Self::Item => "items of streams",
            Self::Malformed => "malformed messages",
        }
    }
}
