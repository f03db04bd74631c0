//! A page that calls a server and is called by it, in Rust: the same traits and stubs as outside of a browser.
//!
//! The functions are called by the script of the page, and by the test that drives the browser.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use rpc_client::rpc_core::{Base64, Context, Progress, RpcError, Streaming, service};
use rpc_client::{Client, Reconnect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// The methods of the server that the page calls.
#[service(crate = rpc_client::rpc_core)]
trait Reference {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn big(&self, bytes: u64) -> String;
    async fn bounce(&self, depth: u32) -> u32;
    async fn build(&self, steps: u32, progress: Progress<Step>) -> String;
    async fn incr(&self, key: String) -> u64;
    async fn push(&self, n: u32) -> u32;
    async fn sleep(&self, ms: u64) -> u64;
    async fn sum(&self, values: Streaming<i64>) -> i64;
    async fn typed_fail(&self, max: u32) -> Result<(), Full>;
    async fn bytes(&self, size: u64, chunk: u64) -> Streaming<Base64>;
    async fn ticks(&self, count: u64, every_ms: u64) -> Streaming<u64>;
}

/// The methods of the page that the server calls.
#[service(crate = rpc_client::rpc_core)]
trait Visitor {
    async fn bounce(&self, cx: &Context, depth: u32) -> u32;
    #[notification]
    async fn tick(&self, n: u32);
}

#[derive(Debug, Serialize, Deserialize, RpcError)]
#[rpc(crate = rpc_client::rpc_core, code = 1001)]
struct Full {
    max: u32,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "full: {} at most", self.max)
    }
}

impl std::error::Error for Full {}

#[derive(Default)]
struct Ticks(AtomicU32);

impl Visitor for Arc<Ticks> {
    async fn bounce(&self, cx: &Context, depth: u32) -> u32 {
        match depth {
            0 => 0,
            _ => 1 + ReferenceClient::new(cx.peer()).bounce(depth - 1).await.unwrap_or_default(),
        }
    }

    async fn tick(&self, _n: u32) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection to the server.
#[wasm_bindgen]
pub struct Page {
    client: Client,
    server: ReferenceClient,
    ticks: Arc<Ticks>,
    states: Arc<Mutex<Vec<String>>>,
}

#[wasm_bindgen]
impl Page {
    /// Connects, and stays connected.
    pub async fn connect(url: String) -> Result<Page, JsError> {
        let (ticks, states) = (Arc::<Ticks>::default(), Arc::<Mutex<Vec<String>>>::default());
        let told = states.clone();
        let client = Client::builder()
            .service(VisitorServer::new(ticks.clone()))
            .reconnect(Reconnect::default().max_delay(Duration::from_secs(1)))
            .on_state(move |state| told.lock().unwrap().push(state.to_string()))
            .connect(url)
            .await?;
        let server = ReferenceClient::new(client.peer());
        Ok(Self { client, server, ticks, states })
    }

    /// The states since the beginning, one a line.
    pub fn states(&self) -> String {
        self.states.lock().unwrap().join("\n")
    }

    pub fn ticks(&self) -> u32 {
        self.ticks.0.load(Ordering::Relaxed)
    }

    pub fn reconnect_now(&self) {
        self.client.reconnect_now();
    }

    pub async fn add(&self, a: i32, b: i32) -> Result<f64, JsError> {
        Ok(self.server.add(a.into(), b.into()).await? as f64)
    }

    pub async fn big(&self, bytes: u32) -> Result<usize, JsError> {
        Ok(self.server.big(bytes.into()).await?.len())
    }

    pub async fn bounce(&self, depth: u32) -> Result<u32, JsError> {
        Ok(self.server.bounce(depth).await?)
    }

    /// Builds, and returns how many steps the server has told of.
    pub async fn build(&self, steps: u32) -> Result<usize, JsError> {
        let heard = Arc::<AtomicU32>::default();
        let hearing = heard.clone();
        let call = self.server.build(steps).on_progress(move |_: Step| {
            hearing.fetch_add(1, Ordering::Relaxed);
        });
        call.await?;
        Ok(heard.load(Ordering::Relaxed) as usize)
    }

    pub async fn increment(&self, key: String) -> Result<f64, JsError> {
        Ok(self.server.incr(key).await? as f64)
    }

    pub async fn push(&self, n: u32) -> Result<u32, JsError> {
        Ok(self.server.push(n).await?)
    }

    /// Waits for less time than the server takes.
    pub async fn run_late(&self) -> String {
        let call = self.server.sleep(60_000).timeout(Duration::from_millis(50));
        call.await.unwrap_err().to_string()
    }

    /// Sends a stream of numbers, and returns their sum.
    pub async fn sum(&self, count: u32) -> Result<f64, JsError> {
        let numbers = Streaming::new(stream::iter(1..=i64::from(count)));
        Ok(self.server.sum(numbers).await? as f64)
    }

    pub async fn typed_fail(&self) -> String {
        match self.server.typed_fail(7).await {
            Err(error) => error.to_string(),
            Ok(()) => "it did not fail".into(),
        }
    }

    /// Takes a stream of bytes, and returns how many came.
    pub async fn bytes(&self, size: u32) -> Result<usize, JsError> {
        let mut taken = 0;
        let mut bytes = self.server.bytes(size.into(), 16_384).await?;
        while let Some(chunk) = bytes.next().await {
            taken += Vec::from(chunk?).len();
        }
        Ok(taken)
    }

    /// Takes a stream of numbers, and returns whether each was the next one.
    pub async fn count(&self, count: u32, every_ms: u32) -> Result<u32, JsError> {
        let mut next = 0;
        let mut ticks = self.server.ticks(count.into(), every_ms.into()).await?;
        while let Some(tick) = ticks.next().await {
            if tick? != u64::from(next) {
                return Err(JsError::new("a number is missing"));
            }
            next += 1;
        }
        Ok(next)
    }

    /// Makes many calls at once, and compares each answer with its call.
    pub async fn many(&self, calls: u32) -> Result<(), JsError> {
        let calls = (0..i64::from(calls)).map(|n| async move { self.server.add(n, 1).await });
        for (n, sum) in futures_util::future::join_all(calls).await.into_iter().enumerate() {
            if sum? != n as i64 + 1 {
                return Err(JsError::new("an answer of another call"));
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Step {
    #[serde(rename = "step")]
    _step: u32,
}
