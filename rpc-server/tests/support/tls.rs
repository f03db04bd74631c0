//! TLS by hand, for what no decent client would say within it.

use std::sync::Arc;

use rpc_server::rustls::pki_types::pem::PemObject;
use rpc_server::rustls::pki_types::{CertificateDer, ServerName};
use rpc_server::rustls::{ClientConfig, RootCertStore};
use rpc_server::{ServerBuilder, Tls};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::{Authority, Files};
use crate::support::{OverTcp, soon};

/// A server that speaks TLS, and what a client must know for that.
pub(crate) fn ends(builder: ServerBuilder) -> (ServerBuilder, Arc<ClientConfig>) {
    let (files, authority) = (Files::new(), Authority::new("root"));
    let (chain, key) = files.write_pair("server", &authority.issue("127.0.0.1"));
    let builder = builder.tls(Tls::from_pem_files(chain, key).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.root().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    (builder, config.with_no_client_auth().into())
}

pub(crate) async fn speak(config: &Arc<ClientConfig>, stream: TcpStream) -> TlsStream<TcpStream> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    soon(TlsConnector::from(config.clone()).connect(name, stream)).await.unwrap()
}

impl OverTcp for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
