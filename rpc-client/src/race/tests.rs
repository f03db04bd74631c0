use std::cell::RefCell;
use std::future::pending;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use super::*;

/// An IPv4 address with this port.
const fn v4(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// An IPv6 address with this port.
const fn v6(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), port)
}

/// How an attempt ends.
#[derive(Clone, Copy)]
enum Fate {
    Silent,
    Fails(Duration),
    Connects(Duration),
}

use Fate::{Connects, Fails, Silent};

const NOW: Duration = Duration::ZERO;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Runs a race: the address with port 0 has the first of these fates, and so on. Returns the result, and a log
/// of when each attempt began and how it ended.
async fn race(fates: &[Fate]) -> (Result<u16, String>, Vec<String>) {
    struct Dropped<'a>(u16, &'a RefCell<Vec<String>>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(format!("{} is over", self.0));
        }
    }
    let (start, log) = (Instant::now(), RefCell::new(Vec::new()));
    let log = &log;
    let addresses: Vec<_> = (0..).map(v4).take(fates.len()).collect();
    let raced = connect(&addresses, |address| async move {
        let port = address.port();
        log.borrow_mut().push(format!("{port} at {} ms", start.elapsed().as_millis()));
        let _over = Dropped(port, log);
        match fates[usize::from(port)] {
            Silent => pending().await,
            Fails(after) => {
                sleep(after).await;
                Err(io::Error::new(io::ErrorKind::ConnectionRefused, "refused"))
            }
            Connects(after) => {
                sleep(after).await;
                Ok(port)
            }
        }
    })
    .await;
    (raced.map_err(|failures| failures.to_string()), log.take())
}

#[test]
fn families_take_turns_and_the_preferred_one_goes_first() {
    let turns = |addresses: &[SocketAddr]| in_turns(addresses.iter().copied());
    assert_eq!(turns(&[v6(1), v6(2), v4(1), v4(2)]), [v6(1), v4(1), v6(2), v4(2)]);
    assert_eq!(turns(&[v4(1), v4(2), v4(3), v6(1)]), [v4(1), v6(1), v4(2), v4(3)]);
    assert_eq!(turns(&[v6(1), v6(2)]), [v6(1), v6(2)]);
    assert_eq!(turns(&[]), []);
}

#[test]
fn an_address_that_is_named_twice_is_tried_once() {
    assert_eq!(in_turns([v4(1), v4(1), v6(1), v4(1)]), [v4(1), v6(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_answer_delays_the_next_one_by_250_ms() {
    let (won, log) = race(&[Silent, Silent, Connects(ms(10)), Connects(NOW)]).await;
    assert_eq!(won, Ok(2));
    let expected =
        ["0 at 0 ms", "1 at 250 ms", "2 at 500 ms", "2 is over", "0 is over", "1 is over"];
    let mut log = log;
    log[4..].sort();
    assert_eq!(log, expected);
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_begins_as_soon_as_one_fails() {
    let (won, log) = race(&[Fails(ms(10)), Fails(ms(20)), Connects(ms(1))]).await;
    assert_eq!(won, Ok(2));
    let starts: Vec<_> = log.iter().filter(|line| line.contains(" at ")).collect();
    assert_eq!(starts, ["0 at 0 ms", "1 at 10 ms", "2 at 30 ms"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_success_wins_also_of_one_that_began_earlier() {
    let (won, _) = race(&[Connects(ms(300)), Connects(ms(100))]).await;
    assert_eq!(won, Ok(0));
    let (won, _) = race(&[Connects(ms(400)), Connects(ms(100))]).await;
    assert_eq!(won, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_waited_for_and_so_are_those_before_it() {
    let (won, _) = race(&[Connects(ms(60_000)), Fails(NOW)]).await;
    assert_eq!(won, Ok(0));
    let (won, _) = race(&[Connects(ms(60_000))]).await;
    assert_eq!(won, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn the_error_names_each_address_and_why() {
    let (lost, _) = race(&[Fails(ms(400)), Fails(NOW)]).await;
    assert_eq!(lost, Err("127.0.0.1:1: refused; 127.0.0.1:0: refused".into()));
    let (lost, _) = race(&[]).await;
    assert_eq!(lost, Err("its name has no address".into()));
}

#[tokio::test(start_paused = true)]
async fn a_race_that_is_dropped_drops_its_attempts() {
    let over = RefCell::new(0);
    struct Dropped<'a>(&'a RefCell<usize>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            *self.0.borrow_mut() += 1;
        }
    }
    let addresses = [v4(1), v6(1), v4(2)];
    let racing = connect(&addresses, |_| async {
        let _over = Dropped(&over);
        pending::<io::Result<()>>().await
    });
    timeout(ms(300), racing).await.unwrap_err();
    assert_eq!(*over.borrow(), 2);
}

/// On real sockets: the kernel does not answer attempts to connect while the backlog of a listener is full.
#[tokio::test]
async fn an_address_that_swallows_everything_does_not_keep_from_the_next() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let silent = socket.local_addr().unwrap();
    let _full = socket.listen(0).unwrap();
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) = timeout(ms(500), TcpStream::connect(silent)).await {
        fillers.push(filler);
    }
    let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good_address = good.local_addr().unwrap();

    let stream = connect(&[silent, good_address], TcpStream::connect).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), good_address);
}
