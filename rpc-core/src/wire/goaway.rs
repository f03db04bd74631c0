//! What an end says before a close that it plans (`$/goaway`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many bytes of a reason are read: as many as a close has room for (RFC 6455 section 5.5).
const LONGEST_REASON: usize = 123;

/// Later than this nobody comes back.
const LATEST: u64 = 24 * 60 * 60 * 1000;

/// The news that a connection will be closed soon, and when to connect again. Whoever gets it should
/// wait for a random time between the two, so that not all come back at once.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::types::GoAway;
///
/// let news = GoAway::new("update").reconnect_after(Duration::from_secs(1), Duration::from_secs(9));
/// assert_eq!(news.reason(), "update");
/// assert_eq!(news.window(), (Duration::from_secs(1), Duration::from_secs(9)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoAway {
    reason: String,
    window: (Duration, Duration),
}

impl GoAway {
    /// A close for this reason, a short text for people; the other end may come back at once, or up to
    /// five seconds later.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), window: (Duration::ZERO, Duration::from_secs(5)) }
    }

    /// Asks the other end to come back no sooner than `min` from the close, and no later than `max`, in
    /// whole milliseconds, at most a day. A `max` below `min` counts as `min`.
    #[must_use]
    pub fn reconnect_after(mut self, min: Duration, max: Duration) -> Self {
        let latest = Duration::from_millis(LATEST);
        let min = min.min(latest);
        self.window = (min, max.clamp(min, latest));
        self
    }

    /// Why the connection will be closed.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The shortest and the longest time to wait before connecting again.
    pub fn window(&self) -> (Duration, Duration) {
        self.window
    }

    /// Reads the params of `$/goaway`; `None` if they are none.
    pub(crate) fn read(params: Option<&str>) -> Option<Self> {
        let News { mut reason, window } = serde_json::from_str(params?).ok()?;
        // It is kept for as long as the connection lives.
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        reason.shrink_to_fit();
        let [min, max] = window.map(|window| window.map(Duration::from_millis)).unwrap_or_default();
        Some(Self::new(reason).reconnect_after(min, max))
    }

    /// Writes the params of `$/goaway`.
    pub(crate) fn params(&self) -> String {
        let window = [self.window.0, self.window.1];
        let window = window.map(|time| u64::try_from(time.as_millis()).unwrap_or(LATEST));
        let news = News { reason: self.reason.clone(), window: Some(window) };
        serde_json::to_string(&news).expect("text and numbers are always JSON")
    }
}

#[derive(Serialize, Deserialize)]
struct News {
    #[serde(default)]
    reason: String,
    #[serde(rename = "reconnectAfterMs")]
    window: Option<[u64; 2]>,
}

#[test]
fn what_was_written_is_read() {
    let news = GoAway::new("update").reconnect_after(Duration::from_millis(250), Duration::MAX);
    let text = news.params();
    assert_eq!(text, r#"{"reason":"update","reconnectAfterMs":[250,86400000]}"#);
    assert_eq!(GoAway::read(Some(&text)), Some(news));
    let read = |params| GoAway::read(Some(params)).map(|news| news.window);
    assert_eq!(read("{}"), Some((Duration::ZERO, Duration::ZERO)));
    let long = format!(r#"{{"reason":"{}"}}"#, "é".repeat(1000));
    assert_eq!(GoAway::read(Some(&long)).unwrap().reason, "é".repeat(61));
    let turned = r#"{"reconnectAfterMs":[9,1],"more":0}"#;
    assert_eq!(read(turned), Some((Duration::from_millis(9), Duration::from_millis(9))));
    for wrong in [
        "",
        "7",
        r#"{"reason":7}"#,
        r#"{"reconnectAfterMs":[1]}"#,
        r#"{"reconnectAfterMs":[-1,0]}"#,
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
