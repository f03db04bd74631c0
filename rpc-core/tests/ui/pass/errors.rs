//! An error may be an enum with all kinds of variants, or a struct.

use rpc_core::RpcError;
use rpc_core::schema::ErrorInfo;

#[derive(Debug, thiserror::Error, RpcError)]
enum ChatError {
    #[error("room is full")]
    #[rpc(code = 1001)]
    Full { max: u32, r#type: Option<String> },
    #[error("no room `{0}`")]
    #[rpc(code = 1_002)]
    NoRoom(String),
    #[error("between")]
    #[rpc(code = -1)]
    Between(u32, u32),
    #[error("not a member")]
    #[rpc(code = 0x3EB)]
    NotMember,
    #[error("empty")]
    #[rpc(code = -32801)]
    Empty {},
    #[error("also empty")]
    #[rpc(code = -31999)]
    AlsoEmpty(),
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("gone for {error} days")]
#[rpc(code = 1)]
struct Gone {
    error: u32,
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("closed")]
#[rpc(code = 1)]
struct Closed;

#[test]
fn an_error_may_be_any_enum_or_struct() {
    let codes: Vec<_> = ChatError::CODES.iter().map(|info| info.code).collect();
    assert_eq!(codes, [1001, 1002, -1, 1003, -32801, -31999]);
    assert_eq!(Gone::CODES, [ErrorInfo::new(1, "Gone")]);
    let gone = Gone { error: 3 }.to_error_object();
    assert_eq!(gone.message, "gone for 3 days");
    assert_eq!(Gone::from_error_object(&gone).unwrap().error, 3);
    assert!(Closed::from_error_object(&gone).is_some());
}
