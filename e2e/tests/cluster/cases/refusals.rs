//! What a schema or a rule of it can refuse is refused at apply, with a sentence that says what is accepted.

use althing_e2e::cluster::Case;
use anyhow::{Context, bail, ensure};

use super::consortium::{API, group, manifests, node, uid};

/// What the API server refuses: what is applied, and what its sentence must say is accepted.
fn refused() -> Vec<(&'static str, String, &'static str)> {
    let consortium = |spec: &str| format!("{API}\nkind: Consortium\nmetadata: {{name: other}}\nspec: {{{spec}}}\n");
    let group = |more: &str| group("group-2", 2, more);
    let changed = |what: &str, to: &str| manifests(1).replace(what, to);
    let supported = "supported values";
    vec![
        ("a name too long", node(&"n".repeat(41), ""), "1 to 40 of a-z"),
        (
            "another chain id",
            changed("chainId: 20260", "chainId: 20261"),
            "spec.chainId is immutable",
        ),
        (
            "another cryptography",
            changed("cryptography: Standard", "cryptography: SM"),
            "spec.cryptography is immutable",
        ),
        (
            "a cryptography that is none",
            consortium("chainId: 1, cryptography: RSA, registrar: {managed: {}}"),
            supported,
        ),
        (
            "a key that is made and bought",
            consortium("chainId: 1, cryptography: Standard, registrar: {managed: {}, secretName: bought}"),
            "exactly one of managed and secretName",
        ),
        (
            "neither a key nor trust",
            consortium("chainId: 1, cryptography: Standard"),
            "spec.registrar",
        ),
        (
            "another agency",
            node("node-0", "").replace("agency-a", "agency-b"),
            "spec.agency is immutable",
        ),
        ("a level that is none", node("n", "log: {level: Loud}"), supported),
        (
            "a service type that is none",
            node("n", "p2p: {service: NodePorts}"),
            supported,
        ),
        (
            "a port that is none",
            node("n", "p2p: {port: 70000}"),
            "less than or equal to 65535",
        ),
        (
            "an address with a line more",
            node("n", "p2p: {advertise: \"a:1\\n[evil]\"}"),
            "should match",
        ),
        ("a nodeID too short", node("n", "p2p: {deny: [abc]}"), "128"),
        (
            "a size that is none",
            node("n", "storage: {size: huge}"),
            "should match",
        ),
        (
            "another storage class",
            node("n", "storage: {storageClassName: other}")
                + "---\n"
                + &node("n", "storage: {storageClassName: third}"),
            "spec.storage.storageClassName is immutable",
        ),
        (
            "somebody else's node with an image",
            node("n", "image: x, external: {address: \"a:1\"}"),
            "spec.external excludes image",
        ),
        (
            "another genesis",
            changed("maxTransactions: 1000", "maxTransactions: 999"),
            "spec.genesis is immutable as a whole",
        ),
        (
            "another number",
            changed("groupId: 1", "groupId: 3"),
            "spec.groupId is immutable",
        ),
        ("nobody who seals", group("sealers: []"), "at least 1"),
        ("a sealer twice", group("sealers: [node-0, node-0]"), "uplicate"),
        (
            "a consensus that is none",
            group("sealers: [node-0]\n    consensus: {type: PoW}"),
            supported,
        ),
        (
            "a timeout that is none",
            group("sealers: [node-0]\n    consensus: {timeout: soon}"),
            "should match",
        ),
        (
            "Aura without its clock",
            group("sealers: [node-0]\n    consensus: {type: Aura}"),
            "Aura needs heartbeat",
        ),
        (
            "a hash that is none",
            group("sealers: [node-0]\n    hash: abc"),
            "at least 66 chars",
        ),
    ]
}

pub(crate) async fn what_a_schema_can_refuse_is_refused_with_what_is_accepted(case: Case) -> anyhow::Result<()> {
    althing_e2e::operator::definitions(&case).await?;
    case.apply(&manifests(1)).await?;
    let before = uid(&case, "ledgergroup/group-1").await?;
    for (name, yaml, accepted) in refused() {
        let sentence = case.refused(&yaml).await.with_context(|| name.to_owned())?;
        let is_said = sentence.to_lowercase().contains(&accepted.to_lowercase());
        ensure!(is_said, "{name}: {accepted:?} is not said: {sentence}");
    }
    let label = ["label", "namespace", case.namespace(), "--overwrite"];
    let wrong = [&label[..], &["pod-security.kubernetes.io/enforce=strict"]].concat();
    let refusal = match case.kubectl(&wrong).await {
        Ok(said) => bail!("a policy that is none was accepted: {said}"),
        Err(refusal) => format!("{refusal:#}"),
    };
    ensure!(refusal.contains("restricted"), "{refusal}");
    ensure!(
        uid(&case, "ledgergroup/group-1").await? == before,
        "what was there has changed"
    );
    Ok(())
}
