//! TLS 1.3 with both certificates, decided by [`verify_peer`](crate::verify_peer). One verifier is made per handshake:
//! it keeps the identity or the exact refusal, which rustls' own errors cannot carry.

use std::sync::Arc;

use althing_crypto::{CertifiedKey as Certified, is_signature_in_der};
use althing_types::NodeId;
use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    PeerIncompatible, PeerMisbehaved, SignatureScheme,
};

use crate::api::PeerIdentity;
use crate::edition::TlsEdition;
use crate::lists::Lists;
use crate::refusal::{Direction, Refusal, RefusalReason};
use crate::settings::{Settings, SettingsError};
use crate::trust::{TrustSet, certificates};
use crate::verify::{verify_as_of, verify_peer};

/// Who we are and whom we let in, as of the last settings.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) identity: PeerIdentity,
    pub(crate) trust: TrustSet,
    pub(crate) lists: Lists,
    pub(crate) edition: TlsEdition,
    certified: Arc<CertifiedKey>,
}

impl Credentials {
    /// Reads and checks settings, as every peer will check our certificate: `expected` is the identity of the running
    /// node, which a reload may not change.
    pub(crate) fn load(
        settings: &Settings,
        edition: &TlsEdition,
        expected: Option<NodeId>,
        unix_time: u64,
    ) -> Result<Self, SettingsError> {
        let trust = TrustSet::from_pem(&settings.roots, edition)?;
        let chain = certificates(&settings.certificate)?;
        let own = |direction| {
            verify_peer(&chain, &trust, &Lists::default(), unix_time, direction).map_err(|refusal| {
                SettingsError::OwnCertificate {
                    file: settings.certificate.file().to_owned(),
                    refusal,
                }
            })
        };
        own(Direction::Inbound)?;
        let identity = own(Direction::Outbound)?;
        for expected in [expected, settings.node_id].into_iter().flatten() {
            if expected != identity.node_id {
                let file = settings.certificate.file().to_owned();
                return Err(SettingsError::NodeId {
                    file,
                    found: identity.node_id,
                    expected,
                });
            }
        }
        let key = signing_key(settings, edition)?;
        // Compared as points: a certificate may name its key in another form than the key's file does.
        let public = key.public_key().and_then(|spki| Certified::read(&spki));
        if public.is_none_or(|public| NodeId::new(public.point) != identity.node_id) {
            return Err(SettingsError::KeyMismatch {
                key_file: settings.key.file().to_owned(),
                certificate_file: settings.certificate.file().to_owned(),
                node_id: identity.node_id,
            });
        }
        Ok(Self {
            identity,
            trust,
            lists: settings.lists.clone(),
            edition: edition.clone(),
            certified: Arc::new(CertifiedKey::new(chain, key)),
        })
    }

    /// The certificates we show, leaf first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// Whether what a live peer showed still counts. One whose certificate has merely run out since stays until it
    /// reconnects: cutting it off would make a reload cost a quorum that a forgotten renewal has not yet cost.
    pub(crate) fn recheck(&self, peer: &VerifiedPeer, unix_time: u64, direction: Direction) -> Result<(), Refusal> {
        let Self { trust, lists, .. } = self;
        let as_of = |time| verify_as_of(&peer.chain, trust, lists, unix_time, time, direction).map(|_| ());
        match as_of(unix_time) {
            Err(refusal) if refusal.reason == RefusalReason::Expired => as_of(peer.verified_at),
            other => other,
        }
    }
}

fn signing_key(settings: &Settings, edition: &TlsEdition) -> Result<Arc<dyn rustls::sign::SigningKey>, SettingsError> {
    let bad = |found: String| SettingsError::Key {
        file: settings.key.file().to_owned(),
        found,
        curve: edition.curve,
    };
    let der =
        PrivateKeyDer::from_pem_slice(settings.key.bytes()).map_err(|_| bad("no private key in PEM".to_owned()))?;
    edition
        .provider
        .key_provider
        .load_private_key(der)
        .map_err(|error| bad(error.to_string()))
}

/// A peer whose certificate was accepted, with the chain it showed: a reload looks at it again.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedPeer {
    pub(crate) identity: PeerIdentity,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Seconds since 1970 when it was accepted.
    pub(crate) verified_at: u64,
}

/// The verifier of one handshake.
#[derive(Debug)]
pub(crate) struct Verifier {
    credentials: Arc<Credentials>,
    direction: Direction,
    expected: Option<NodeId>,
    outcome: Mutex<Option<Result<VerifiedPeer, Refusal>>>,
}

