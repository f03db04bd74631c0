//! What `observed` exports: whole traces, and metrics of both ends.

use std::process::{Command, Stdio};

#[test]
fn a_call_and_the_calls_within_it_are_one_trace_and_all_are_measured() {
    let program = env!("CARGO_BIN_EXE_observed");
    let output = Command::new(program).stdin(Stdio::null()).output().expect("the binary is there");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        "
trace 1
  client chat.join
    server chat.join
      client chatter.confirm
        server chatter.confirm
trace 2
  client chat.join: 1001
    server chat.join: 1001
      client chatter.confirm
        server chatter.confirm
trace 3
  client leave: -32601
",
        r#"
rpc_client_call_duration_count{rpc_system_name="jsonrpc",rpc_method="chat.join",error_type="_OTHER"} 1
rpc_client_call_duration_count{rpc_system_name="jsonrpc",rpc_method="chat.join"} 1
"#,
        r#"
rpc_client_call_duration_count{rpc_system_name="jsonrpc",rpc_method="chatter.confirm"} 2
"#,
        r#"
rpc_server_call_duration_count{rpc_system_name="jsonrpc",rpc_method="chat.join",error_type="1001"} 1
"#,
        r#"
rpc_server_refused_calls{rpc_system_name="jsonrpc",rpc_method="_OTHER",error_type="-32601"} 1
"#,
        "
rpc_server_connections 1
",
    ] {
        assert!(shown.contains(expected), "{expected}\n is not in\n{shown}");
    }
}
