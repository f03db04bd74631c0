use rpc_core::service;

#[service]
struct Chat;

fn keeps_the_item(_: Chat) {}

fn main() {}
