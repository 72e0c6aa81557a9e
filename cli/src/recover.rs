//! `althing recover`: the document by which a group goes on that lost its quorum for ever. It is made from what an own node holds, signed
//! by own agencies, put together from what several agencies signed, and weighed; nothing is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use althing_governance::Governance;
use althing_operator::edge::local::LocalView;
use althing_operator::genesis::GenesisDocument;
use althing_operator::governance::ChainView;
use althing_operator::name::{AgencyName, GroupName, Namespace, NodeName};
use althing_operator::recovery;
use althing_types::genesis::Cryptography;
use althing_types::recovery::{RECOVERY_BYTES_MAX, parse_recovery, render_recovery};
use althing_types::{Address, B256, NodeId, Recovery, SealerSet};
use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::output::{self, Format};
use crate::{Common, chain, state};

/// Bytes a file with a document may have: its text is at most so much longer than its bytes.
const FILE_BYTES_MAX: u64 = 4 * RECOVERY_BYTES_MAX as u64;

#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The Group that lost its quorum
    group: String,
    /// Who seals from then on: Nodes by name, or nodeIDs, with commas between them
    #[arg(
        long,
        value_name = "NODES",
        value_delimiter = ',',
        required_unless_present = "documents"
    )]
    sealers: Vec<String>,
    /// A document that was made already: it is checked, and signed with --as. Given several times, their signatures are put together
    #[arg(long = "document", value_name = "FILE", conflicts_with_all = ["sealers", "replaces"])]
    documents: Vec<PathBuf>,
    /// As which agency of this machine to sign; may be given several times
    #[arg(long = "as", value_name = "AGENCY")]
    agencies: Vec<String>,
    /// The digest of an earlier recovery from the same block that led nowhere
    #[arg(long, value_name = "DIGEST")]
    replaces: Option<B256>,
    /// The namespace [default: the only one]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
}

/// What this machine knows of the group.
struct Scene {
    local: LocalView,
    namespace: Namespace,
    group: GroupName,
    genesis: GenesisDocument,
    nodes: BTreeMap<NodeName, NodeId>,
    /// The own node with the most blocks, what it says, and the hash of its newest block.
    teller: (NodeName, ChainView, B256),
}

/// Makes, signs or checks a recovery, and shows it with what it lacks.
pub(crate) async fn run(common: &Common, options: &Recover) -> anyhow::Result<bool> {
    let scene = Scene::look(common, options).await?;
    let mut document = match options.documents.is_empty() {
        true => scene.make(options)?,
        false => put_together(&options.documents, scene.genesis.genesis.cryptography)?,
    };
    scene.check(&document)?;
    for agency in &options.agencies {
        scene.sign(agency, &mut document)?;
    }
    let (_, view, _) = &scene.teller;
    let cryptography = scene.genesis.genesis.cryptography;
    Weighed::of(&document, &view.governance, cryptography)?.show(common.output)?;
    Ok(true)
}

impl Scene {
    async fn look(common: &Common, options: &Recover) -> anyhow::Result<Self> {
        let local = LocalView::new(&state::directory(common)?);
        let namespace = state::namespace(&local, options.namespace.as_deref())?;
        let group = GroupName::new(options.group.clone())?;
        let nodes = local.nodes()?.into_iter().map(|node| node.process);
        let nodes = nodes.filter(|process| process.namespace == namespace);
        let nodes = nodes.map(|process| (process.node, process.node_id)).collect();
        let teller = chain::newest(&local, &namespace, &group).await?;
        let teller = teller.with_context(|| {
            format!("no running node of {namespace} answers for group {group}; althing up starts them, althing status shows them")
        })?;
        let genesis = local.genesis(&namespace, &group)?;
        let genesis = genesis.with_context(|| format!("the genesis of group {group} is not recorded here"))?;
        Ok(Self {
            local,
            namespace,
            group,
            genesis,
            nodes,
            teller,
        })
    }

