//! Private keys as files hold them: PKCS#8 and SEC1 in PEM, as OpenSSL, FISCO's tools and the operator write them.

use p256::pkcs8::PrivateKeyInfoRef;
use p256::pkcs8::der::asn1::ObjectIdentifier;
use p256::pkcs8::der::{Decode, pem};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::KeyError;
use crate::curve::Curve;

/// Bytes a key file may have.
const KEY_FILE_BYTES_MAX: usize = 16 * 1024;
/// `id-ecPublicKey`: the algorithm of a key whose curve is the parameter.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The end of the block that OpenSSL's `ecparam` writes before a key, by any curve's name. The key says its curve itself.
const PARAMETERS_END: &str = " PARAMETERS-----";

/// Names of curves, for refusals.
const CURVES: [(ObjectIdentifier, &str); 3] = [
    (crate::standard::P256.oid, crate::standard::P256.name),
    (crate::standard::SECP256K1.oid, crate::standard::SECP256K1.name),
    (crate::sm::SM2.oid, crate::sm::SM2.name),
];

/// The number of the private key on this curve that a PEM text holds.
pub(crate) fn secret(text: &str, curve: &Curve) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let malformed = |why: String| KeyError::Malformed { curve: curve.name, why };
    if text.len() > KEY_FILE_BYTES_MAX {
        let why = format!("it has {} bytes, at most {KEY_FILE_BYTES_MAX} are accepted", text.len());
        return Err(malformed(why));
    }
    let text = text.rsplit_once(PARAMETERS_END).map_or(text, |(_, key)| key);
    let (label, der) = pem::decode_vec(text.trim_start().as_bytes()).map_err(|e| malformed(e.to_string()))?;
    let der = Zeroizing::new(der);
    match label {
        "PRIVATE KEY" => {
            let info = PrivateKeyInfoRef::from_der(&der).map_err(|e| malformed(e.to_string()))?;
            let named = match info.algorithm.oid {
                EC_PUBLIC_KEY => info.algorithm.parameters_oid().map_err(|e| malformed(e.to_string()))?,
                // GB/T 35276 lets the curve itself stand as the algorithm.
                oid => oid,
            };
            is_wanted(named, curve)?;
            let key = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(|e| malformed(e.to_string()))?;
            let point = info.public_key.and_then(|bits| bits.as_bytes());
            number(&key, point, curve)
        }
        // OpenSSL 3 writes the second for a key on this one curve.
        "EC PRIVATE KEY" | "SM2 PRIVATE KEY" => {
            let key = EcPrivateKey::from_der(&der).map_err(|e| malformed(e.to_string()))?;
            if key.parameters.is_none() {
                return Err(malformed("it does not say its curve".to_owned()));
            }
            number(&key, None, curve)
        }
        "ENCRYPTED PRIVATE KEY" => Err(malformed(
            "it is encrypted, and nobody is here to ask for its password".to_owned(),
        )),
        // The label is not said: a broken file might have anything there.
        _ => Err(malformed(
            "its label is neither PRIVATE KEY nor EC PRIVATE KEY".to_owned(),
        )),
    }
}

/// The number itself, after everything that the file says about it was found to fit.
fn number(key: &EcPrivateKey<'_>, point: Option<&[u8]>, curve: &Curve) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let malformed = |why: String| KeyError::Malformed { curve: curve.name, why };
    if let Some(EcParameters::NamedCurve(named)) = key.parameters {
        is_wanted(named, curve)?;
    }
    let found = key.private_key;
    let secret = <[u8; 32]>::try_from(found)
        .map_err(|_| malformed(format!("its number has {} bytes, accepted are 32", found.len())))?;
    let secret = Zeroizing::new(secret);
    let own = (curve.public_key)(&secret).ok_or_else(|| curve.out_of_range())?;
    match [key.public_key, point]
        .into_iter()
        .flatten()
        .all(|point| is_of(point, &own))
    {
        true => Ok(secret),
        false => Err(malformed("its public key is another private key's".to_owned())),
    }
}

/// Refuses a key of another curve by the name of its curve.
fn is_wanted(found: ObjectIdentifier, curve: &Curve) -> Result<(), KeyError> {
    if found == curve.oid {
        return Ok(());
    }
    let name = CURVES.iter().find(|(oid, _)| *oid == found);
    Err(KeyError::OtherCurve {
        curve: curve.name,
        found: name.map_or_else(|| found.to_string(), |(_, name)| (*name).to_owned()),
    })
}

/// Whether a point, compressed or not, is this public key.
fn is_of(point: &[u8], public_key: &[u8; 64]) -> bool {
    let (x, y) = public_key.split_at(32);
    match point {
        [4, coordinates @ ..] => coordinates == public_key,
        [sign @ (2 | 3), found @ ..] => found == x && y.last().is_some_and(|low| low & 1 == sign & 1),
        _ => false,
    }
}
