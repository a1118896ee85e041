//! What tonic makes of as many connections by itself: a default `Endpoint` and one open stream for each light, and nothing
//! that is said on it.

use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use hyper_util::rt::TokioIo;
use podlight_proto::v1::ColorStatus;
use podlight_proto::v1::light_client::LightClient;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::{certificates, say};

/// So many are opened at a time.
const TURNS: usize = 128;

/// Opens them, and holds them until stdin ends.
pub(crate) async fn hold(lights: usize, address: &str, tls: Option<&Path>) {
    let connector = tls.map(connector);
    let opened: Vec<_> =
        stream::iter(0..lights).map(|_| open(address, connector.clone())).buffer_unordered(TURNS).collect().await;
    say("open");
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await.unwrap();
    drop(opened);
}

async fn open(address: &str, tls: Option<TlsConnector>) -> (Channel, Streaming<ColorStatus>) {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = match tls {
        None => endpoint.connect().await.unwrap(),
        // As tonic does, whose own TLS is a feature that the watcher goes without.
        Some(tls) => {
            let address = address.to_owned();
            let connect = move |_| {
                let (tls, address) = (tls.clone(), address.clone());
                async move {
                    let stream = TcpStream::connect(address).await?;
                    tls.connect(podlight_tls::EVERY_LIGHT.try_into().unwrap(), stream).await.map(TokioIo::new)
                }
            };
            endpoint.connect_with_connector(service_fn(connect)).await.unwrap()
        }
    };
    let silent = stream::pending();
    let statuses = LightClient::new(channel.clone()).stream_colors(silent).await.unwrap().into_inner();
    (channel, statuses)
}

fn connector(folder: &Path) -> TlsConnector {
    let [cert, key, ca] = certificates(folder, "caller");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let cert = vec![CertificateDer::from_pem_file(cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(cert, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}
