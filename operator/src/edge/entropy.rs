//! The system's randomness.

use ring::rand::{SecureRandom, SystemRandom};

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoEntropy;

/// Runs `make` with the system's randomness. When the system refuses it, what was made is thrown away.
pub fn with_entropy<T>(make: impl FnOnce(&mut dyn FnMut(&mut [u8])) -> T) -> Result<T, NoEntropy> {
    let random = SystemRandom::new();
    let mut refused = false;
    let made = make(&mut |bytes: &mut [u8]| refused |= random.fill(bytes).is_err());
    match refused {
        true => Err(NoEntropy),
        false => Ok(made),
    }
}
