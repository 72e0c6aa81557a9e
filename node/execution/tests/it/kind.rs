//! What kinds of groups there are.

use std::sync::Arc;

use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_execution::Rules;
use althing_types::HashFn;
use althing_types::genesis::{Cryptography, EvmHash};
use p256::pkcs8::{EncodePrivateKey, LineEnding};

/// What genesis says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) cryptography: Cryptography,
    pub(crate) evm_hash: EvmHash,
}

impl Kind {
    pub(crate) fn suite(self) -> Arc<dyn Suite> {
        match self.cryptography {
            Cryptography::Standard => Arc::new(StandardSuite),
            Cryptography::Sm => Arc::new(SmSuite),
        }
    }

    /// A node's key as a file.
    pub(crate) fn node_pem(self, secret: &[u8; 32]) -> String {
        let pem = match self.cryptography {
            Cryptography::Standard => p256::SecretKey::from_slice(secret)
                .unwrap()
                .to_pkcs8_pem(LineEnding::LF),
            Cryptography::Sm => sm2::SecretKey::from_slice(secret).unwrap().to_pkcs8_pem(LineEnding::LF),
        };
        pem.unwrap().to_string()
    }

    pub(crate) fn rules(self) -> Rules {
        Rules::of_version(1, self.suite(), self.evm_hash).unwrap()
    }

    /// What its EVM hashes with.
    pub(crate) fn evm_hash(self) -> HashFn {
        match self.evm_hash {
            EvmHash::Keccak256 => StandardSuite.hash_fn(),
            EvmHash::Sm3 => SmSuite.hash_fn(),
        }
    }
}
