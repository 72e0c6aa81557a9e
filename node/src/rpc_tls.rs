//! TLS of the RPC listener: its own certificate, TLS 1.2 where clients need it, client certificates where asked for
//! (LEDGER.md 6: apart from the TLS between peers).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use althing_types::config::RpcTls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Why the listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
#[error("config.ini [rpc] TLS: {file}: {what}")]
pub(crate) struct RpcTlsError {
    file: PathBuf,
    what: String,
}

/// The listener's TLS by configuration. Relative paths are relative to `base`.
pub(crate) fn server_config(tls: &RpcTls, base: &Path) -> Result<Arc<ServerConfig>, RpcTlsError> {
    let certificate = base.join(&tls.certificate);
    let key_file = base.join(&tls.key);
    let chain = certificates(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|e| failed(&key_file, e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&certificate, e))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let file = base.join(file);
            let mut roots = RootCertStore::empty();
            for root in certificates(&file)? {
                roots.add(root).map_err(|e| failed(&file, e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| failed(&file, e))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder
        .with_single_cert(chain, key)
        .map(Arc::new)
        .map_err(|e| failed(&certificate, e))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, RpcTlsError> {
    let read = CertificateDer::pem_file_iter(file).map_err(|e| failed(file, e))?;
    let chain: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| failed(file, e))?;
    match chain.is_empty() {
        true => Err(failed(file, "found no certificate; accepted is PEM")),
        false => Ok(chain),
    }
}

fn failed(file: &Path, what: impl ToString) -> RpcTlsError {
    RpcTlsError {
        file: file.to_path_buf(),
        what: what.to_string(),
    }
}
