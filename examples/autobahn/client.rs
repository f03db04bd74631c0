//! A client that the suite, a server then, has run its cases.

use std::error::Error;

use crate::echo::{echo, only_message};
use crate::handshake::connect;

/// How the suite's reports call us.
const AGENT: &str = "rpc-core";

/// Runs all cases, one after the other.
pub(crate) async fn run_cases(url: &str) -> Result<(), Box<dyn Error>> {
    let url = url.trim_end_matches('/');
    let count = only_message(connect(&format!("{url}/getCaseCount")).await?).await;
    let count: u32 = count.ok_or("it told no number of cases")?.parse()?;
    for case in 1..=count {
        echo(connect(&format!("{url}/runCase?case={case}&agent={AGENT}")).await?).await;
    }
    only_message(connect(&format!("{url}/updateReports?agent={AGENT}")).await?).await;
    println!("{count} cases were run");
    Ok(())
}
