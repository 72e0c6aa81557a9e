//! Published examples, and what OpenSSL computes.

use althing_sm_tls::{SUPPORTED_ALGORITHMS, TLS13_SM4_GCM_SM3};

use crate::common::file;

#[test]
fn sm3_is_as_the_examples_of_gb_t_32905_say() {
    let hash = |data: &[u8]| hex::encode(TLS13_SM4_GCM_SM3.common.hash_provider.hash(data));
    assert_eq!(
        hash(b"abc"),
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    );
    assert_eq!(
        hash(&b"abcd".repeat(16)),
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    );
}

#[test]
fn a_transcript_in_pieces_hashes_as_the_whole() {
    let provider = TLS13_SM4_GCM_SM3.common.hash_provider;
    let mut transcript = provider.start();
    transcript.update(b"abcd");
    let mut fork = transcript.fork();
    assert_eq!(transcript.fork_finish().as_ref(), provider.hash(b"abcd").as_ref());
    fork.update(b"efgh");
    transcript.update(b"ijkl");
    assert_eq!(fork.finish().as_ref(), provider.hash(b"abcdefgh").as_ref());
    assert_eq!(transcript.finish().as_ref(), provider.hash(b"abcdijkl").as_ref());
}

/// GB/T 32918.5, annex A.2.
#[test]
fn the_signature_of_gb_t_32918_is_accepted() {
    let key = hex::decode(
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
         ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
    )
    .unwrap();
    let signature = hex::decode(
        "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
         022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    )
    .unwrap();
    let verify = |message: &[u8]| {
        let algorithm = *SUPPORTED_ALGORITHMS.all.first().unwrap();
        algorithm.verify_signature(&key, message, &signature).is_ok()
    };
    assert!(verify(b"message digest"));
    assert!(!verify(b"message digesT"));
}

/// Lines of testdata/hkdf.txt: key, salt, information and what OpenSSL makes of them.
#[test]
fn hkdf_over_sm3_is_that_of_openssl() {
    let text = String::from_utf8(file("hkdf.txt")).unwrap();
    let part = |digits: &str| hex::decode(if digits == "-" { "" } else { digits }).unwrap();
    let mut cases = 0;
    for line in text.lines() {
        let [key, salt, info, expected] = line.split(' ').map(part).collect::<Vec<_>>().try_into().unwrap();
        let salt = (!salt.is_empty()).then_some(salt.as_slice());
        let expander = TLS13_SM4_GCM_SM3.hkdf_provider.extract_from_secret(salt, &key);
        let mut output = vec![0; expected.len()];
        // In two pieces, as TLS hands over its labels.
        let (first, second) = info.split_at(info.len() / 2);
        expander.expand_slice(&[first, second], &mut output).unwrap();
        assert_eq!(hex::encode(output), hex::encode(expected), "{line}");
        cases += 1;
    }
    assert_eq!(cases, 4);
}