impl Verifier {
    fn new(credentials: Arc<Credentials>, direction: Direction, expected: Option<NodeId>) -> Arc<Self> {
        Arc::new(Self {
            credentials,
            direction,
            expected,
            outcome: Mutex::new(None),
        })
    }

    /// What was decided: nothing, when the handshake never came to a certificate.
    pub(crate) fn outcome(&self) -> Option<Result<VerifiedPeer, Refusal>> {
        self.outcome.lock().take()
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let chain: Vec<_> = [end_entity]
            .into_iter()
            .chain(intermediates)
            .map(|der| der.clone().into_owned())
            .collect();
        let Credentials { trust, lists, .. } = self.credentials.as_ref();
        let outcome = verify_peer(&chain, trust, lists, now.as_secs(), self.direction)
            .and_then(|identity| self.check_identity(identity))
            .map(|identity| VerifiedPeer {
                identity,
                chain,
                verified_at: now.as_secs(),
            });
        let answer = match &outcome {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Error::InvalidCertificate(certificate_error(refusal.reason))),
        };
        *self.outcome.lock() = Some(outcome);
        answer
    }

    /// All that can be verified, not only those of nodes' keys: with another kind of key a peer shall come as far as being told so.
    fn schemes(&self) -> Vec<SignatureScheme> {
        self.credentials.edition.algorithms().supported_schemes()
    }

    /// An identity runs once: ours at the far end is either ourselves, dialled by mistake, or a copy of our key.
    fn check_identity(&self, identity: PeerIdentity) -> Result<PeerIdentity, Refusal> {
        let found = identity.node_id;
        let mismatch = |detail| Err(Refusal::new(RefusalReason::IdentityMismatch, detail).of(found));
        if found == self.credentials.identity.node_id {
            return mismatch("the peer holds our own key; an identity runs at most once".to_owned());
        }
        match self.expected {
            Some(expected) if expected != found => mismatch(format!(
                "nodeID {expected} is configured for this address, {found} answered"
            )),
            _ => Ok(identity),
        }
    }

    fn verify_key(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let edition = &self.credentials.edition;
        (edition.verify_handshake)(message, cert, dss, edition.algorithms()).inspect_err(|_| {
            let mut outcome = self.outcome.lock();
            if let Some(Ok(peer)) = outcome.as_ref() {
                let node_id = peer.identity.node_id;
                *outcome = Some(Err(refuse_signature(edition, &node_id, message, dss.signature())));
            }
        })
    }
}

/// Why a handshake's signature that does not hold does not. It is asked after the refusal, so that those that hold do not pay for it.
fn refuse_signature(edition: &TlsEdition, node_id: &NodeId, message: &[u8], signature: &[u8]) -> Refusal {
    let point = [&[4], node_id.as_bytes().as_slice()].concat();
    // Where an edition signs certificates and handshakes alike, what failed as the one fails as the other.
    let mut as_certificates = edition.algorithms().all.iter();
    let (reason, what) = if !is_signature_in_der(signature) {
        (
            RefusalReason::MalformedSignature,
            "and signs with what is no r and s in DER",
        )
    } else if as_certificates.any(|algorithm| algorithm.verify_signature(&point, message, signature).is_ok()) {
        (
            RefusalReason::WrongIdentifier,
            "and signs the handshake under the identifier of certificates (RFC 8998, section 3.2.1)",
        )
    } else {
        (RefusalReason::IdentityMismatch, "and does not hold its key")
    };
    Refusal::new(reason, format!("the peer shows the certificate of {node_id} {what}"))
}

/// The error that makes rustls send the alert closest to a reason, so that the other side's log can say more than "no".
const fn certificate_error(reason: RefusalReason) -> CertificateError {
    match reason {
        RefusalReason::Expired => CertificateError::Expired,
        RefusalReason::NotYetValid => CertificateError::NotValidYet,
        RefusalReason::ForeignChain | RefusalReason::SelfSigned => CertificateError::UnknownIssuer,
        RefusalReason::Blacklisted => CertificateError::Revoked,
        RefusalReason::WrongUsage | RefusalReason::OtherCurve | RefusalReason::UnsupportedAlgorithm => {
            CertificateError::InvalidPurpose
        }
        RefusalReason::Malformed | RefusalReason::MalformedSignature | RefusalReason::KeyOffCurve => {
            CertificateError::BadEncoding
        }
        _ => CertificateError::ApplicationVerificationFailure,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, now)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_key(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, now)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_key(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// The configuration of one accepted connection. No tickets, no stored sessions, no early data: a resumed session would
/// skip the lists.
pub(crate) fn server(credentials: &Arc<Credentials>) -> Result<(Arc<ServerConfig>, Arc<Verifier>), Error> {
    let verifier = Verifier::new(Arc::clone(credentials), Direction::Inbound, None);
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&credentials.edition.provider))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::clone(&verifier) as Arc<dyn ClientCertVerifier>)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&credentials.certified))));
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok((Arc::new(config), verifier))
}

