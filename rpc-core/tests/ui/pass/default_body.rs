//! A method may have a body, in an `async fn` with `?`, `return` and borrowed parameters.

use rpc_core::{Context, Result, service};

#[service]
trait Greeter {
    async fn name(&self) -> Result<String>;

    async fn greet(&self, cx: &Context, greeting: &str) -> Result<String> {
        if greeting.is_empty() {
            return Ok(String::new());
        }
        let name = self.name().await?;
        Ok(format!("{greeting}, {name}: {:?}", cx.peer()))
    }

    fn version(&self) -> u32 {
        1
    }

    #[notification]
    async fn ignore(&self, _text: &str) {}
}

struct Ada;

impl Greeter for Ada {
    async fn name(&self) -> Result<String> {
        Ok("Ada".into())
    }
}

#[test]
fn an_implementation_may_leave_out_what_has_a_body() {
    let _ = GreeterServer::new(Ada);
}
