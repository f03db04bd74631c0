//! The notification before a planned close (`$/goaway`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many bytes of a reason are read: a close frame has room for as many (RFC 6455, section 5.5).
const LONGEST_REASON: usize = 123;

/// The longest time until a reconnect, in milliseconds: one day.
const LATEST: u64 = 24 * 60 * 60 * 1000;

/// Announces that a connection will be closed soon, and when the peer may reconnect. The receiver should wait for a
/// random time between the two limits, so that not all clients reconnect at once.
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
    /// Makes a notification with a reason, which is a short text for people. By default the peer may reconnect 0 to 5 s
    /// after the close.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), window: (Duration::ZERO, Duration::from_secs(5)) }
    }

    /// Asks the peer to reconnect not earlier than `min` and not later than `max` after the close. Times are rounded to
    /// whole milliseconds, and are at most a day. A `max` below `min` counts as `min`.
    #[must_use]
    pub fn reconnect_after(mut self, min: Duration, max: Duration) -> Self {
        let latest = Duration::from_millis(LATEST);
        let min = min.min(latest);
        self.window = (min, max.clamp(min, latest));
        self
    }

    /// Returns why the connection will be closed.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the shortest and the longest time to wait before reconnecting.
    pub fn window(&self) -> (Duration, Duration) {
        self.window
    }

    /// Returns a time within the window: `random` 0 is the shortest time, and the largest `random` the longest one.
    pub(crate) fn pick_by(&self, random: u32) -> Duration {
        let (min, max) = self.window;
        let longest = u64::try_from((max - min).as_millis()).unwrap_or(LATEST);
        min + Duration::from_millis(longest.saturating_add(1).saturating_mul(random.into()) >> 32)
    }

    /// Returns whether these params of `$/goaway` ask for another link of the same session.
    pub(crate) fn asks_to_move(params: Option<&str>) -> bool {
        #[derive(Deserialize)]
        struct Move {
            r#move: bool,
        }
        params.is_some_and(|params| serde_json::from_str::<Move>(params).is_ok_and(|it| it.r#move))
    }

    /// Reads the params of `$/goaway`; `None` if they are invalid.
    pub(crate) fn read(params: Option<&str>) -> Option<Self> {
        let News { mut reason, window } = serde_json::from_str(params?).ok()?;
        // The reason is kept as long as the connection lives, so a peer must not make it long.
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        reason.shrink_to_fit();
        let [min, max] = window.map(|window| window.map(Duration::from_millis)).unwrap_or_default();
        Some(Self::new(reason).reconnect_after(min, max))
    }

    /// Returns the params of `$/goaway`.
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
fn a_move_is_asked_for_by_a_boolean() {
    assert!(GoAway::asks_to_move(Some(r#"{"move":true}"#)));
    for other in [r#"{"move":false}"#, r#"{"move":1}"#, r#"{"reason":"update"}"#, "[true]x", ""] {
        assert!(!GoAway::asks_to_move(Some(other)), "{other}");
    }
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

#[test]
fn a_time_is_picked_evenly_from_the_window() {
    let ms = Duration::from_millis;
    let news = GoAway::new("").reconnect_after(ms(1000), ms(1003));
    let quarter = 1 << 30;
    for (random, expected) in [
        (0, 1000),
        (quarter - 1, 1000),
        (quarter, 1001),
        (2 * quarter, 1002),
        (3 * quarter, 1003),
        (u32::MAX, 1003),
    ] {
        assert_eq!(news.pick_by(random), ms(expected), "{random}");
    }
    let day = GoAway::new("").reconnect_after(Duration::ZERO, Duration::MAX);
    assert_eq!((day.pick_by(0), day.pick_by(u32::MAX)), (ms(0), ms(LATEST)));
    let now = GoAway::new("").reconnect_after(ms(7), ms(7));
    assert_eq!((now.pick_by(0), now.pick_by(u32::MAX)), (ms(7), ms(7)));
}
