//! Streams with flow control, both ways. One that is offered sends its items in order, only while it
//! has credit, all of them when it gets enough, and none after it was stopped. One that is taken gives
//! every item once and in order, or says how many are missing; and credit is given back for what was
//! taken, never for more. A bounded one has no more items on their way than its bound, towards an end that tells what it
//! has consumed.
//!
//! Each line of the input is a step; see `End::step`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use rpc_core::{Context, Limits, Peer, Router, StreamError, Streaming, service};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use crate::far::Far;

const STEPS: usize = 80;
/// Of streams that are taken.
const WINDOW: usize = 1000;
/// What an item counts for at least.
const LEAST: usize = 64;

/// Plays the far end of streams.
pub fn check(input: &[u8]) {
    crate::paused(run(crate::text(input)));
}

async fn run(script: &str) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (far, peer) = Far::connect(services(&taken), limits());
    let mut end = End {
        far,
        peer,
        window: None,
        answers: false,
        offered: Vec::new(),
        taken: Vec::new(),
        heard: taken,
        served: HashMap::new(),
    };
    for line in script.lines().take(STEPS) {
        let numbers = line.get(1..).unwrap_or_default().split_whitespace();
        let numbers: Vec<u64> = numbers.map_while(|number| number.parse().ok()).collect();
        let at = |at: usize| numbers.get(at).copied().unwrap_or(0);
        end.step(line.as_bytes().first().copied().unwrap_or(b' '), [at(0), at(1), at(2)]).await;
    }
    end.finish().await;
}

fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.stream_window = WINDOW;
    limits
}

/// What takers have got of each stream, by the number in its items.
type Heard = Arc<Mutex<Vec<Vec<Result<u64, StreamError>>>>>;

#[service]
trait Taker {
    async fn take(&self, number: usize, items: Streaming<Numbered>) -> u64;
}

/// An item that says which one it is; the rest is ballast.
#[derive(Serialize, Deserialize)]
struct Numbered(u64, String);

struct Slow(Heard);

impl Taker for Slow {
    async fn take(&self, number: usize, items: Streaming<Numbered>) -> u64 {
        take(&self.0, number, items).await;
        0
    }
}

/// Takes all items, one in ten milliseconds.
async fn take(heard: &Heard, number: usize, mut items: Streaming<Numbered>) {
    while let Some(item) = items.next().await {
        let item = item.map(|Numbered(seq, _)| seq);
        heard.lock().unwrap()[number].push(item);
        sleep(Duration::from_millis(10)).await;
    }
}

fn services(heard: &Heard) -> Router {
    let ticks = |_: Context, (count, bytes, bound): (u64, usize, usize)| async move {
        let items = (1..=count.min(60)).map(move |tick| (tick, "x".repeat(bytes.min(2000))));
        let ticks = Streaming::new(stream::iter(items));
        Ok(if bound > 0 { ticks.in_flight(bound) } else { ticks })
    };
    Router::new()
        .subscription("ticks", "unsubscribe_ticks", ticks)
        .service(TakerServer::new(Slow(heard.clone())))
}

/// The far end, and what it knows.
struct End {
    far: Far,
    peer: Peer,
    /// With how much credit streams towards it start, when it has said so, and whether it said that it answers items that
    /// ask for credit.
    window: Option<i64>,
    answers: bool,
    offered: Vec<Offered>,
    taken: Vec<Taken>,
    heard: Heard,
    /// Subscriptions that were asked for: the request, and which one it is.
    served: HashMap<String, usize>,
}

/// A stream towards the far end.
struct Offered {
    id: Option<String>,
    /// What may be sent still; the last item may overdraw it. A plain peer has no credit to give.
    credit: Option<i64>,
    count: u64,
    seen: u64,
    is_over: bool,
    bounded: Option<Bounded>,
}

/// What bounds the items on their way, beside the credit.
struct Bounded {
    most: u64,
    is_answered: bool,
    /// The items that asked for credit and have none.
    asked: VecDeque<u64>,
    /// The last item of which the end has told that it was consumed.
    consumed: u64,
}

impl Bounded {
    fn is_full(&self, seen: u64) -> bool {
        self.is_answered && !self.asked.is_empty() && seen - self.consumed >= self.most
    }

    fn consume(&mut self, seq: u64) {
        self.is_answered = true;
        while let Some(asked) = self.asked.pop_front_if(|asked| *asked <= seq) {
            self.consumed = asked;
        }
    }
}

/// A stream from the far end.
struct Taken {
    /// Whether both ends have agreed on it: elsewhere its numbers, and a normal end, mean nothing.
    is_counted: bool,
    /// The highest number that was sent, and what was said after which nothing counts.
    last: u64,
    is_over: bool,
    /// What all items together count for, and what was given back.
    sent: usize,
    given_back: usize,
}

