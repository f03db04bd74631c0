//! A client that calls `add`, so many calls at once, checks the results, and measures itself.
//!
//! `ours` is a typed stub; `session` is the same, and stays connected, with a session if the server has them; `sse` is the
//! same over server-sent events and `POST`; `minimal` is the least that a client of many callers can do. Another one,
//! jsonrpsee's, has a package of its own and does the same. With the process id of the server it measures both ends.

#![expect(clippy::print_stdout, reason = "a program that talks to another")]

mod minimal;

use bench::{AdderClient, Checked, usage};
use futures_util::{StreamExt, TryStreamExt, stream};
use minimal::Minimal;
use rpc_client::{Client, Fallback, Reconnect};

/// How many calls, and how many at once.
#[derive(Clone, Copy)]
struct Calls<'a> {
    window: usize,
    count: i64,
    warm_up: i64,
    /// The process of the server, if it is to be measured as well.
    server: Option<&'a str>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, url, window, count, warm_up, server @ ..] = &*args else {
        return Err(
            "usage: client ours|session|sse|minimal URL WINDOW COUNT WARM_UP [SERVER_PID]".into()
        );
    };
    let calls = Calls {
        window: window.parse()?,
        count: count.parse()?,
        warm_up: warm_up.parse()?,
        server: server.first().map(String::as_str),
    };
    let cpu_ns = match &**kind {
        "ours" | "session" | "sse" => {
            let builder = Client::builder();
            let builder = match &**kind {
                "session" => builder.reconnect(Reconnect::default()),
                "sse" => builder.fallback(Fallback::Always),
                _ => builder,
            };
            let client = builder.connect(url).await?;
            let adder = &AdderClient::new(client.peer());
            calls.measure(async |n| Ok(adder.add(n, 1).await?)).await?
        }
        "minimal" => {
            let client = &Minimal::connect(url).await?;
            calls.measure(async |n| client.add(n, 1).await).await?
        }
        _ => return Err(format!("no client `{kind}`").into()),
    };
    println!("{}", serde_json::json!({ "count": calls.count, "cpu_ns": cpu_ns }));
    Ok(())
}

impl Calls<'_> {
    /// Nanoseconds of processor time that the calls took, without those before them.
    async fn measure(self, add: impl AsyncFn(i64) -> Checked<i64>) -> Checked<u64> {
        self.make(self.warm_up, &add).await?;
        let before = self.cpu_nanoseconds()?;
        self.make(self.count, &add).await?;
        Ok(self.cpu_nanoseconds()? - before)
    }

    /// Nanoseconds of all ends that are measured.
    fn cpu_nanoseconds(self) -> Checked<u64> {
        let of_server = self.server.map(usage::cpu_nanoseconds).transpose()?;
        Ok(usage::cpu_nanoseconds("self")? + of_server.unwrap_or(0))
    }

    async fn make(self, count: i64, add: &impl AsyncFn(i64) -> Checked<i64>) -> Checked {
        let calls = (0..count).map(|n| async move {
            let sum = add(n).await?;
            if sum == n + 1 { Ok(()) } else { Err(format!("{n} + 1 is answered {sum}").into()) }
        });
        stream::iter(calls).buffer_unordered(self.window).try_collect().await
    }
}