    /// A document about the newest block that survived here.
    fn make(&self, options: &Recover) -> anyhow::Result<Recovery> {
        let named: Vec<NodeId> = options
            .sealers
            .iter()
            .map(|text| self.node(text))
            .collect::<anyhow::Result<_>>()?;
        let sealers = SealerSet::new(named.clone());
        ensure!(sealers.len() == named.len(), "--sealers names a node twice");
        let (_, view, block) = &self.teller;
        Ok(Recovery {
            genesis: self.genesis.hash,
            group: self.genesis.genesis.group_id,
            height: view.now.height,
            block: *block,
            replaces: options.replaces,
            sealers,
            signatures: vec![],
        })
    }

    fn node(&self, text: &str) -> anyhow::Result<NodeId> {
        let own = NodeName::new(text).ok().and_then(|name| self.nodes.get(&name));
        match (own, text.parse()) {
            (Some(id), _) => Ok(*id),
            (None, Ok(id)) => Ok(id),
            (None, Err(_)) => {
                let known: Vec<_> = self.nodes.keys().map(NodeName::as_str).collect();
                bail!(
                    "--sealers {text}: no Node of {} and no nodeID of 128 hex digits; the Nodes here are {}",
                    self.namespace,
                    known.join(", ")
                )
            }
        }
    }

    /// Everything but the signatures' weight, against the newest block of this machine.
    fn check(&self, document: &Recovery) -> anyhow::Result<()> {
        let (node, view, block) = &self.teller;
        let everybody: BTreeSet<Address> = view.governance.seats().keys().copied().collect();
        let newest = (view.now.height, *block);
        let checked = view.governance.check_recovery(document, newest, &everybody);
        checked.with_context(|| {
            format!(
                "Node {node}, which has the most blocks here, cannot follow this document for group {}",
                self.group
            )
        })
    }

    fn sign(&self, name: &str, document: &mut Recovery) -> anyhow::Result<()> {
        let voices = self.local.voices(&self.namespace)?;
        let agency = voices.iter().find(|voice| voice.as_str() == name).with_context(|| {
            let known: Vec<_> = voices.iter().map(AgencyName::as_str).collect();
            format!(
                "--as {name}: no governance key of it is in {}; there are {}",
                self.namespace,
                known.join(", ")
            )
        })?;
        let key = self.local.governance_key(&self.namespace, agency)?;
        let seats = self.teller.1.governance.seats();
        let is_seat = key
            .public()
            .account()
            .is_some_and(|account| seats.contains_key(&account));
        ensure!(is_seat, "--as {name}: it has no seat in group {}", self.group);
        recovery::sign(&key, document).with_context(|| format!("sign as {name}"))
    }
}

/// A document and how much of the committee stands behind it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Weighed {
    digest: B256,
    group: u32,
    height: u64,
    block: B256,
    sealers: Vec<NodeId>,
    /// How many of them must agree on a block.
    quorum: usize,
    /// The weight of the seats that signed.
    signed: u64,
    /// The weight it takes.
    needed: u64,
    /// The text, as it goes into `spec.recovery` and into `group.N.recovery`.
    document: String,
}

impl Weighed {
    fn of(document: &Recovery, governance: &Governance, cryptography: Cryptography) -> anyhow::Result<Self> {
        Ok(Self {
            digest: recovery::digest(document, cryptography),
            group: document.group.into(),
            height: document.height,
            block: document.block,
            sealers: document.sealers.as_slice().to_vec(),
            quorum: document.sealers.quorum(),
            signed: governance.weight_of(&recovery::signers(document, cryptography)?),
            needed: governance.needed(),
            document: render_recovery(document),
        })
    }

    /// What the document says and lacks, in words.
    fn sentence(&self) -> String {
        let lacks = match self.needed.saturating_sub(self.signed) {
            0 => "enough: it counts as soon as the nodes have it, in spec.recovery of the Group of every agency"
                .to_owned(),
            missing => {
                format!("weight {missing} is missing: let another agency sign it with --document FILE --as AGENCY")
            }
        };
        let Self {
            digest,
            group,
            height,
            sealers,
            quorum,
            signed,
            needed,
            ..
        } = self;
        format!(
            "recovery {digest}: group {group} goes on from block {height} with {} sealers, of which {quorum} must agree on a block; signed with weight {signed} of {needed} needed, {lacks}",
            sealers.len()
        )
    }