impl End {
    async fn step(&mut self, kind: u8, [a, b, c]: [u64; 3]) {
        match kind {
            // Says hello, and that it answers items that ask for credit.
            b'h' => self.greet(a, b == 1).await,
            // Subscribes to so many items of so many bytes, of which so many may be on their way.
            b't' => self.subscribe(a, b, c).await,
            // Gives a stream so much credit, and tells the item that was consumed last.
            b'c' => self.credit(a, b, c).await,
            // Ends it: by a notification, by a request, by a cancel of what made it.
            b'x' | b'u' | b'k' => self.stop(kind, a).await,
            // Calls with a stream.
            b'a' => self.argue().await,
            // Is subscribed to.
            b's' => self.offer().await,
            // Sends an item with this number and so many bytes; a normal end; an error.
            b'i' => self.send(a, b, Some(c as usize), "").await,
            b'd' => self.send(a, b, None, r#""done":true"#).await,
            b'e' => self.send(a, b, None, r#""error":{"code":7,"message":"m"}"#).await,
            b'w' => {
                sleep(Duration::from_millis(a.min(10_000))).await;
                self.look().await;
            }
            _ => {}
        }
    }

    async fn greet(&mut self, window: u64, answers: bool) {
        let ack = if answers { r#","ack":true"# } else { "" };
        self.far
            .send(&format!(
                r#"{{"jsonrpc":"2.0","method":"$/hello","params":{{"duplex":1,"window":{window}{ack}}}}}"#
            ))
            .await;
        if (1..=1 << 31).contains(&window) && self.window.is_none() {
            self.window = Some(window as i64);
            self.answers = answers;
        }
        self.look().await;
    }

    async fn subscribe(&mut self, count: u64, bytes: u64, most: u64) {
        let id = format!("t{}", self.offered.len());
        self.far
            .send(&format!(
                r#"{{"jsonrpc":"2.0","id":"{id}","method":"ticks","params":[{count},{bytes},{most}]}}"#
            ))
            .await;
        self.served.insert(id, self.offered.len());
        let (credit, count) = (self.window, count.min(60));
        let (is_answered, asked) = (self.answers, VecDeque::new());
        let bounded = Bounded { most, is_answered, asked, consumed: 0 };
        let bounded = (most > 0 && credit.is_some()).then_some(bounded);
        self.offered.push(Offered { id: None, credit, count, seen: 0, is_over: false, bounded });
    }

    async fn credit(&mut self, at: u64, bytes: u64, consumed: u64) {
        self.look().await; // what was sent before was paid for without this
        let Some(offered) = self.offered.get_mut(at as usize) else { return };
        let Some(id) = &offered.id else { return };
        let seq = if consumed > 0 { format!(r#","seq":{consumed}"#) } else { String::new() };
        self.far
            .send(&format!(
                r#"{{"jsonrpc":"2.0","method":"$/credit","params":{{"subscription":"{id}","bytes":{bytes}{seq}}}}}"#
            ))
            .await;
        // The window may grow, up to 2 GiB.
        let valid = 1..=1 << 31;
        if let Some(credit) = &mut offered.credit
            && valid.contains(&bytes)
            && *credit + bytes as i64 <= 1 << 31
        {
            *credit += bytes as i64;
            if let Some(bounded) = offered.bounded.as_mut().filter(|_| consumed > 0) {
                bounded.consume(consumed);
            }
        }
        self.look().await;
    }

    async fn stop(&mut self, kind: u8, at: u64) {
        self.look().await;
        let Some(offered) = self.offered.get_mut(at as usize) else { return };
        let Some(id) = &offered.id else { return };
        let message = match kind {
            b'x' => format!(r#""method":"$/stop","params":{{"subscription":"{id}"}}"#),
            b'u' => format!(r#""id":"u","method":"unsubscribe_ticks","params":["{id}"]"#),
            _ => format!(r#""method":"$/cancelRequest","params":{{"id":"t{at}"}}"#),
        };
        offered.is_over = true;
        self.far.send(&format!(r#"{{"jsonrpc":"2.0",{message}}}"#)).await;
        self.look().await;
    }

    async fn argue(&mut self) {
        let at = self.taken.len();
        self.far
            .send(&format!(
                r#"{{"jsonrpc":"2.0","id":"a{at}","method":"take","params":[{at},{{"$stream":"s{at}"}}]}}"#
            ))
            .await;
        // Without a hello it is refused, and no item of it has a taker.
        self.begin(self.window.is_none());
    }

    async fn offer(&mut self) {
        let at = self.taken.len();
        self.begin(false);
        let call = self.peer.subscribe::<Numbered>("far", "unsubscribe_far", ());
        let heard = self.heard.clone();
        tokio::spawn(async move { take(&heard, at, call.await.expect("it is answered")).await });
        let texts = self.look().await;
        let call = texts.iter().find(|text| text["method"] == "far").expect("the call");
        let id = &call["id"];
        self.far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"s{at}"}}"#)).await;
    }

    fn begin(&mut self, is_over: bool) {
        let is_counted = self.window.is_some();
        self.taken.push(Taken { is_counted, last: 0, is_over, sent: 0, given_back: 0 });
        self.heard.lock().unwrap().push(Vec::new());
    }

    async fn send(&mut self, at: u64, seq: u64, bytes: Option<usize>, end: &str) {
        let Some(taken) = self.taken.get_mut(at as usize) else { return };
        let number = if taken.is_counted { seq } else { taken.last + 1 };
        let item = bytes.map(|bytes| format!(r#"[{number},"{}"]"#, "x".repeat(bytes.min(3000))));
        let what = item.as_ref().map_or(end.to_owned(), |item| format!(r#""result":{item}"#));
        self.far
            .send(&format!(
                r#"{{"jsonrpc":"2.0","method":"$/item","params":{{"subscription":"s{at}","seq":{seq},{what}}}}}"#
            ))
            .await;
        let is_end = bytes.is_none() && (taken.is_counted || end.contains("error"));
        if number > taken.last && !taken.is_over && (is_end || item.is_some()) {
            taken.last = number;
            taken.sent += item.as_ref().map_or(0, |item| item.len().max(LEAST));
            taken.is_over = is_end;
        }
    }

    /// Reads what there is, and holds it against what is known.
    async fn look(&mut self) -> Vec<Value> {
        let texts = self.far.settle().await;
        let texts: Vec<Value> = texts
            .iter()
            .map(|text| serde_json::from_str(text).expect("what is sent is JSON"))
            .collect();
        for text in &texts {
            let params = &text["params"];
            match text["method"].as_str() {
                Some("ticks") => self.tick(params),
                Some("$/credit") => {
                    let bytes = params["bytes"].as_u64().expect("a number") as usize;
                    let taken = &mut self.taken[number(&params["subscription"])];
                    taken.given_back += bytes;
                    assert!(taken.given_back <= taken.sent, "credit for what was not sent");
                }
                Some(_) => {}
                None => self.answered(text),
            }
        }
        texts
    }

    fn answered(&mut self, text: &Value) {
        let served = text["id"].as_str().and_then(|id| self.served.remove(id));
        if let Some(at) = served {
            self.offered[at].id = text["result"].as_str().map(String::from);
        }
    }

    fn tick(&mut self, params: &Value) {
        let id = params["subscription"].as_str().expect("a text");
        let offered = self.offered.iter_mut().find(|offered| offered.id.as_deref() == Some(id));
        let offered = offered.expect("its answer comes before its items");
        assert!(!offered.is_over, "nothing follows the end");
        let is_counted = offered.credit.is_some();
        assert_eq!(params.get("seq").is_some(), is_counted);
        if params["done"] == true {
            assert_eq!((offered.seen, is_counted), (offered.count, true));
            offered.is_over = true;
            return;
        }
        offered.seen += 1;
        assert_eq!(params["result"][0], offered.seen, "in order");
        if let Some(credit) = &mut offered.credit {
            assert_eq!(params["seq"], offered.seen);
            assert!(*credit > 0, "an item without credit");
            let asks = params.get("ack").is_some();
            match &mut offered.bounded {
                Some(bounded) => {
                    assert!(!bounded.is_full(offered.seen - 1), "more items than the bound");
                    bounded.asked.extend(asks.then_some(offered.seen));
                }
                None => assert!(!asks, "nobody waits for the answer"),
            }
            *credit -= params["result"].to_string().len().max(LEAST) as i64;
        }
    }

    /// Everything has come that may come, and nothing is left when both ends have let go.
    async fn finish(mut self) {
        sleep(Duration::from_secs(20)).await;
        self.look().await;
        assert!(!self.peer.is_closed());
        for offered in &self.offered {
            let is_full = offered.bounded.as_ref().is_some_and(|it| it.is_full(offered.seen));
            let has_credit = offered.credit.is_none_or(|credit| credit > 0) && !is_full;
            // A plain peer is not told of the end.
            let is_done =
                offered.is_over || (offered.credit.is_none() && offered.seen == offered.count);
            assert!(is_done || !has_credit, "stuck after {} of {}", offered.seen, offered.count);
        }
        for at in 0..self.taken.len() {
            self.is_complete(at);
        }
        let Self { far, peer, .. } = self;
        drop(far);
        sleep(Duration::from_secs(20)).await;
        let stats = peer.stats();
        let left = [stats.in_flight, stats.pending, stats.subscriptions, stats.queue_bytes];
        assert_eq!(left, [0; 4], "{stats:?}");
    }

    /// Every item was given or is known to be missing.
    fn is_complete(&self, at: usize) {
        let mut seq = 0;
        for got in &self.heard.lock().unwrap()[at] {
            match got {
                Ok(number) => {
                    assert_eq!(
                        *number,
                        seq + 1,
                        "stream {at}: a loss that is not told, or a repeat"
                    );
                    seq = *number;
                }
                Err(StreamError::Gap { missed }) => seq += missed,
                Err(StreamError::Remote(_)) => seq += 1,
                Err(error) => panic!("{error}"),
            }
        }
        let taken = &self.taken[at];
        // The end has a number, and is no item.
        let most = taken.last;
        let least = most.saturating_sub(u64::from(taken.is_over));
        assert!((least..=most).contains(&seq), "stream {at}: {seq} of {least} to {most}");
    }
}

/// The number of a stream of the far end.
fn number(id: &Value) -> usize {
    id.as_str().and_then(|id| id[1..].parse().ok()).expect("an id of ours")
}
