//! TypeScript of the reference server, for its tests in Node: as the server is, as an older one was, and of a version
//! that differs without harm. That the modules are those of today: `GOLDEN=overwrite` writes them anew.

#[allow(dead_code, reason = "the server uses all of it")]
#[path = "../src/bin/reference_server/contract.rs"]
mod contract;

use std::path::Path;
use std::{env, fs};

use rpc_core::schema::{End, Model};

/// An older version, by which pages were made that are open still.
mod old {
    use rpc_core::service;

    #[service(version = "1.0", schema)]
    pub(super) trait Reference {
        async fn add(&self, a: i64, b: i64) -> i64;
        async fn greet(&self, first_name: &str) -> String;
        async fn count(&self, key: &str, from: u64) -> u64;
        async fn offers(&self) -> String;
        async fn forget(&self, key: &str) -> bool;
    }

    #[service(version = "1.0", schema)]
    pub(super) trait Caller {
        async fn bounce(&self, depth: u32, by: u32) -> u32;
        #[notification]
        async fn tick(&self, n: u32);
    }
}

/// A page that calls less, and offers more.
mod other {
    use rpc_core::{Result, service};
    use serde_json::value::RawValue;

    #[service(version = "1.2", schema)]
    pub(super) trait Reference {
        async fn add(&self, a: i64, b: i64) -> Result<i64>;
        async fn offers(&self) -> String;
    }

    #[service(version = "1.2", schema)]
    pub(super) trait Caller {
        async fn bounce(&self, depth: u32) -> Result<u32>;
        #[notification]
        async fn tick(&self, n: u32);
        #[notification]
        async fn message(&self, group: &str, value: &RawValue);
        async fn answer(&self, question: &str) -> Box<RawValue>;
        async fn ask(&self, question: &str) -> bool;
    }
}

fn check(name: &str, text: &str) {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpc-client/typescript/test/generated");
    let path = folder.join(name);
    if env::var_os("GOLDEN").is_some_and(|value| value == "overwrite") {
        return fs::write(path, text).unwrap();
    }
    let is_kept = fs::read_to_string(&path).is_ok_and(|kept| kept == text);
    assert!(is_kept, "{}: run with `GOLDEN=overwrite`", path.display());
}

#[test]
fn modules_are_those_of_the_traits() {
    let server = Model::server();
    for (name, model) in [
        (
            "reference",
            server
                .clone()
                .serves(contract::ReferenceServer::INFO)
                .calls(contract::CallerClient::INFO),
        ),
        (
            "reference-old",
            server.clone().serves(old::ReferenceServer::INFO).calls(old::CallerClient::INFO),
        ),
        (
            "reference-other",
            server.serves(other::ReferenceServer::INFO).calls(other::CallerClient::INFO),
        ),
    ] {
        let made = model.build().unwrap().typescript(End::Client, "two-way-json-rpc").unwrap();
        check(&format!("{name}.ts"), &made.code);
        check(&format!("{name}.model.ts"), &made.model);
    }
}
