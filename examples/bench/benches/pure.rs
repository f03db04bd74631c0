//! What the pure parts cost by themselves: `cargo bench -p bench`.
//!
//! For whoever changes one of them. How they come together is measured by the package's main
//! program.

use divan::{Bencher, black_box};
use rpc_core::Limits;
use rpc_core::micro::{Answers, Made, Queue, Served, envelope, params};
use rpc_core::private::{Param, ParamInfo};

fn main() {
    divan::main();
}

const REQUEST: &str = r#"{"jsonrpc":"2.0","id":12345,"method":"add","params":[17,25]}"#;
const BY_NAME: &str = r#"{ "jsonrpc": "2.0", "id": "a-1", "method": "add", "params": { "a": 17, "b": 25 }, "timeoutMs": 1500 }"#;
const NOTIFICATION: &str =
    r#"{"jsonrpc":"2.0","method":"chat.say","params":["lobby","hello, \"all\""]}"#;
const RESPONSE: &str = r#"{"jsonrpc":"2.0","id":12345,"result":42}"#;
const ERROR: &str = r#"{"jsonrpc":"2.0","id":12345,"error":{"code":1001,"message":"room is full","data":{"max":3}}}"#;

#[divan::bench(args = [REQUEST, BY_NAME, NOTIFICATION, RESPONSE, ERROR])]
fn read_envelope(bencher: Bencher<'_, '_>, text: &str) {
    let limits = Limits::server();
    bencher.bench_local(|| envelope(black_box(text), &limits));
}

#[divan::bench]
fn read_batch_of_100(bencher: Bencher<'_, '_>) {
    let limits = Limits::server();
    let batch = format!("[{}]", [REQUEST; 100].join(","));
    bencher.bench_local(|| envelope(black_box(&batch), &limits));
}

/// A text of a megabyte, and as much in small values.
#[divan::bench(args = ["text", "numbers"])]
fn read_large_envelope(bencher: Bencher<'_, '_>, of: &str) {
    let mut limits = Limits::server();
    limits.message_in = 2 << 20;
    let params = match of {
        "text" => format!("\"{}\"", "x".repeat(1 << 20)),
        _ => vec!["1234567"; (1 << 20) / 8].join(","),
    };
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":[{params}]}}"#);
    bencher.bench_local(|| envelope(black_box(&text), &limits));
}

#[divan::bench]
fn write_answer(bencher: Bencher<'_, '_>) {
    let mut answers = Answers::default();
    bencher.bench_local(|| answers.write(black_box("12345"), black_box(&42)));
}

const ADD: &[ParamInfo] = &[ParamInfo::new("a"), ParamInfo::new("b")];

#[divan::bench(args = ["[17,25]", r#"{"a":17,"b":25}"#])]
fn read_params(bencher: Bencher<'_, '_>, text: &str) {
    bencher.bench_local(|| params::<(Param<i64>, (Param<i64>, ()))>(black_box(text), ADD));
}

/// However many others there are, it should cost the same.
const OTHERS: &[usize] = &[0, 10, 1000];

#[divan::bench(args = OTHERS)]
fn serve_at_once(bencher: Bencher<'_, '_>, others: usize) {
    let mut served = Served::with(others);
    bencher.bench_local(|| served.come_and_go());
}

#[divan::bench(args = OTHERS)]
fn serve_for_a_while(bencher: Bencher<'_, '_>, others: usize) {
    let mut served = Served::with(others);
    bencher.bench_local(|| served.come_stay_and_go(black_box("\"a-1\"")));
}

#[divan::bench(args = OTHERS)]
fn call_and_answer(bencher: Bencher<'_, '_>, others: usize) {
    let mut made = Made::with(others);
    bencher.bench_local(|| made.come_and_go());
}

#[divan::bench(args = OTHERS)]
fn queue_and_send(bencher: Bencher<'_, '_>, others: usize) {
    let mut queue = Queue::with(others);
    bencher.bench_local(|| queue.pass());
}
