//! Callers that nothing compares. In a file of its own, since the log is one for the whole process.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rpc_server::{Connecting, Rejection, Sessions};

use crate::support::{echo, spawn};
use crate::{announced, begin, cut};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The program learns once what to add.
#[tokio::test]
async fn values_without_names_need_a_comparison_and_the_log_says_so_once() {
    let log = Log::default();
    let writer = log.clone();
    let errors = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(move || writer.clone())
        .finish();
    // The server runs on the thread of the test.
    let _listening = tracing_subscriber::util::SubscriberInitExt::set_default(errors);
    let builder = echo()
        .sessions(Sessions::new())
        .on_connect(|_: Connecting| async { Ok::<_, Rejection>(7u32) });
    let server = spawn(builder).await;
    let mut session = cut(&server, begin(&server).await).await;
    for _ in 0..3 {
        let (_raw, said) = session.ask(announced(&server).await).await;
        assert_eq!(said["refused"], "unknown", "{said}");
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("no session is resumed").count(), 1, "{text}");
    assert!(text.contains("add `.same_caller("), "{text}");
    assert_eq!(server.stats().sessions.away, 1, "the session is untouched");
}
