//! TLS of the RPC listener: its own certificate, TLS 1.2 where clients need it, client certificates where asked for
//! (LEDGER.md 6: apart from the TLS between peers, and of the standard kind in both editions). All of it reloads; a client is held to
//! the same blacklist as a peer.

use std::sync::Arc;

use althing_network::{
    Blacklist, CertificateDer, PemText, Refusal, RefusalReason, TlsEdition, TrustSet, not_after, verify_client,
};
use althing_rpc::{Client, ListenerTls};
use althing_types::config::{ClientAuth, NodeConfig, RpcTls};
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};

use crate::clock::unix_seconds;
use crate::files::{FilesError, NodeFiles};

/// Why the listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RpcTlsError {
    /// A file cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file is not what it should be.
    #[error("config.ini [rpc] TLS: {file}: {what}")]
    Content {
        /// The file.
        file: String,
        /// What was found and what is accepted.
        what: String,
    },
}

/// The files of one state.
struct Material {
    certificate: PemText,
    key: PemText,
    client_ca: Option<PemText>,
    /// The node's certificate between peers.
    own: PemText,
}

/// Who clients are, by one state of the files.
#[derive(Debug)]
struct Judge {
    roots: TrustSet,
    blacklist: Blacklist,
    /// The keys that certificates of ours were signed with: whoever else has one signed with such a key is of our agency.
    own_issuers: Vec<Vec<u8>>,
    /// The certificates above our own: a client of our agency that shows an older one of the agency's certificates is
    /// under the newer one as well, because a renewal keeps the key. So no session ends when a chain certificate goes.
    own_chain: Vec<CertificateDer<'static>>,
}

impl Judge {
    fn client(&self, chain: &[CertificateDer<'_>], unix_seconds: u64) -> Result<Client, Refusal> {
        let chain: Vec<_> = chain.iter().chain(&self.own_chain).cloned().collect();
        let identity = verify_client(&chain, &self.roots, &self.blacklist, unix_seconds)?;
        Ok(Client {
            own_agency: self.own_issuers.contains(&identity.issuer_key),
            role: identity.role,
            agency: identity.agency,
            name: identity.name,
        })
    }
}

/// One state of the files, in use.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    judge: Option<Arc<Judge>>,
    not_after: u64,
}

/// The listener's TLS, as the files were last found good.
#[derive(Debug)]
pub(crate) struct RpcListenerTls(ArcSwap<Current>);

impl RpcListenerTls {
    /// Reads the files that the configuration names.
    pub(crate) fn load(files: &NodeFiles, config: &NodeConfig, tls: &RpcTls) -> Result<Self, RpcTlsError> {
        Current::load(files, config, tls).map(|current| Self(ArcSwap::from_pointee(current)))
    }

    /// Reads them again; what cannot be used changes nothing.
    pub(crate) fn reload(&self, files: &NodeFiles, config: &NodeConfig, tls: &RpcTls) -> Result<(), RpcTlsError> {
        self.0.store(Arc::new(Current::load(files, config, tls)?));
        Ok(())
    }

    /// The last second (since 1970) of the listener's certificate.
    pub(crate) fn not_after(&self) -> u64 {
        self.0.load().not_after
    }
}

impl ListenerTls for RpcListenerTls {
    fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.load().config)
    }

    fn client(&self, chain: &[CertificateDer<'static>]) -> Result<Client, String> {
        let current = self.0.load();
        let judge = current.judge.as_ref().ok_or("no client certificates are asked for")?;
        judge
            .client(chain, unix_seconds())
            .map_err(|refusal| refusal.to_string())
    }
}

impl Current {
    fn load(files: &NodeFiles, config: &NodeConfig, tls: &RpcTls) -> Result<Self, RpcTlsError> {
        let material = Material {
            certificate: files.pem(&tls.certificate)?,
            key: files.pem(&tls.key)?,
            client_ca: tls.client_ca.as_ref().map(|file| files.pem(file)).transpose()?,
            own: files.own_certificate(config)?,
        };
        material.check(files.blacklist(config)?, tls.client_auth)
    }
}

