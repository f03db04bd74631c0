//! Calls that are handed on, against a simple model: whatever is cancelled, late or cut, each call has one outcome that
//! tells the truth, its method runs once at most, and nothing is left.

mod support;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::{
    CallError, CloseCode, ErrorObject, Fate, Peer, Router, StreamError, Streaming, memory, service,
};
use support::rest::{Lives, held};
use support::seeds::{self, RUNS, Random};
use tokio::time::{sleep, timeout};

#[service]
trait Target {
    async fn echo(&self, call: usize) -> usize;
    async fn sleep(&self, call: usize, ms: u64) -> usize;
    async fn fail(&self, call: usize) -> Result<(), ErrorObject>;
    async fn items(&self, call: usize, count: u64) -> Streaming<u64>;
    async fn sum(&self, call: usize, values: Streaming<u64>) -> Result<u64, ErrorObject>;
}

/// Counts the runs of each call, and what lives.
#[derive(Clone, Default)]
struct Runs {
    of_call: Arc<Mutex<HashMap<usize, usize>>>,
    lives: Arc<AtomicUsize>,
}

impl Runs {
    fn begin(&self, call: usize) -> Lives {
        *self.of_call.lock().unwrap().entry(call).or_default() += 1;
        Lives::new(&self.lives)
    }

    fn of(&self, call: usize) -> usize {
        self.of_call.lock().unwrap().get(&call).copied().unwrap_or_default()
    }
}

impl Target for Runs {
    async fn echo(&self, call: usize) -> usize {
        let _life = self.begin(call);
        call
    }

    async fn sleep(&self, call: usize, ms: u64) -> usize {
        let _life = self.begin(call);
        sleep(Duration::from_millis(ms)).await;
        call
    }

    async fn fail(&self, call: usize) -> Result<(), ErrorObject> {
        let _life = self.begin(call);
        Err(ErrorObject::new(7, "failed").with_data(&call))
    }

    async fn items(&self, call: usize, count: u64) -> Streaming<u64> {
        let life = self.begin(call);
        Streaming::new(stream::iter(0..count).then(move |number| {
            let _life = &life;
            async move {
                if number % 8 == 7 {
                    sleep(Duration::from_millis(1)).await;
                }
                number
            }
        }))
    }

    async fn sum(&self, call: usize, mut values: Streaming<u64>) -> Result<u64, ErrorObject> {
        let _life = self.begin(call);
        let mut sum = 0;
        while let Some(value) = values.next().await {
            sum += value.map_err(|error| ErrorObject::new(8, error.to_string()))?;
        }
        Ok(sum)
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Echo,
    Sleep(u64),
    Fail,
    Items(u64),
    Sum(u64),
}

/// One call, when it begins, and when its caller gives it up.
#[derive(Debug, Clone, Copy)]
struct Made {
    kind: Kind,
    after: u64,
    timeout: Option<u64>,
    dropped: Option<u64>,
}

/// Which connection ends, and when.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Never,
    Target(u64),
    Caller(u64),
}

