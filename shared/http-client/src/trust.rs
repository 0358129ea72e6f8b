//! TLS as the mails have it: rustls with ring, and the system's certificates, here with the operator's own added.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// Whom to trust. Certificates are read when the first https URL is met: most installations have none, and the
/// system's take some hundred KB.
#[derive(Default)]
pub struct Trust {
    own: Vec<CertificateDer<'static>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

impl Trust {
    /// Trusts the certificates in a PEM file's text as well.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), String> {
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|cause| format!("the certificates cannot be read: {cause}"))?;
        if found.is_empty() {
            return Err("there is no certificate in PEM form".to_owned());
        }
        self.add(found)
    }

    fn add(&mut self, found: Vec<CertificateDer<'static>>) -> Result<(), String> {
        for certificate in found {
            let check = RootCertStore::empty().add(certificate.clone());
            check.map_err(|cause| format!("a certificate cannot be used: {cause}"))?;
            self.own.push(certificate);
        }
        Ok(())
    }

    /// Speaks TLS on a stream that is connected to `host`.
    pub async fn connect<S>(&self, host: Host<&str>, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.config.get_or_try_init(|| config(self.own.clone())).await?;
        let name = server_name(host).map_err(std::io::Error::other)?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }
}

fn server_name(host: Host<&str>) -> Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()),
        Host::Ipv4(address) => Ok(ServerName::from(std::net::IpAddr::from(address))),
        Host::Ipv6(address) => Ok(ServerName::from(std::net::IpAddr::from(address))),
    }
}

async fn config(own: Vec<CertificateDer<'static>>) -> std::io::Result<Arc<ClientConfig>> {
    let roots = tokio::task::spawn_blocking(move || roots(own)).await?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(own: Vec<CertificateDer<'static>>) -> RootCertStore {
    let system = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (n_added, _) = roots.add_parsable_certificates(system.certs);
    if n_added == 0 {
        // Not an error by itself: the operator's own may be all that is needed.
        let causes: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
        tracing::warn!(
            cause = causes.join("; "),
            "this system has no trusted certificates"
        );
    }
    roots.add_parsable_certificates(own);
    roots
}
