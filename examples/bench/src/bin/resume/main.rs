//! What it takes to go on over another link, in time: to the first answer, and until all that was kept is there. Beside
//! each, what the same takes a client that connects anew.
//!
//! ```text
//!  client ──▶ wire ──▶ server      the wire is in this process, and cuts
//! ```

#![expect(clippy::print_stdout, reason = "a program that talks to another")]

mod cut;
mod kept;
mod wire;

use bench::Checked;
use wire::Wire;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, url, count] = &*args else {
        return Err("usage: resume cut|connect|replay|send URL COUNT".into());
    };
    let count = count.parse()?;
    let wire = Wire::to(url).await?;
    let times = match &**mode {
        "cut" => cut::resumed(&wire, count).await?,
        "connect" => cut::connected(&wire, count).await?,
        "replay" => kept::replayed(&wire, count).await?,
        "send" => kept::sent(&wire, count).await?,
        _ => return Err(format!("no mode `{mode}`").into()),
    };
    println!("{}", times.to_json());
    Ok(())
}