#[derive(Debug)]
struct Plan {
    calls: Vec<Made>,
    cut: Cut,
    hops: usize,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn plan(seed: u64) -> Plan {
    let mut random = Random::new(seed);
    let calls = 1 + random.below(30);
    let made = |_| {
        let kind = match random.below(5) {
            0 => Kind::Echo,
            1 => Kind::Sleep(random.below(20)),
            2 => Kind::Fail,
            3 => Kind::Items(random.below(3000)),
            _ => Kind::Sum(random.below(3000)),
        };
        let after = random.below(20);
        let timeout = random.once_in(3).then(|| 1 + random.below(15));
        let dropped = random.once_in(4).then(|| random.below(15));
        Made { kind, after, timeout, dropped }
    };
    let calls = (0..calls).map(made).collect();
    let at = random.below(25);
    let cut = random.pick(&[Cut::Never, Cut::Target(at), Cut::Caller(at)]);
    Plan { calls, cut, hops: 1 + random.below(2) as usize }
}

/// What a call came to.
type Outcome = Result<(), CallError>;

/// Makes a call and looks whether its result is right.
async fn make(peer: Peer, number: usize, made: Made) -> Result<Outcome, String> {
    let target = TargetClient::new(peer);
    let limit = made.timeout.map(Duration::from_millis);
    macro_rules! called {
        ($call:expr) => {
            match limit {
                Some(limit) => $call.timeout(limit).await,
                None => $call.await,
            }
        };
    }
    let wrong = |what: String| Err(format!("call {number}: {what}"));
    Ok(match made.kind {
        Kind::Echo => called!(target.echo(number)).map(|result| assert_eq!(result, number)),
        Kind::Sleep(ms) => {
            called!(target.sleep(number, ms)).map(|result| assert_eq!(result, number))
        }
        Kind::Fail => match called!(target.fail(number)) {
            Err(CallError::Method(error)) => {
                assert_eq!((error.code, &*error.message), (7, "failed"));
                assert_eq!(error.data.unwrap().get(), number.to_string());
                Ok(())
            }
            Err(error) => Err(untyped(error)),
            Ok(()) => return wrong("a result of a method that fails".into()),
        },
        Kind::Items(count) => match called!(target.items(number, count)) {
            Err(error) => Err(error),
            Ok(mut items) => {
                let mut expected = 0;
                loop {
                    match items.next().await {
                        Some(Ok(item)) if item == expected => expected += 1,
                        None if expected == count => break Ok(()),
                        Some(Err(StreamError::Remote(error))) if error.code == -32014 => {
                            break Ok(());
                        }
                        Some(Err(StreamError::Closed { .. })) => break Ok(()),
                        other => return wrong(format!("{other:?} where {expected} is next")),
                    }
                }
            }
        },
        Kind::Sum(count) => {
            let values = Streaming::new(stream::iter(0..count));
            match called!(target.sum(number, values)) {
                Ok(sum) if sum == (0..count).sum::<u64>() => Ok(()),
                Ok(sum) => return wrong(format!("{sum} is not the sum")),
                Err(CallError::Method(error)) => {
                    return wrong(format!("a broken stream: {error:?}"));
                }
                Err(error) => Err(untyped(error)),
            }
        }
    })
}

fn untyped(error: CallError<ErrorObject>) -> CallError {
    match error {
        CallError::Method(error) | CallError::Remote(error) => CallError::Remote(error),
        CallError::Busy => CallError::Busy,
        CallError::Timeout { fate, heard } => CallError::Timeout { fate, heard },
        CallError::Cancelled { fate } => CallError::Cancelled { fate },
        CallError::Closed { reason, fate } => CallError::Closed { reason, fate },
        other => panic!("{other:?}"),
    }
}

/// Whether a call may have failed so, and whether its method may have run then.
fn may_fail(error: &CallError, made: Made, cut: Cut) -> Result<bool, String> {
    let may_have_run = |fate: &Fate| *fate == Fate::MaybeExecuted;
    match error {
        CallError::Timeout { fate, .. } if made.timeout.is_some() => Ok(may_have_run(fate)),
        CallError::Busy if matches!(cut, Cut::Target(_)) => Ok(false),
        CallError::Closed { fate, .. } if !matches!(cut, Cut::Never) => Ok(may_have_run(fate)),
        other => Err(format!("{other:?}")),
    }
}

async fn check(plan: Plan) -> Vec<String> {
    let runs = Runs::default();
    let mut router = Router::new().service(TargetServer::new(runs.clone()));
    let mut peers = Vec::new();
    for _ in 0..=plan.hops {
        let (near, far) = memory::pair(Router::new(), router);
        // Each end has heard the hello of the other.
        assert!(near.call::<()>("rpc.none", ()).await.is_err());
        assert!(far.call::<()>("none", ()).await.is_err());
        router = Router::new().forward("*", near.clone());
        peers.extend([far, near]);
    }
    let caller = peers.last().unwrap().clone();
    let tasks: Vec<_> = plan
        .calls
        .iter()
        .enumerate()
        .map(|(number, &made)| {
            let caller = caller.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(made.after)).await;
                let call = make(caller, number, made);
                match made.dropped {
                    Some(ms) => timeout(Duration::from_millis(ms), call).await.ok(),
                    None => Some(call.await),
                }
            })
        })
        .collect();
    match plan.cut {
        Cut::Never => {}
        Cut::Target(ms) => {
            sleep(Duration::from_millis(ms)).await;
            peers[0].kick(CloseCode::GOING_AWAY, "cut");
        }
        Cut::Caller(ms) => {
            sleep(Duration::from_millis(ms)).await;
            caller.kick(CloseCode::GOING_AWAY, "cut");
        }
    }
    let mut faults = Vec::new();
    for (number, (task, &made)) in tasks.into_iter().zip(&plan.calls).enumerate() {
        let outcome = match timeout(Duration::from_secs(60), task).await {
            Err(_) => {
                faults.push(format!("call {number} has no outcome"));
                continue;
            }
            Ok(outcome) => outcome.expect("a call does not panic"),
        };
        let ran = runs.of(number);
        if ran > 1 {
            faults.push(format!("call {number} ran {ran} times"));
        }
        match outcome {
            None => {} // dropped
            Some(Err(wrong)) => faults.push(wrong),
            Some(Ok(Ok(()))) if ran == 1 => {}
            Some(Ok(Ok(()))) => faults.push(format!("call {number} has a result and did not run")),
            Some(Ok(Err(error))) => match may_fail(&error, made, plan.cut) {
                Err(error) => faults.push(format!("call {number} failed: {error}")),
                Ok(false) if ran > 0 => {
                    faults.push(format!("call {number} has run, which {error:?} denies"));
                }
                Ok(_) => {}
            },
        }
    }
    for _ in 0..1000 {
        if peers.iter().all(|peer| held(peer) == 0) && runs.lives.load(Ordering::SeqCst) == 0 {
            return faults;
        }
        sleep(Duration::from_millis(1)).await;
    }
    let left: Vec<_> = peers.iter().map(held).collect();
    faults.push(format!("left: {left:?}, and {} handlers", runs.lives.load(Ordering::SeqCst)));
    faults
}

#[test]
fn each_call_has_one_outcome_and_nothing_is_left() {
    seeds::run("FORWARD_WALK", RUNS, plan, check);
}
