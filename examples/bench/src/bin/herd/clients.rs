//! Clients that stay connected, and what they have told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bench::Checked;
use futures_util::{StreamExt, TryStreamExt, stream};
use rpc_client::{Client, Reconnect, State};
use tokio::time::timeout;

/// How many connect at the same time.
const AT_ONCE: usize = 50;

/// One client.
pub(crate) struct Member {
    pub(crate) client: Client,
    told: Arc<Mutex<Told>>,
}

/// The events of a client since the last look.
#[derive(Default)]
pub(crate) struct Told {
    /// When the first attempt after the loss was to begin.
    pub(crate) planned: Option<Instant>,
    /// When the last attempt was to begin.
    pub(crate) last: Option<Instant>,
    /// The number of the last attempt.
    pub(crate) attempts: u32,
}

impl Member {
    async fn connect(url: &str) -> Checked<Self> {
        let told = Arc::<Mutex<Told>>::default();
        let hears = told.clone();
        let client = Client::builder().reconnect(Reconnect::default()).on_state(move |state| {
            if let State::Away { attempt, next, .. } = state {
                let mut told = hears.lock().unwrap();
                told.attempts = *attempt;
                let next = next.map(Into::into);
                told.planned = told.planned.or(next);
                told.last = next.or(told.last);
            }
        });
        Ok(Self { client: client.connect(url).await?, told })
    }

    pub(crate) fn take_told(&self) -> Told {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

pub(crate) async fn connect(url: &str, count: usize) -> Checked<Vec<Member>> {
    stream::iter((0..count).map(|_| Member::connect(url)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Waits until each client has told a state for which `is` holds; the time only ends a program that hangs.
pub(crate) async fn all_are(members: &[Member], is: impl Fn(&State) -> bool) -> Checked<()> {
    let all = async {
        for member in members {
            let mut states = member.client.states();
            loop {
                let state = states.next().await.ok_or("a client has ended")?;
                if is(&state) {
                    break;
                }
            }
        }
        Ok(())
    };
    timeout(Duration::from_secs(120), all).await.map_err(|_| "the clients are not back")?
}
