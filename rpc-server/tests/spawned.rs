//! Handlers declared `spawn` use all processors, whatever the runtime's workers were at before.

mod support;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rpc_core::{Context, service};
use rpc_server::{Server, runtime};
use support::blocking::Blocking;

#[service]
trait Meetings {
    /// Keeps its worker until a second handler does the same; whether one has come.
    #[method(spawn)]
    async fn meet(&self) -> bool;

    /// The same, after it has waited for the caller.
    #[method(spawn)]
    async fn ask_and_meet(&self, cx: &Context) -> bool;
}

#[derive(Default)]
struct Meeting {
    present: Mutex<u32>,
    more: Condvar,
}

impl Meeting {
    /// How many are there when the `wanted`-th has come, or does not come.
    fn wait_for(&self, wanted: u32) -> u32 {
        let present = self.present.lock().unwrap();
        let long = Duration::from_secs(10);
        let wait = self.more.wait_timeout_while(present, long, |present| *present < wanted);
        *wait.unwrap().0
    }

    fn meet(&self) -> bool {
        *self.present.lock().unwrap() += 1;
        self.more.notify_all();
        self.wait_for(2) == 2
    }
}

struct Room(Arc<Meeting>);

impl Meetings for Room {
    async fn meet(&self) -> bool {
        self.0.meet()
    }

    async fn ask_and_meet(&self, cx: &Context) -> bool {
        cx.peer().call::<()>("go", ()).await.unwrap();
        self.0.meet()
    }
}

/// The second request is sent when the first one's handler keeps its worker. That worker had been
/// the one that waits for sockets, and with one task to run it had not woken the other: the second
/// request was read when the first handler had ended.
#[test]
fn two_handlers_of_one_connection_run_at_the_same_time() {
    for first in ["meet", "ask_and_meet"] {
        let meeting = Arc::new(Meeting::default());
        let runtime = runtime().worker_threads(2).build().unwrap();
        let server = Server::builder().service(MeetingsServer::new(Room(meeting.clone())));
        let bound = runtime.block_on(server.bind("127.0.0.1:0")).unwrap();
        let server = bound.handle();
        runtime.spawn(bound.serve());

        let mut client = Blocking::open(server.local_addr().unwrap());
        client.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{first}"}}"#));
        if first == "ask_and_meet" {
            let call: serde_json::Value = serde_json::from_str(&client.receive().1).unwrap();
            assert_eq!(call["method"], "go");
            client.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":null}}"#, call["id"]));
        }
        assert_eq!(meeting.wait_for(1), 1);
        client.send(r#"{"jsonrpc":"2.0","id":2,"method":"meet"}"#);
        for _ in 0..2 {
            let answer = client.receive().1;
            assert!(answer.contains(r#""result":true"#), "{first}: {answer}");
        }
    }
}
