use std::sync::Arc;

use rpc_core::CloseCode;
use rpc_core::types::ClosedBy;
use tokio::time::advance;

use super::*;
use crate::error::ConnectError;
use crate::fallback::Carrier;

fn lost() -> Setback {
    Setback::Lost(CloseReason::new(ClosedBy::Link, None, "reset"))
}

fn in_ms(ms: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(ms))
}

#[tokio::test(start_paused = true)]
async fn a_state_is_one_line_for_a_log() {
    let refused = Setback::Failed(Arc::new(ConnectError::Io {
        host: "a.example:443".into(),
        error: std::io::ErrorKind::ConnectionRefused.into(),
    }));
    let since = Instant::now();
    advance(Duration::from_millis(12_345)).await;
    let fresh = |lost_calls, lost_notifications, gaps| State::Fresh {
        lost_calls,
        lost_notifications,
        gaps,
        carrier: Carrier::WebSocket,
    };
    for (state, text) in [
        (State::Connecting { attempt: 1, next: None, error: None }, "connecting"),
        (
            State::Connecting { attempt: 2, next: in_ms(4_999), error: Some(refused.clone()) },
            "connecting, attempt 2 in 4.9 s: no connection to `a.example:443`: connection refused",
        ),
        (State::Up { resumed: false, carrier: Carrier::WebSocket }, "up"),
        (State::Up { resumed: true, carrier: Carrier::WebSocket }, "up, session resumed"),
        (State::Up { resumed: false, carrier: Carrier::Sse }, "up by server-sent events"),
        (
            State::Away { since, attempt: 1, next: in_ms(0), error: lost() },
            "away for 12 s, attempt 1 in 0.0 s: link lost: reset",
        ),
        (
            State::Away { since, attempt: 3, next: None, error: refused },
            "away for 12 s, attempt 3 under way: no connection to `a.example:443`: connection refused",
        ),
        (fresh(0, 0, 0), "up, fresh session: nothing was lost"),
        (fresh(1, 0, 2), "up, fresh session: 1 call lost, 2 streams with a gap"),
        (
            fresh(2, 1, 1),
            "up, fresh session: 2 calls lost, 1 notification lost, 1 stream with a gap",
        ),
        (fresh(0, 3, 0), "up, fresh session: 3 notifications lost"),
        (
            State::Ended(CloseReason::new(ClosedBy::Peer, CloseCode::TAKEN_OVER, "another tab\n")),
            "ended: closed by the other end with code 4409: another tab\\n",
        ),
    ] {
        assert_eq!(state.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_shows_the_times_of_the_moment() {
    let state =
        State::Away { since: Instant::now(), attempt: 2, next: in_ms(9_000), error: lost() };
    assert_eq!(state.to_string(), "away for 0.0 s, attempt 2 in 9.0 s: link lost: reset");
    advance(Duration::from_secs(7)).await;
    assert_eq!(state.to_string(), "away for 7.0 s, attempt 2 in 2.0 s: link lost: reset");
    advance(Duration::from_secs(7)).await;
    assert_eq!(state.to_string(), "away for 14 s, attempt 2 in 0.0 s: link lost: reset");
}

#[test]
fn a_long_time_is_coarse() {
    let text = |ms| Span(Duration::from_millis(ms)).to_string();
    for (ms, expected) in [
        (0, "0.0 s"),
        (99, "0.0 s"),
        (9_999, "9.9 s"),
        (10_000, "10 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (7_199_999, "119 min"),
        (7_200_000, "2 h"),
    ] {
        assert_eq!(text(ms), expected);
    }
}

#[test]
fn a_client_is_up_with_a_link_only() {
    assert!(State::Up { resumed: false, carrier: Carrier::WebSocket }.is_up());
    assert!(
        State::Fresh { lost_calls: 1, lost_notifications: 0, gaps: 0, carrier: Carrier::Sse }
            .is_up()
    );
    assert!(!State::Connecting { attempt: 1, next: None, error: None }.is_up());
    let since = Instant::now();
    assert!(!State::Away { since, attempt: 1, next: None, error: lost() }.is_up());
    assert!(!State::Ended(CloseReason::new(ClosedBy::Us, None, "")).is_up());
}
