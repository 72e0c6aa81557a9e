//! Which peers were refused, and why.

use super::{Finding, Patient, log};

const LAST_LINES: usize = 3;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = patient
        .samples("althing_network_refused")
        .filter(|sample| sample.value > 0.0)
        .map(|sample| refused(patient, sample.label("reason"), sample.value))
        .collect();
    if patient.node.pid.is_some() && patient.facts.peers == Some(0) && !patient.facts.groups.is_empty() {
        findings.push(Finding::problem(
            patient.name(),
            "is connected to nobody",
            "none of the peers in its nodes.json answers, or they refuse it",
            "look at the other nodes' findings; for nodes elsewhere check their address in the manifest and that their p2p port is reachable",
        ));
    }
    findings
}

fn refused(patient: &Patient<'_>, reason: &str, count: f64) -> Finding {
    let (why, advice) = explain(reason);
    let lines = log::last_lines_with(
        &patient.node.folder,
        &patient.node.output,
        &["refuse", reason],
        LAST_LINES,
    );
    let why = if lines.is_empty() {
        why.to_owned()
    } else {
        format!("{why}\n{lines}")
    };
    Finding::warning(
        patient.name(),
        format!("refused peers {count} times since its start ({reason})"),
        why,
        advice,
    )
}

/// A reason of `althing_network_refused_total` in words.
fn explain(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "foreign_chain" => (
            "the peer's certificate is of another chain",
            "check the chain certificates in conf/ on both sides: both must trust the same one",
        ),
        "expired" => (
            "a certificate of the peer has expired",
            "renew it: althing up on the machine that issued it, and check its clock",
        ),
        "not_yet_valid" => (
            "a certificate of the peer is not valid yet",
            "set the clocks: one of the two is wrong",
        ),
        "wrong_usage" => (
            "the peer showed a certificate that is not one of a node",
            "give the peer its node certificate, not an agency's, sdk's or admin's",
        ),
        "self_signed" => (
            "the peer's certificate signs itself",
            "have the peer's certificate issued by its agency",
        ),
        "blacklisted" => (
            "the peer is on this node's blacklist",
            "if it should be let in, take it off the deny list (or the revocations) in the manifests",
        ),
        "not_whitelisted" => (
            "this node has a whitelist and the peer is not on it",
            "add its nodeID to the allow list in the manifest, or clear the list",
        ),
        "identity_mismatch" => (
            "somebody answers with another nodeID than expected",
            "check the peer's address and nodeID: two nodes may share an address, or a node got a new key",
        ),
        "protocol_version" => (
            "the peer speaks another version (TLS below 1.3, or another protocol)",
            "bring both nodes to versions that speak to each other",
        ),
        "duplicate" => (
            "the peer's identity is connected already from another process",
            "an identity must run only once: find the second copy and stop it",
        ),
        "malformed" => (
            "the peer sent what the protocol does not know",
            "something else dials the p2p port, or the peer is damaged; see the log for its address",
        ),
        "limit" => (
            "a limit is reached: peers, handshakes, or earlier offences",
            "raise max_nodes_limit if so many peers are wanted; see the log for who it was",
        ),
        "other_edition" => (
            "the peer speaks TLS of the other edition, standard or SM",
            "nodes of the two editions never connect: take the peer's address out, or check cryptography in the manifest of its Consortium",
        ),
        "other_curve" => (
            "the peer's key is on the curve of the other edition, though its agency is of this one",
            "have the peer's certificate issued for a key of this edition: a node's key is made once, so that it is another node",
        ),
        "key_off_curve" => (
            "a key that the peer showed is no point of the curve",
            "the peer's certificate or its program is damaged: have the certificate issued again by its agency",
        ),
        "malformed_signature" => (
            "a signature that the peer showed is cut short, or not in the one form that it has",
            "the peer's certificate or its program is damaged: have the certificate issued again by its agency",
        ),
        "wrong_identifier" => (
            "the peer signs handshakes with SM2 under the identifier of certificates",
            "its TLS does not follow RFC 8998, section 3.2.1: it is no node of this program",
        ),
        "unsupported_algorithm" => (
            "a certificate of the peer is signed with an algorithm that this edition does not have",
            "have its agency's certificate issued under a chain certificate of this edition, for a key of this edition",
        ),
        "no_certificate" => (
            "the peer shows no certificate",
            "something else dials the p2p port, or a node whose key is of the other edition; see the log for its address",
        ),
        _ => ("see the log", "see the log of the node for the peer and the cause"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;

    #[test]
    fn a_refused_peer_is_explained_with_the_line_that_names_it() {
        let log = "2026 WARN peer refused peer=\"8da0ab3c\" reason=expired detail=\"it ended\"\n2026 INFO other\n";
        let metrics = [
            "althing_network_refused_total{reason=\"expired\"} 3",
            "althing_network_refused_total{reason=\"limit\"} 0",
        ];
        let case = Case::new(log, &metrics);
        let [finding] = &examine(&case.patient())[..] else {
            panic!("one reason was counted");
        };
        assert_eq!(finding.what, "refused peers 3 times since its start (expired)");
        assert!(finding.why.starts_with("a certificate of the peer has expired") && finding.why.contains("8da0ab3c"));
        assert!(finding.advice.contains("renew it"));
    }

    #[test]
    fn every_known_reason_has_words_of_its_own() {
        let reasons = [
            "foreign_chain",
            "expired",
            "not_yet_valid",
            "wrong_usage",
            "self_signed",
            "blacklisted",
            "not_whitelisted",
            "identity_mismatch",
            "protocol_version",
            "duplicate",
            "malformed",
            "limit",
            "other_edition",
            "other_curve",
            "key_off_curve",
            "malformed_signature",
            "wrong_identifier",
            "unsupported_algorithm",
            "no_certificate",
        ];
        for reason in reasons {
            assert_ne!(explain(reason), explain("?"), "{reason}");
        }
    }
}
