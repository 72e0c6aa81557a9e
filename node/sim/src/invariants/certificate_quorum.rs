//! Certificate quorum: beside every block an honest node writes lies a certificate of that block, by a quorum of that
//! height's sealers, checked with the true suite (LEDGER.md 3).

use alloy_primitives::B256;
use althing_consensus::verify_certificate;
use althing_types::SealerSet;

use crate::oracle::{Commitment, Verdict, Violation};
use crate::suite::Crypto;

/// What certificates are checked with.
#[derive(Debug)]
pub struct CertificateQuorum {
    crypto: Crypto,
    genesis: B256,
}

impl CertificateQuorum {
    /// With this suite, for this ledger.
    pub fn new(crypto: &Crypto, genesis: B256) -> Self {
        Self {
            crypto: crypto.clone(),
            genesis,
        }
    }

    /// A block was decided by these sealers.
    pub fn committed(&self, commitment: &Commitment<'_>, sealers: &SealerSet) -> Verdict {
        let Commitment {
            node,
            block,
            hash,
            certificate,
        } = *commitment;
        let broken = |what: String| {
            let what = format!("node {node}, height {}: {what}", block.height);
            Err(Violation {
                invariant: "certificate quorum",
                what,
            })
        };
        if (certificate.height, certificate.block) != (block.height, hash) {
            return broken(format!(
                "the certificate is for {} of height {}",
                certificate.block, certificate.height
            ));
        }
        match verify_certificate(certificate, self.crypto.suite.as_ref(), self.genesis, sealers) {
            Ok(()) => Ok(()),
            Err(error) => broken(error.to_string()),
        }
    }
}
