//! A Solana node, as far as wallets need one: an airdrop is all that ever happens, and each one is a slot of its own.
//!
//! Its subscriptions have ids that are numbers. Requests come by `POST`, as wallets send them, or over the WebSocket.

mod types;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Mutex;

use futures_util::TryStreamExt;
use rpc_core::{ErrorObject, Result, Streaming, service};
use rpc_server::{Rejection, Server, ServerBuilder};
use serde_json::Value;

use crate::back::{Asked, Back, FieldServer};
use crate::feed::Feed;
use types::{Account, At, Logs, LogsOf, Slot, SlotOnly};

#[service(rename_all = "camelCase")]
pub(crate) trait Solana {
    fn get_slot(&self, config: Option<Value>) -> u64;
    fn get_balance(&self, account: &str, config: Option<Value>) -> At<u64>;
    /// When the block of a slot was made, in seconds since 1970.
    fn get_block_time(&self, slot: u64) -> Result<i64>;
    /// Answers the signature of the transaction.
    fn request_airdrop(&self, account: &str, lamports: u64, config: Option<Value>) -> String;

    #[subscription(id = "number", item = "accountNotification", unsubscribe = "accountUnsubscribe")]
    fn account_subscribe(&self, account: String, config: Option<Value>) -> Streaming<At<Account>>;
    #[subscription(id = "number", item = "slotNotification", unsubscribe = "slotUnsubscribe")]
    fn slot_subscribe(&self) -> Streaming<Slot>;
    #[subscription(id = "number", item = "logsNotification", unsubscribe = "logsUnsubscribe")]
    fn logs_subscribe(&self, of: LogsOf, config: Option<Value>) -> Streaming<At<Logs>>;

    /// That somebody is still there.
    #[notification]
    fn ping(&self);
}

/// An airdrop, and what there is after it.
#[derive(Debug, Clone)]
struct Airdrop {
    slot: u64,
    account: String,
    lamports: u64,
    balance: u64,
}

#[derive(Default)]
struct Node {
    ledger: Mutex<Ledger>,
    airdrops: Feed<Airdrop>,
}

#[derive(Default)]
struct Ledger {
    slot: u64,
    balances: HashMap<String, u64>,
}

impl Solana for Node {
    fn get_slot(&self, _config: Option<Value>) -> u64 {
        self.ledger.lock().unwrap().slot
    }

    fn get_balance(&self, account: &str, _config: Option<Value>) -> At<u64> {
        let ledger = self.ledger.lock().unwrap();
        let balance = ledger.balances.get(account).copied().unwrap_or(0);
        At { context: SlotOnly { slot: ledger.slot }, value: balance }
    }

    fn get_block_time(&self, slot: u64) -> Result<i64> {
        let message = || format!("Block not available for slot {slot}");
        let known = (slot <= self.get_slot(None)).then_some(1_700_000_000 + slot as i64);
        known.ok_or_else(|| ErrorObject::new(-32004, message()))
    }

    fn request_airdrop(&self, account: &str, lamports: u64, _config: Option<Value>) -> String {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.slot += 1;
        let slot = ledger.slot;
        let balance = ledger.balances.entry(account.to_owned()).or_default();
        *balance += lamports;
        let airdrop = Airdrop { slot, account: account.to_owned(), lamports, balance: *balance };
        let signature = airdrop.signature();
        self.airdrops.publish(airdrop);
        signature
    }

    fn account_subscribe(&self, account: String, _config: Option<Value>) -> Streaming<At<Account>> {
        let of_it = move |airdrop: Airdrop| {
            ready(Ok((airdrop.account == account).then(|| airdrop.at(airdrop.account_after()))))
        };
        Streaming::try_new(self.airdrops.listen().try_filter_map(of_it))
    }

    fn slot_subscribe(&self) -> Streaming<Slot> {
        let slot =
            |Airdrop { slot, .. }| Slot { parent: slot - 1, slot, root: slot.saturating_sub(32) };
        Streaming::try_new(self.airdrops.listen().map_ok(slot))
    }

    fn logs_subscribe(&self, of: LogsOf, _config: Option<Value>) -> Streaming<At<Logs>> {
        let wanted = move |airdrop: Airdrop| {
            let wanted = match &of {
                LogsOf::All | LogsOf::AllWithVotes => true,
                LogsOf::Mentions([account]) => *account == airdrop.account,
            };
            ready(Ok(wanted.then(|| airdrop.at(airdrop.logs()))))
        };
        Streaming::try_new(self.airdrops.listen().try_filter_map(wanted))
    }

    fn ping(&self) {}
}

/// The system's program, which owns all accounts that hold nothing but money.
const SYSTEM: &str = "11111111111111111111111111111111";

impl Airdrop {
    fn at<T>(&self, value: T) -> At<T> {
        At { context: SlotOnly { slot: self.slot }, value }
    }

    fn account_after(&self) -> Account {
        let data = (String::new(), "base64".into());
        let (lamports, owner) = (self.balance, SYSTEM.into());
        Account { lamports, owner, data, executable: false, rent_epoch: 0 }
    }

    fn logs(&self) -> Logs {
        let logs = vec![format!("Program {SYSTEM} success"), format!("{} lamports", self.lamports)];
        Logs { signature: self.signature(), err: None, logs }
    }

    /// 64 bytes in base58, of which all but the last few are 0.
    fn signature(&self) -> String {
        const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let (mut rest, mut tail) = (self.slot, Vec::new());
        while rest > 0 {
            tail.push(DIGITS[(rest % 58) as usize] as char);
            rest /= 58;
        }
        // One for each byte that is 0.
        let bytes = (64 - self.slot.leading_zeros()).div_ceil(8) as usize;
        std::iter::repeat_n('1', 64 - bytes).chain(tail.into_iter().rev()).collect()
    }
}

pub(crate) fn server() -> ServerBuilder {
    Server::builder()
        .service(SolanaServer::new(Node::default()))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