impl Material {
    fn check(self, blacklist: Blacklist, auth: ClientAuth) -> Result<Current, RpcTlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.bytes()).map_err(|e| {
            content(
                &self.key,
                format!("{e}; accepted is one private key in PEM, unencrypted"),
            )
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| content(&self.certificate, e))?;
        let not_after = chain.first().map_or(0, not_after);
        let (builder, judge) = match &self.client_ca {
            None => (builder.with_no_client_auth(), None),
            Some(file) => {
                let judge = Arc::new(self.judge(file, &chain, blacklist)?);
                let verifier = ClientVerifier::new(file, Arc::clone(&judge), auth, provider)?;
                (builder.with_client_cert_verifier(Arc::new(verifier)), Some(judge))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|e| content(&self.certificate, e))?;
        // A resumed session shows no certificate: it would skip the lists.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Current {
            config: Arc::new(config),
            judge,
            not_after,
        })
    }

    /// Our agency is whoever signed what we show: the listener's certificate, and the one between peers, as far as clients are under the
    /// same roots. Of the SM edition's two sets that is the listener's; where somebody else issues the listener's, it is the other one.
    fn judge(
        &self,
        client_ca: &PemText,
        listener: &[CertificateDer<'static>],
        blacklist: Blacklist,
    ) -> Result<Judge, RpcTlsError> {
        let roots = TrustSet::from_pem(std::slice::from_ref(client_ca), &TlsEdition::standard())
            .map_err(|e| content(client_ca, e))?;
        let (mut own_issuers, mut own_chain) = (Vec::new(), Vec::new());
        for (file, shown) in [
            (&self.certificate, listener.to_vec()),
            (&self.own, certificates(&self.own)?),
        ] {
            match verify_client(&shown, &roots, &Blacklist::default(), unix_seconds()) {
                Ok(own) => {
                    own_issuers.push(own.issuer_key);
                    let above = shown.into_iter().skip(1).filter(|it| !own_chain.contains(it));
                    own_chain.extend(above.collect::<Vec<_>>());
                }
                Err(refusal) => tracing::debug!("{} names nobody who administers this node: {refusal}", file.file()),
            }
        }
        Ok(Judge {
            roots,
            blacklist,
            own_issuers,
            own_chain,
        })
    }
}

/// The verifier of client certificates: the chain and the lists by the judge, the handshake's signature by rustls.
#[derive(Debug)]
struct ClientVerifier {
    judge: Arc<Judge>,
    signatures: Arc<dyn ClientCertVerifier>,
    mandatory: bool,
}

impl ClientVerifier {
    fn new(
        client_ca: &PemText,
        judge: Arc<Judge>,
        auth: ClientAuth,
        provider: Arc<rustls::crypto::CryptoProvider>,
    ) -> Result<Self, RpcTlsError> {
        let mut roots = RootCertStore::empty();
        for root in certificates(client_ca)? {
            roots.add(root).map_err(|e| content(client_ca, e))?;
        }
        let signatures = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| content(client_ca, e))?;
        Ok(Self {
            judge,
            signatures,
            mandatory: auth == ClientAuth::Required,
        })
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signatures.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<_> = [end_entity].into_iter().chain(intermediates).cloned().collect();
        match self.judge.client(&chain, now.as_secs()) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => {
                tracing::debug!("RPC client refused: {refusal}");
                Err(Error::InvalidCertificate(alert(refusal.reason)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_verify_schemes()
    }
}

/// What the client's TLS library is told: the alert closest to the reason.
const fn alert(reason: RefusalReason) -> CertificateError {
    match reason {
        RefusalReason::Expired => CertificateError::Expired,
        RefusalReason::NotYetValid => CertificateError::NotValidYet,
        RefusalReason::Blacklisted => CertificateError::Revoked,
        RefusalReason::WrongUsage => CertificateError::InvalidPurpose,
        RefusalReason::Malformed => CertificateError::BadEncoding,
        _ => CertificateError::UnknownIssuer,
    }
}

fn certificates(file: &PemText) -> Result<Vec<CertificateDer<'static>>, RpcTlsError> {
    let read = CertificateDer::pem_slice_iter(file.bytes());
    let chain: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| content(file, e))?;
    match chain.is_empty() {
        true => Err(content(file, "found no certificate; accepted is PEM")),
        false => Ok(chain),
    }
}

fn content(file: &PemText, what: impl ToString) -> RpcTlsError {
    RpcTlsError::Content {
        file: file.file().to_owned(),
        what: what.to_string(),
    }
}