    /// The text goes to standard output and the sentence beside it, so that a redirection makes the file; for scripts both are one
    /// document.
    fn show(&self, format: Format) -> anyhow::Result<()> {
        match format {
            Format::Json => output::json(self),
            Format::Table => {
                output::text(&self.document)?;
                output::line_to_stderr(&self.sentence());
                Ok(())
            }
        }
    }
}

/// One document with the signatures of all of them.
fn put_together(files: &[PathBuf], cryptography: Cryptography) -> anyhow::Result<Recovery> {
    let digest = |recovery: &Recovery| recovery::digest(recovery, cryptography);
    let mut whole: Option<Recovery> = None;
    for file in files {
        let found = read(file)?;
        match &mut whole {
            None => whole = Some(found),
            Some(whole) => {
                ensure!(
                    digest(whole) == digest(&found),
                    "{}: it is recovery {}, the first file is {}; only signatures under one document are put together",
                    file.display(),
                    digest(&found),
                    digest(whole)
                );
                whole.add_signatures(found.signatures);
            }
        }
    }
    whole.context("no document was given")
}

fn read(file: &Path) -> anyhow::Result<Recovery> {
    let name = file.display().to_string();
    let length = fs::metadata(file).with_context(|| format!("read {name}"))?.len();
    ensure!(
        length <= FILE_BYTES_MAX,
        "{name} has {length} bytes; at most {FILE_BYTES_MAX} are accepted"
    );
    let text = fs::read_to_string(file).with_context(|| format!("read {name}"))?;
    Ok(parse_recovery(&name, &text)?)
}

#[cfg(test)]
mod tests {
    use althing_types::genesis::{Committee, Genesis, Seat};
    use althing_types::{GroupId, SealerSet};

    use super::*;

    fn weighed() -> Weighed {
        let group = GroupId::try_from(1).unwrap();
        let sealers = SealerSet::new((1..=4).map(|number| NodeId::new([number; 64])).collect());
        let plain = Genesis::with_defaults(20_260, group, sealers).unwrap();
        let seat = |number| Seat {
            account: Address::repeat_byte(number),
            weight: 2,
        };
        let genesis = Genesis {
            committee: Committee {
                seats: vec![seat(1), seat(2)],
                threshold: 50,
            },
            ..plain
        };
        let document = Recovery {
            genesis: B256::repeat_byte(9),
            group,
            height: 7,
            block: B256::repeat_byte(8),
            replaces: None,
            sealers: SealerSet::new(vec![NodeId::new([1; 64]), NodeId::new([2; 64])]),
            signatures: vec![],
        };
        let governance = Governance::new(&genesis, B256::repeat_byte(9));
        Weighed::of(&document, &governance, genesis.cryptography).unwrap()
    }

    #[test]
    fn a_recovery_as_json_is_its_text_with_what_it_weighs() {
        let weighed = weighed();
        let shown = serde_json::to_value(&weighed).unwrap();
        let text = shown["document"].as_str().unwrap();
        let read = parse_recovery("document", text).unwrap();
        assert_eq!(
            shown["digest"],
            recovery::digest(&read, Cryptography::Standard).to_string()
        );
        assert_eq!(
            (&shown["group"], &shown["height"], &shown["quorum"]),
            (&1.into(), &7.into(), &2.into())
        );
        assert_eq!((&shown["signed"], &shown["needed"]), (&0.into(), &3.into()));
        assert_eq!(shown["sealers"][1], "02".repeat(64));
    }

    #[test]
    fn a_recovery_that_too_few_signed_says_what_is_missing() {
        let mut weighed = weighed();
        let said = weighed.sentence();
        assert!(
            said.contains("signed with weight 0 of 3 needed, weight 3 is missing"),
            "{said}"
        );
        weighed.signed = 4;
        let said = weighed.sentence();
        assert!(said.contains("signed with weight 4 of 3 needed, enough"), "{said}");
    }
}
