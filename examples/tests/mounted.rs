//! The web app, as a browser sees it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// The app; it ends with the test, whatever happens.
struct App {
    child: Child,
    address: String,
}

impl App {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mounted"));
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary is there");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").expect(&line);
        Self { address: address.to_owned(), child }
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), b"", "")
    }

    /// The answer to a message with these headers, head and all.
    fn post(&self, path: &str, lines: &[u8], body: &str) -> String {
        let json = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.ask(&format!("POST {path}"), &[json.as_bytes(), lines].concat(), body)
    }

    fn ask(&self, request: &str, lines: &[u8], body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let first =
            format!("{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        let whole = [first.as_bytes(), lines, b"\r\n", body.as_bytes()].concat();
        stream.write_all(&whole).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_may_run_its_own_script_and_stand_in_no_frame() {
    let app = App::start();
    let page = app.get("/");
    let policy = page.lines().find(|line| line.starts_with("content-security-policy: "));
    let policy = policy.expect(&page);
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    // Which is all that a browser runs then: nothing that stands in the page itself.
    assert!(page.contains(r#"<script src="/page.js"></script>"#), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains(" on") && !page.contains("style="), "{page}");
    let script = app.get("/page.js");
    assert!(script.contains("content-type: text/javascript") && script.contains("class Peer"));
}

#[test]
fn another_cookie_does_not_hide_the_login() {
    let app = App::start();
    let answer = app.post("/login", b"", r#"{"name":"Ada"}"#);
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next()).expect(&answer);
    let city = b"city=Z\xfcrich";
    for (jar, expected) in [
        (cookie.as_bytes().to_vec(), 200),
        ([city, &b"; "[..], cookie.as_bytes()].concat(), 200),
        (city.to_vec(), 401),
    ] {
        let lines = [b"Cookie: ", &jar[..], b"\r\n"].concat();
        let answer = app.post("/rpc", &lines, r#"{"jsonrpc":"2.0","id":1,"method":"no"}"#);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
    }
}
