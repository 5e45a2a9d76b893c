//! TLS: rustls with aws-lc-rs, TLS 1.2 and 1.3, and roots that somebody chose.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::error::Failure;
use crate::target::{Host, HttpTarget};

/// Whose certificates are believed.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The operating system's roots (or `SSL_CERT_FILE` and `SSL_CERT_DIR`), read once.
    #[default]
    System,
    /// The operating system's roots and these, for an organisation with a certificate authority of
    /// its own.
    SystemAnd(Vec<CertificateDer<'static>>),
    /// These roots alone.
    Only(Vec<CertificateDer<'static>>),
}

/// The client's configuration. Without a single usable root it still works, and every TLS session is
/// refused.
pub(crate) fn client_config(trust: Trust) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let own = match trust {
        Trust::System => {
            add_system_roots(&mut roots);
            Vec::new()
        }
        Trust::SystemAnd(own) => {
            add_system_roots(&mut roots);
            own
        }
        Trust::Only(own) => own,
    };
    for certificate in own {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn add_system_roots(roots: &mut RootCertStore) {
    let found = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(
        added,
        ignored,
        unreadable = found.errors.len(),
        "system roots read"
    );
    if added == 0 {
        tracing::warn!("no trusted roots found on this system: https is refused everywhere");
    }
}

/// The name that the certificate must carry.
pub(crate) fn server_name(target: &HttpTarget) -> Result<ServerName<'static>, Failure> {
    match target.host() {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Failure::Tls {
            origin: target.origin(),
            reason: "the host is no name that a certificate can carry".to_owned(),
        }),
    }
}
