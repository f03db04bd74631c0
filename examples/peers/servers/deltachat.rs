//! PyPI's `deltachat-rpc-server`, the core of a messenger that its apps start: accounts, and what happens to them.

use rpc_client::Client;
use rpc_core::{CallError, Peer, service};
use serde::Deserialize;
use serde_json::Value;

use crate::checks::{Checked, check, equal};
use crate::reached::Reached;

/// The part of its methods that the job needs. Its params are by position.
#[service]
trait Core {
    fn get_system_info(&self) -> Value;
    fn add_account(&self) -> u32;
    fn get_all_account_ids(&self) -> Vec<u32>;
    // It counts its params. An `Option` that is `None` would be left out at the end; a `Value` is sent as `null`.
    fn set_config(&self, account: u32, key: &str, value: Value);
    fn get_config(&self, account: u32, key: &str) -> Option<String>;
    fn get_next_event(&self) -> Event;
    fn remove_account(&self, account: u32);
}

#[derive(Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    context_id: u32,
    event: Value,
}

const PEER: &str = "deltachat-rpc-server";

pub(crate) async fn passes(reached: Reached) -> bool {
    let client = reached.connect(Client::builder()).await.expect("there is a server");
    let core = CoreClient::new(client.peer());
    let all = [
        check(PEER, "calls", calls(&core)).await,
        check(PEER, "accounts, and their settings", accounts(&core)).await,
        check(PEER, "a call waits for an event, and others pass it", events(&core)).await,
        check(PEER, "errors", errors(&core, &client.peer())).await,
        check(PEER, "ends with its input", ends(client)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn calls(core: &CoreClient) -> Checked {
    let info = core.get_system_info().await?;
    equal(info["deltachat_core_version"].is_string(), true)
}

async fn accounts(core: &CoreClient) -> Checked {
    let account = core.add_account().await?;
    equal(core.get_all_account_ids().await?.contains(&account), true)?;
    core.set_config(account, "displayname", "Ada \u{1f980}".into()).await?;
    equal(core.get_config(account, "displayname").await?, Some("Ada \u{1f980}".to_owned()))?;
    core.set_config(account, "displayname", Value::Null).await?;
    equal(core.get_config(account, "displayname").await?, None)?;
    Ok(core.remove_account(account).await?)
}

/// It has no notifications: an app always has a call in flight, which is answered by the next event.
async fn events(core: &CoreClient) -> Checked {
    let account = core.add_account().await?;
    loop {
        let waits = core.get_next_event().start();
        let calls = (0..100).map(|_| core.get_all_account_ids());
        for ids in futures_util::future::join_all(calls).await {
            equal(ids?.contains(&account), true)?;
        }
        core.set_config(account, "displayname", "Ada".into()).await?;
        let Event { context_id, event } = waits.await?;
        if context_id == account {
            return equal(event["kind"].is_string(), true);
        }
    }
}

async fn errors(core: &CoreClient, peer: &Peer) -> Checked {
    match core.get_config(999_999, "displayname").await {
        Err(CallError::Remote(error)) => equal(error.message.contains("999999"), true)?,
        other => return Err(format!("{other:?}").into()),
    }
    match peer.call::<()>("nonsense", ()).await {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::METHOD_NOT_FOUND),
        other => Err(format!("{other:?}").into()),
    }
}

async fn ends(client: Client) -> Checked {
    equal(client.close().await.to_string().as_str(), "closed by this end with code 1000")
}
