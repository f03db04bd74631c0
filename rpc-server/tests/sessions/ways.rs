//! The same over TLS.

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_session_over_tls_goes_on_over_another_link() {
    use tokio::net::TcpStream;

    use crate::session::{ANNOUNCE, Session, shake};
    use crate::support::{Raw, soon, spawn, until};
    use crate::tls::{ends, speak};

    let (builder, config) = ends(crate::sessions(|_| {}));
    let server = spawn(builder).await;
    let open = async |headers| {
        let stream = soon(TcpStream::connect(server.local_addr().unwrap())).await.unwrap();
        let mut raw = Raw::over(speak(&config, stream).await);
        assert!(shake(&mut raw, headers).await.starts_with("HTTP/1.1 101 "));
        raw
    };
    let mut session = Session::begin(open("").await).await;
    session.echoes("one").await;
    let before = std::mem::replace(&mut session.raw, open(ANNOUNCE).await);
    before.reset();
    until(|| server.stats().sessions.away == 1).await;
    let raw = open(ANNOUNCE).await;
    let (said, _) = session.resume(raw).await;
    assert_eq!(said["received"], 1);
    session.echoes("two").await;
}
