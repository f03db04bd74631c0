use rpc_core::service;

#[service]
trait Chat {
    #[method(spawn, blocking)]
    fn render(&self) -> String;
}

fn main() {}
