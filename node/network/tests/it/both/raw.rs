//! A peer that does what no node does: shows any certificate, claims any name, writes any bytes. It builds frames from
//! the documented layout, not from the code under test.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use althing_network::Lane;
use althing_types::NodeId;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, NamedGroup, SignatureAlgorithm, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::edition;
use super::pki::{Edition, NodeFiles};

/// Takes every server and keeps what it showed.
#[derive(Debug)]
struct Anybody(Edition);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider().signature_verification_algorithms.supported_schemes()
    }
}

type Sign = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A key that signs as the test wants it to, and says that this is the edition's scheme.
#[derive(Clone)]
struct Liar(Arc<Sign>, SignatureScheme);

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Liar")
    }
}

impl SigningKey for Liar {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(self.clone()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Liar {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok((self.0)(message))
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

/// A group of the edition whose shares are no points of its curve.
#[derive(Debug)]
struct BadShare(NamedGroup);

impl SupportedKxGroup for BadShare {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self(self.0)))
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}

impl ActiveKeyExchange for BadShare {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[7; 32][..]))
    }

    fn pub_key(&self) -> &[u8] {
        &[4; 65]
    }

    fn group(&self) -> NamedGroup {
        self.0
    }
}

static BAD_P256: BadShare = BadShare(NamedGroup::secp256r1);
static BAD_SM2: BadShare = BadShare(althing_sm_tls::CURVE_SM2_NAME);

/// Shows this certificate whatever is asked for, or none.
#[derive(Debug)]
struct Shown(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// How to dial.
pub(crate) struct Dial {
    pub(crate) certificate: Option<String>,
    pub(crate) key: String,
    pub(crate) version: &'static SupportedProtocolVersion,
    pub(crate) edition: Edition,
    /// Whether it offers a share of the handshake's key that is no point of the curve.
    pub(crate) has_bad_share: bool,
    /// How it signs handshakes, where not with its key.
    sign: Option<Arc<Sign>>,
}

impl Dial {
    pub(crate) fn new(files: &NodeFiles) -> Self {
        Self {
            certificate: Some(files.certificate.clone()),
            key: files.key.clone(),
            version: &rustls::version::TLS13,
            edition: edition(),
            has_bad_share: false,
            sign: None,
        }
    }

    /// As a peer that signs the handshake so.
    pub(crate) fn signing(files: &NodeFiles, sign: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self {
            sign: Some(Arc::new(sign)),
            ..Self::new(files)
        }
    }

    fn provider(&self) -> CryptoProvider {
        let mut provider = self.edition.provider();
        if self.has_bad_share {
            provider.kx_groups = match self.edition {
                Edition::Standard => vec![&BAD_P256],
                Edition::Sm => vec![&BAD_SM2],
            };
        }
        provider
    }

    fn signing_key(&self, provider: &CryptoProvider) -> Arc<dyn SigningKey> {
        let scheme = match self.edition {
            Edition::Standard => SignatureScheme::ECDSA_NISTP256_SHA256,
            Edition::Sm => althing_sm_tls::SM2SIG_SM3,
        };
        match &self.sign {
            Some(sign) => Arc::new(Liar(Arc::clone(sign), scheme)),
            None => {
                let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
                provider.key_provider.load_private_key(key).unwrap()
            }
        }
    }

    /// TLS only. With TLS 1.3 this may succeed before the server has looked at our certificate.
    pub(crate) async fn tls(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(self.provider());
        let shown = self.certificate.as_ref().map(|pem| {
            let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
                .collect::<Result<_, _>>()
                .unwrap();
            Arc::new(CertifiedKey::new(chain, self.signing_key(&provider)))
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[self.version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(self.edition)))
            .with_client_cert_resolver(Arc::new(Shown(shown)));
        let tcp = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("any.name").unwrap(), tcp)
            .await
    }

    /// Dials, gives the server time to decide, and says whether it hung up on us.
    pub(crate) async fn is_turned_away(&self, address: SocketAddr) -> bool {
        match self.tls(address).await {
            Err(_) => true,
            Ok(mut stream) => !matches!(stream.read(&mut [0; 1]).await, Ok(1..)),
        }
    }

    /// TLS and hello as a good node of this identity does it, with the server's hello read back.
    pub(crate) async fn greeted(&self, address: SocketAddr, node_id: NodeId, lane: Lane) -> Raw {
        let mut raw = Raw(self.tls(address).await.unwrap());
        raw.write(&frame(0, 1, &hello(node_id, lane))).await;
        let (group, module, _) = raw.read_frame().await.unwrap();
        assert_eq!((group, module), (0, 1), "the answer is a hello");
        raw
    }
}

/// A connection after TLS.
pub(crate) struct Raw(pub(crate) TlsStream<TcpStream>);

impl Raw {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next frame: group, module, payload.
    pub(crate) async fn read_frame(&mut self) -> std::io::Result<(u32, u16, Vec<u8>)> {
        let length = self.0.read_u32().await?;
        assert_eq!(self.0.read_u8().await?, 1);
        let (group, module) = (self.0.read_u32().await?, self.0.read_u16().await?);
        self.0.read_u32().await?;
        let mut payload = vec![0; length as usize - 11];
        self.0.read_exact(&mut payload).await?;
        Ok((group, module, payload))
    }

    /// Reads until the server hangs up.
    pub(crate) async fn is_closed(&mut self) {
        let mut sink = [0; 4_096];
        while matches!(self.0.read(&mut sink).await, Ok(1..)) {}
    }
}

pub(crate) fn frame(group: u32, module: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 11).to_be_bytes().to_vec();
    bytes.push(1);
    bytes.extend(group.to_be_bytes());
    bytes.extend(module.to_be_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(crate) fn hello(node_id: NodeId, lane: Lane) -> Vec<u8> {
    let mut bytes = vec![0, 1, u8::from(lane == Lane::Bulk)];
    bytes.extend(node_id.as_bytes());
    bytes.extend(77_u64.to_be_bytes());
    bytes.extend([0; 32]);
    bytes.push(3);
    bytes.extend(b"raw");
    bytes.extend([0, 0]);
    bytes
}
