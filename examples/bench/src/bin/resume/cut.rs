//! From the beginning of an attempt to the first answer.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bench::{AdderClient, Checked, Times};
use rpc_client::{Client, Reconnect, State};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::wire::Wire;

/// How many calls are outstanding all the time.
const WINDOW: usize = 16;

/// A client that stays connected.
pub(crate) struct Steady {
    pub(crate) client: Client,
    states: mpsc::UnboundedReceiver<State>,
    began: Arc<Mutex<Option<Instant>>>,
}

impl Steady {
    pub(crate) async fn connect(wire: &Wire) -> Checked<Self> {
        let (tells, states) = mpsc::unbounded_channel();
        let began = Arc::<Mutex<Option<Instant>>>::default();
        let begins = began.clone();
        let client = Client::builder().reconnect(Reconnect::default()).on_state(move |state| {
            if let State::Away { next: None, .. } = state {
                *begins.lock().unwrap() = Some(Instant::now());
            }
            let _nobody_listens = tells.send(state.clone());
        });
        let mut steady = Self { client: client.connect(&wire.url).await?, states, began };
        steady.until(State::is_up).await?;
        // The first answer tells the client that there is a session, the second one that the server knows that.
        let adder = AdderClient::new(steady.client.peer());
        first_answer(&adder, 0).await?;
        first_answer(&adder, 1).await?;
        Ok(steady)
    }

    /// Waits for a state.
    async fn until(&mut self, is: impl Fn(&State) -> bool) -> Checked {
        while let Some(state) = self.states.recv().await {
            if is(&state) {
                return Ok(());
            }
        }
        Err("the client has ended".into())
    }

    /// Cuts the link. The client does not wait before its next attempt, whose beginning is returned.
    pub(crate) async fn cut(&mut self, wire: &Wire) -> Checked<Instant> {
        wire.cut();
        self.until(|state| matches!(state, State::Away { next: Some(_), .. })).await?;
        self.client.reconnect_now();
        self.until(|state| matches!(state, State::Away { next: None, .. })).await?;
        Ok(self.began.lock().unwrap().take().ok_or("an attempt without a beginning")?)
    }

    /// Waits until the session has been resumed.
    pub(crate) async fn resumed(&mut self) -> Checked {
        match self.states.recv().await {
            Some(State::Up { resumed: true, .. }) => Ok(()),
            state => Err(format!("not resumed: {state:?}").into()),
        }
    }
}

/// Cuts under load. All calls but the measured one come from tasks of their own, and each is checked.
pub(crate) async fn resumed(wire: &Wire, count: u64) -> Checked<Times> {
    let mut steady = Steady::connect(wire).await?;
    let adder = AdderClient::new(steady.client.peer());
    let mut load = JoinSet::new();
    for first in 0..WINDOW {
        load.spawn(call(AdderClient::new(steady.client.peer()), first as i64));
    }
    let mut times = Times::default();
    for n in 0..count {
        let began = steady.cut(wire).await?;
        first_answer(&adder, n).await?;
        times.push(began.elapsed());
        steady.resumed().await?;
    }
    match load.try_join_next() {
        None => Ok(times),
        Some(ended) => Err(format!("a call has failed: {ended:?}").into()),
    }
}

/// Calls until one goes wrong.
async fn call(adder: AdderClient, mut n: i64) -> Checked {
    loop {
        if adder.add(n, 1).await? != n + 1 {
            return Err(format!("a wrong sum of {n}").into());
        }
        n += WINDOW as i64;
    }
}

/// Connects anew, again and again.
pub(crate) async fn connected(wire: &Wire, count: u64) -> Checked<Times> {
    let mut times = Times::default();
    for n in 0..count {
        let began = Instant::now();
        let client = Client::builder().connect(&wire.url).await?;
        first_answer(&AdderClient::new(client.peer()), n).await?;
        times.push(began.elapsed());
        client.close().await;
    }
    Ok(times)
}

async fn first_answer(adder: &AdderClient, n: u64) -> Checked {
    let n = n as i64;
    if adder.add(n, 1).await? == n + 1 { Ok(()) } else { Err("a wrong sum".into()) }
}
