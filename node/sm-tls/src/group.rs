//! The group curveSM2: Diffie-Hellman on the curve of SM2, with a key for one handshake.

use elliptic_curve::Generate;
use elliptic_curve::ecdh::EphemeralSecret;
use elliptic_curve::sec1::ToSec1Point;
use getrandom::SysRng;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use sm2::{PublicKey, Sec1Point, Sm2};

use crate::CURVE_SM2_NAME;

/// Octets of a point: 4, x and y.
const POINT_LEN: usize = 65;

/// The group 41 as rustls takes it.
pub static CURVE_SM2: &dyn SupportedKxGroup = &CurveSm2;

#[derive(Debug)]
struct CurveSm2;

impl SupportedKxGroup for CurveSm2 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = EphemeralSecret::<Sm2>::try_generate_from_rng(&mut SysRng).map_err(|_| GetRandomFailed)?;
        let share = secret.public_key().to_sec1_point(false);
        Ok(Box::new(KeyExchange { secret, share }))
    }

    fn name(&self) -> NamedGroup {
        CURVE_SM2_NAME
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

struct KeyExchange {
    secret: EphemeralSecret<Sm2>,
    share: Sec1Point,
}

impl ActiveKeyExchange for KeyExchange {
    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<SharedSecret, Error> {
        let peer = point(peer_share).ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = self.secret.diffie_hellman(&peer);
        Ok(SharedSecret::from(shared.raw_secret_bytes().as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        self.share.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        CURVE_SM2_NAME
    }
}

/// A point of the curve in the one form that TLS 1.3 has (RFC 8446, section 4.2.8.2) and certificates use. The curve's
/// cofactor is 1, so that the point at infinity, which this form cannot say, is the only one of low order.
pub(crate) fn point(octets: &[u8]) -> Option<PublicKey> {
    let uncompressed = octets.len() == POINT_LEN && octets.first() == Some(&4);
    uncompressed.then(|| PublicKey::from_sec1_bytes(octets).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn complete(peer_share: &[u8]) -> Result<Vec<u8>, Error> {
        let shared = CURVE_SM2.start().unwrap().complete(peer_share)?;
        Ok(shared.secret_bytes().to_vec())
    }

    fn check_refused(peer_share: &[u8]) {
        let invalid = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        assert_eq!(complete(peer_share), Err(invalid), "{}", hex::encode(peer_share));
    }

    fn share() -> Vec<u8> {
        CURVE_SM2.start().unwrap().pub_key().to_vec()
    }

    #[test]
    fn both_ends_come_to_the_same_secret_of_32_octets() {
        let (ours, theirs) = (CURVE_SM2.start().unwrap(), CURVE_SM2.start().unwrap());
        let (our_share, their_share) = (ours.pub_key().to_vec(), theirs.pub_key().to_vec());
        assert_ne!(our_share, their_share);
        let (ours, theirs) = (
            ours.complete(&their_share).unwrap(),
            theirs.complete(&our_share).unwrap(),
        );
        assert_eq!(ours.secret_bytes(), theirs.secret_bytes());
        assert_eq!(ours.secret_bytes().len(), 32);
    }

    #[test]
    fn the_group_is_for_tls_1_3_alone() {
        assert!(CURVE_SM2.usable_for_version(ProtocolVersion::TLSv1_3));
        assert!(!CURVE_SM2.usable_for_version(ProtocolVersion::TLSv1_2));
    }

    #[test]
    fn a_share_of_another_length_is_refused() {
        let share = share();
        for length in 0..share.len() {
            check_refused(&share[..length]);
        }
        check_refused(&[share.as_slice(), &[0]].concat());
    }

    #[test]
    fn the_point_at_infinity_is_refused() {
        check_refused(&[0]);
        check_refused(&[0; POINT_LEN]);
        check_refused(&[&[4][..], &[0; 64]].concat());
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut off_curve = share();
        off_curve[POINT_LEN - 1] ^= 1;
        check_refused(&off_curve);
        // The generator of P-256, a point of a curve with the same length of coordinates.
        check_refused(
            &hex::decode(
                "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                 4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            )
            .unwrap(),
        );
    }

    #[test]
    fn a_coordinate_that_is_not_below_the_prime_is_refused() {
        // 0 written as p; and the largest there is.
        let prime = "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff";
        check_refused(&hex::decode(format!("04{prime}{prime}")).unwrap());
        check_refused(&[&[4][..], &[0xff; 64]].concat());
    }

    #[test]
    fn a_share_in_another_form_is_refused() {
        let share = share();
        let odd = share[POINT_LEN - 1] & 1;
        check_refused(&[&[2 + odd], &share[1..33]].concat());
        check_refused(&[&[5], &share[1..33]].concat());
        check_refused(&[&[6 + odd], &share[1..]].concat());
    }

    proptest! {
        #[test]
        fn no_octets_are_a_share(octets in prop::collection::vec(any::<u8>(), 0..100)) {
            check_refused(&octets);
        }

        #[test]
        fn no_octets_of_the_right_length_are_a_share(coordinates in prop::collection::vec(any::<u8>(), 64)) {
            check_refused(&[&[4], coordinates.as_slice()].concat());
        }

        #[test]
        fn a_flipped_bit_makes_a_share_none(bit in 0..POINT_LEN * 8) {
            let mut changed = share();
            changed[bit / 8] ^= 1 << (bit % 8);
            check_refused(&changed);
        }
    }
}