/// The configuration of one dialled connection; `expected` is who has to answer, if that is known.
pub(crate) fn client(
    credentials: &Arc<Credentials>,
    expected: Option<NodeId>,
) -> Result<(Arc<ClientConfig>, Arc<Verifier>), Error> {
    let verifier = Verifier::new(Arc::clone(credentials), Direction::Outbound, expected);
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&credentials.edition.provider))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&credentials.certified))));
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.enable_early_data = false;
    Ok((Arc::new(config), verifier))
}

/// How a handshake ended that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeFailure {
    /// We do not let the peer in.
    #[error("{0}")]
    Refused(Refusal),
    /// The peer does not let us in.
    #[error("the peer refused us: {0}")]
    RefusedByPeer(Refusal),
    /// Neither: it went away, or is too slow.
    #[error("{0}")]
    Lost(String),
}

/// What a TLS error means: whose refusal, for which reason.
pub(crate) fn classify(error: &std::io::Error, verifier: &Verifier) -> HandshakeFailure {
    if let Some(Err(refusal)) = verifier.outcome() {
        return HandshakeFailure::Refused(refusal);
    }
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return HandshakeFailure::Lost(error.to_string());
    };
    let refused = |reason, detail: String| HandshakeFailure::Refused(Refusal::new(reason, detail));
    match tls {
        Error::AlertReceived(alert) => HandshakeFailure::RefusedByPeer(refusal_of_alert(*alert)),
        Error::PeerIncompatible(what) if has_nothing_in_common(what) => refused(
            RefusalReason::OtherEdition,
            format!("the peer has no suite, group or signature of this edition ({what:?}); {EDITIONS}"),
        ),
        Error::PeerIncompatible(what) => refused(
            RefusalReason::ProtocolVersion,
            format!("the peer does not speak TLS 1.3 as we do ({what:?})"),
        ),
        Error::NoCertificatesPresented => refused(RefusalReason::NoCertificate, NO_CERTIFICATE.to_owned()),
        Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare) => refused(
            RefusalReason::KeyOffCurve,
            "the peer's share of the handshake's key is no point of the curve".to_owned(),
        ),
        other => refused(RefusalReason::Malformed, format!("TLS: {other}")),
    }
}

/// What is said where two ends have nothing in common.
const EDITIONS: &str = "nodes of the standard and of the SM edition do not speak with each other";
/// What is said of a peer that shows nothing, as one does whose key is of a kind that was not asked for.
pub(crate) const NO_CERTIFICATE: &str =
    "no certificate presented, or one with a key that this edition does not sign with";

const fn has_nothing_in_common(what: &PeerIncompatible) -> bool {
    matches!(
        what,
        PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
    )
}

fn refusal_of_alert(alert: AlertDescription) -> Refusal {
    let (reason, meaning) = match alert {
        AlertDescription::CertificateExpired => (RefusalReason::Expired, "our certificate is not valid at its time"),
        AlertDescription::UnknownCA => (RefusalReason::ForeignChain, "it does not trust our chain certificate"),
        AlertDescription::CertificateRevoked => (RefusalReason::Blacklisted, "we are on its blacklist"),
        AlertDescription::UnsupportedCertificate => (RefusalReason::WrongUsage, "our certificate has another usage"),
        AlertDescription::BadCertificate => (RefusalReason::Malformed, "it cannot read our certificate"),
        AlertDescription::AccessDenied | AlertDescription::CertificateUnknown => {
            (RefusalReason::NotWhitelisted, "it does not accept our identity")
        }
        AlertDescription::ProtocolVersion => (RefusalReason::ProtocolVersion, "it does not speak TLS 1.3"),
        AlertDescription::CertificateRequired => (RefusalReason::NoCertificate, "it got no certificate from us"),
        AlertDescription::HandshakeFailure => (
            RefusalReason::OtherEdition,
            "it has no suite, group or signature in common with us, as a node of the other edition has not",
        ),
        _ => (RefusalReason::Malformed, "it ended the handshake"),
    };
    Refusal::new(reason, format!("{meaning} (TLS alert {alert:?})"))
}
