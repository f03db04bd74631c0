//! Methods that stop when their caller loses its link.

use rpc_core::{Service, service};

#[service]
trait Renders {
    #[method(stop_while_away, blocking)]
    fn draw(&self, width: u32) -> u32;
    #[method(stop_while_away, ordered, timeout = "1h")]
    async fn all(&self);
}

struct None;

impl Renders for None {
    fn draw(&self, width: u32) -> u32 {
        width
    }
    async fn all(&self) {}
}

fn main() {
    let server = RendersServer::new(None);
    assert!(server.methods().iter().all(|method| method.flags.stop_while_away));
}
