//! The client of crates.io's `jsonrpsee`, for the benchmark: calls `add`, so many calls at once,
//! checks the results, and measures itself.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jsonrpsee::core::client::{Client, ClientT};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::WsClientBuilder;

type Checked<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, window, count, warm_up] = &*args else {
        return Err("usage: peer-jsonrpsee-bench-client URL WINDOW COUNT WARM_UP".into());
    };
    let (window, count) = (window.parse()?, count.parse()?);
    let client = WsClientBuilder::default().build(url).await?;
    calls(&client, window, warm_up.parse()?).await?;
    let before = cpu_nanoseconds()?;
    calls(&client, window, count).await?;
    println!(r#"{{"count":{count},"cpu_ns":{}}}"#, cpu_nanoseconds()? - before);
    Ok(())
}

async fn calls(client: &Client, window: usize, count: i64) -> Checked {
    let calls = (0..count).map(|n| async move {
        let sum: i64 = client.request("add", rpc_params![n, 1]).await?;
        if sum == n + 1 { Ok(()) } else { Err(format!("{n} + 1 is answered {sum}").into()) }
    });
    stream::iter(calls).buffer_unordered(window).try_collect().await
}

/// As the benchmark's own clients read it: all threads, when what has just ended is in it.
fn cpu_nanoseconds() -> Checked<u64> {
    std::thread::sleep(Duration::from_millis(10));
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split_whitespace().next().ok_or("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(sum)
}
