//! The whole plan of one namespace: the four controllers in the order their facts depend on each other.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use althing_crds::v1alpha1::{AgreedMember, Approval, MemberRole};
use althing_types::{Address, GroupId, NodeId};
use jiff::Timestamp;

use crate::controller::agency::{self, AgencyFacts, Orders};
use crate::controller::certificate::Certificate;
use crate::controller::consortium::{self, ChainFacts};
use crate::controller::group::{self, GroupFacts};
use crate::controller::node::{self, Accepted, NodeFacts, NodeForm, ValidatedNode};
use crate::controller::{Context, Hold, Outcome};
use crate::cut_off::{CutOff, cut_offs};
use crate::governance::{Agreement, Ask, Names, Opinion, Voice, agree, asked};
use crate::manifest::NamespaceManifests;
use crate::name::{AgencyName, ConsortiumName, GroupName, NodeName};
use crate::node_files::{NodeFiles, node_files};
use crate::plan::disruption::{ChainLeases, Ground, GroupChain, OwnNode, Scene, decide};
use crate::plan::{
    Desired, GenesisRecord, Identity, NamespacePlan, NodeNetwork, Observed, Peer, Placement, Process, ProcessGroup,
    RpcSecurity, Step,
};
use crate::processes::{self, Work};
use crate::report::Report;
use crate::signing::{Signed, dialled_at};
use crate::status::Reason;
use crate::transaction::Chain;

/// Plans one namespace: a pure function. Planning again after the steps were applied gives a plan without steps.
pub fn plan_namespace(
    manifests: &NamespaceManifests,
    observed: &Observed,
    placement: &Placement,
    now: Timestamp,
) -> NamespacePlan {
    let ctx = Context {
        manifests,
        observed,
        placement,
        now,
    };
    let mut orders = Orders::default();
    let facts = Findings::gather(&ctx, &mut orders);
    let runs = facts.runs(&ctx);
    let desired = facts.desired(&ctx, &runs);
    let mut steps = order_steps(orders);
    steps.extend(
        facts
            .groups
            .values()
            .flatten()
            .filter(|group| group.is_new)
            .map(|group| Step::RecordGenesis(record(group))),
    );
    let is_written = |file: &&crate::plan::File| file.is_at_rest(observed.files.get(&file.at));
    steps.extend(
        desired
            .files
            .iter()
            .filter(|file| !is_written(file))
            .cloned()
            .map(Step::WriteFile),
    );
    let work = Work::of(&ctx, &facts, &runs, &desired.processes);
    let voices: Vec<Voice> = facts.voices(&ctx).collect();
    let ground = facts.ground(&ctx, &work.scene, &voices);
    let mut leases = ChainLeases::new(&ground);
    let disruptions = decide(&work.scene, work.candidates(), &mut leases, now);
    let taken = leases.finish();
    let disruptions = work.with_undeclared(disruptions);
    steps.extend(work.steps(&disruptions));
    let agreements = facts.agreements(&ctx, &voices);
    let report = Report {
        agreements: &agreements,
        ctx: &ctx,
        findings: &facts,
        runs: &runs,
        scene: &work.scene,
        disruptions: &disruptions,
        steps: &steps,
    };
    let statuses = report.statuses();
    NamespacePlan {
        namespace: manifests.namespace.clone(),
        desired,
        steps,
        disruptions,
        // Leases go first: what a lease act rests on is checked against the nonce that it takes.
        acts: taken
            .acts
            .into_iter()
            .chain(agreements.into_values().flat_map(|group| group.acts))
            .collect(),
        leases: taken.held,
        statuses,
    }
}

/// Keys before requests before certificates before what is signed over them.
fn order_steps(orders: Orders) -> Vec<Step> {
    let keys = orders.keys.into_iter().map(Step::MakeKey);
    let requests = orders.requests.into_iter().map(Step::MakeRequest);
    let certificates = orders.certificates.into_iter().map(Step::IssueCertificate);
    let attestations = orders.attestations.into_iter().map(Step::Attest);
    let made = keys.chain(requests).chain(certificates).chain(orders.kept);
    made.chain(attestations).collect()
}

fn record(group: &GroupFacts) -> GenesisRecord {
    GenesisRecord {
        group: group.group.name.clone(),
        id: group.group.id,
        hash: group.genesis.hash,
        document: group.genesis.document.clone(),
    }
}

/// What every object came to.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) chains: BTreeMap<ConsortiumName, Outcome<ChainFacts>>,
    pub(crate) agencies: BTreeMap<AgencyName, Outcome<AgencyFacts>>,
    pub(crate) accounts: BTreeMap<AgencyName, Address>,
    pub(crate) validated_nodes: BTreeMap<NodeName, ValidatedNode>,
    pub(crate) node_ids: BTreeMap<NodeName, NodeId>,
    pub(crate) nodes: BTreeMap<NodeName, Outcome<NodeFacts>>,
    pub(crate) groups: BTreeMap<GroupName, Outcome<GroupFacts>>,
    pub(crate) signed: Signed,
    pub(crate) cut_offs: BTreeMap<ConsortiumName, CutOff>,
}

/// A node that can run, or why it cannot.
pub(crate) type Runs = BTreeMap<NodeName, Outcome<Run>>;

/// Everything a node runs with.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) files: NodeFiles,
    pub(crate) process: Process,
    pub(crate) network: NodeNetwork,
}

impl Findings {
    fn gather(ctx: &Context<'_>, orders: &mut Orders) -> Self {
        let mut all = Self::default();
        for (name, object) in &ctx.manifests.consortiums {
            let planned = consortium::validate(name, object)
                .and_then(|valid| consortium::plan(ctx, valid, &mut orders.keys, &mut orders.certificates));
            all.chains.insert(name.clone(), planned);
        }
        for (name, object) in &ctx.manifests.agencies {
            let planned = agency::validate(name, object)
                .and_then(|valid| agency::plan(ctx, &valid, &all.chains, &mut all.accounts, orders));
            all.agencies.insert(name.clone(), planned);
        }
        for (name, object) in &ctx.manifests.nodes {
            let planned = all.node(ctx, name, object, orders);
            all.nodes.insert(name.clone(), planned);
        }
        for (name, object) in &ctx.manifests.groups {
            let planned = group::validate(ctx, name, object).and_then(|valid| group::plan(ctx, valid, &all.known()));
            all.groups.insert(name.clone(), planned);
        }
        all.sign(ctx, orders);
        all.cut_offs = cut_offs(ctx, &all);
        all
    }

    fn known(&self) -> group::Known<'_> {
        group::Known {
            chains: &self.chains,
            agencies: &self.agencies,
            nodes: &self.node_ids,
            accounts: &self.accounts,
        }
    }

    fn node(
        &mut self,
        ctx: &Context<'_>,
        name: &NodeName,
        object: &althing_crds::v1alpha1::Node,
        orders: &mut Orders,
    ) -> Outcome<NodeFacts> {
        let valid = node::validate(name, object)?;
        let (valid, refused) = match node::accept(ctx, valid, &self.agencies) {
            Accepted::AsWritten(valid) => (valid, None),
            Accepted::AsKnown(valid, hold) => (valid, Some(hold)),
            Accepted::No(hold) => return Err(hold),
        };
        self.validated_nodes.insert(name.clone(), valid.clone());
        let id = node::identity(ctx, &valid, orders)?;
        if let Some((other, _)) = self.node_ids.iter().find(|(_, known)| **known == id) {
            let text = format!("its nodeID is that of Node {other}: an identity runs at most once");
            return Err(Hold::wrong(Reason::KeyMismatch, text));
        }
        self.node_ids.insert(name.clone(), id);
        match refused {
            Some(hold) => Err(hold),
            None => node::plan(ctx, &valid, id, &self.agencies, orders),
        }
    }

    /// The groups a node takes part in, by name. Who is to leave one keeps its files: leaving happens on the chain.
    pub(crate) fn groups_of(&self, ctx: &Context<'_>, node: &NodeName) -> BTreeSet<GroupName> {
        let run = processes::groups_run(ctx, node);
        let takes_part = |group: &althing_crds::v1alpha1::Group| {
            let mut sealers = group.spec.genesis.sealers.iter();
            let mut agreed = group.spec.agreed.iter().flat_map(|agreed| &agreed.members);
            let runs = || {
                run.iter()
                    .any(|id| i64::from(u32::from(*id)) == i64::from(group.spec.group_id))
            };
            let stays = |member: &AgreedMember| member.role != MemberRole::Free || runs();
            sealers.any(|name| name == node.as_str())
                || agreed.any(|member| member.node == node.as_str() && stays(member))
        };
        let groups = ctx.manifests.groups.iter().filter(|(_, group)| takes_part(group));
        groups.map(|(name, _)| name.clone()).collect()
    }

    /// Every own node with what it runs with.
    fn runs(&self, ctx: &Context<'_>) -> Runs {
        let own = self.nodes.iter().filter_map(|(name, facts)| match facts {
            Ok(facts) => facts.own.as_ref().map(|own| (name, facts, own)),
            Err(_) => None,
        });
        own.map(|(name, facts, own)| (name.clone(), self.run(ctx, name, facts, own)))
            .collect()
    }

    fn run(&self, ctx: &Context<'_>, name: &NodeName, facts: &NodeFacts, own: &node::OwnNode) -> Outcome<Run> {
        let not_ready = |text: String| Hold::pending(Reason::DependencyNotReady, text);
        let agency = self.agencies.get(&facts.agency).and_then(|agency| agency.as_ref().ok());
        let agency = agency.ok_or_else(|| not_ready(format!("Agency {} is not ready", facts.agency)))?;
        let chain = self
            .chains
            .get(&agency.consortium)
            .and_then(|chain| chain.as_ref().ok());
        let chain = chain.ok_or_else(|| not_ready(format!("Consortium {} is not ready", agency.consortium)))?;
        let mut groups: Vec<&GroupFacts> = vec![];
        for group in self.groups_of(ctx, name) {
            let known = self.groups.get(&group).and_then(|facts| facts.as_ref().ok());
            let known = known.ok_or_else(|| not_ready(format!("the genesis of Group {group} is not known yet")))?;
            if let Some(obstacle) = &known.unconfirmed {
                return Err(Hold::Pending(obstacle.clone()));
            }
            groups.push(known);
        }
        groups.sort_by_key(|group| group.group.id);
        let declared: BTreeSet<GroupId> = groups.iter().map(|group| group.group.id).collect();
        if let Some(lost) = processes::undeclared(ctx, name, &declared) {
            let text = format!(
                "it runs {lost}, which no manifest gives it any more; its files stay as they are. A node leaves a group on the chain: put the manifest back"
            );
            return Err(Hold::pending(Reason::GroupUndeclared, text));
        }
        let peers = self.peers(ctx, name, agency);
        let cut_off = self.cut_offs.get(&agency.consortium).cloned().unwrap_or_default();
        let files = node_files(facts, own, (chain, &cut_off.list), &groups, &peers)?;
        let process = Process {
            namespace: ctx.manifests.namespace.clone(),
            node: name.clone(),
            agency: facts.agency.clone(),
            node_id: facts.node_id,
            ports: own.endpoint.ports,
            groups: groups
                .iter()
                .map(|g| ProcessGroup {
                    id: g.group.id,
                    name: g.group.name.clone(),
                    settings_digest: files.settings_digests.get(&g.group.id).copied().unwrap_or_default(),
                })
                .collect(),
            container: own.endpoint.container.then(|| own.settings.container.clone()),
            restart_digest: files.restart_digest,
        };
        let network = NodeNetwork {
            node: name.clone(),
            endpoint: own.endpoint.clone(),
            peers,
        };
        Ok(Run {
            files,
            process,
            network,
        })
    }

    /// Every other node of the consortium whose address is known.
    fn peers(&self, ctx: &Context<'_>, node: &NodeName, agency: &AgencyFacts) -> Vec<Peer> {
        let consortium_of = |node: &ValidatedNode| {
            ctx.manifests
                .agencies
                .get(&node.agency)
                .map(|agency| agency.spec.consortium.as_str())
        };
        let others = self.validated_nodes.values().filter(|other| other.name != *node);
        let others = others.filter(|other| consortium_of(other) == Some(agency.consortium.as_str()));
        let peer = |other: &ValidatedNode| {
            let address = match &other.form {
                NodeForm::External { address, .. } => address.as_ref()?.to_string(),
                NodeForm::Own(settings) => dialled_at(ctx, &other.name, settings)?,
            };
            Some(Peer {
                node: other.name.clone(),
                node_id: self.node_ids.get(&other.name).copied(),
                address,
            })
        };
        others.filter_map(peer).collect()
    }

    fn desired(&self, ctx: &Context<'_>, runs: &Runs) -> Desired {
        let runs = || runs.values().flatten();
        Desired {
            identities: self.identities(ctx),
            genesis: self.groups.values().flatten().map(record).collect(),
            files: runs().flat_map(|run| run.files.files.clone()).collect(),
            processes: runs().map(|run| run.process.clone()).collect(),
            network: runs().map(|run| run.network.clone()).collect(),
            trust: self.trust(),
        }
    }

    fn trust(&self) -> BTreeMap<ConsortiumName, Vec<String>> {
        let chains = self
            .chains
            .iter()
            .filter_map(|(name, chain)| Some((name, chain.as_ref().ok()?)));
        let pem = |certificate: &Certificate| certificate.pem.clone();
        chains
            .map(|(name, chain)| (name.clone(), chain.trusted.iter().map(pem).collect()))
            .collect()
    }

    /// Every group whose chain was told of.
    pub(crate) fn chains<'a>(&'a self, ctx: &Context<'a>) -> impl Iterator<Item = (&'a GroupFacts, GroupChain<'a>)> {
        let observed = ctx.observed;
        self.groups.values().flatten().filter_map(|group| {
            let view = observed.chains.get(&group.group.name)?;
            let chain = Chain::of(&group.genesis.genesis, view);
            // Another chain under the same number says nothing about this one.
            (view.governance.genesis() == group.genesis.hash).then_some((group, GroupChain { chain, view }))
        })
    }

    const fn names(&self) -> Names<'_> {
        Names {
            nodes: &self.node_ids,
            accounts: &self.accounts,
        }
    }

    /// Every group whose chain was told of, against what its manifest declares.
    fn agreements(&self, ctx: &Context<'_>, voices: &[Voice]) -> BTreeMap<GroupName, Agreement> {
        let agreements = self.chains(ctx).map(|(group, GroupChain { chain, view })| {
            let name = &group.group.name;
            let asks = self.asks(name);
            let opinion = Opinion {
                group: name,
                chain,
                entries: &group.entries,
                asks: &asks,
                voices,
                names: self.names(),
            };
            (name.clone(), agree(&opinion, view))
        });
        agreements.collect()
    }

    /// What other agencies ask for in a group.
    fn asks(&self, group: &GroupName) -> Vec<Ask> {
        let others = self.agencies.values().flatten();
        let asking = others.flat_map(|agency| agency.wishes.iter().map(move |wishes| (&agency.name, wishes)));
        let asking = asking.filter(|(_, wishes)| wishes.group == group.as_str());
        asking
            .flat_map(|(agency, wishes)| {
                let entries = asked(agency, wishes, &self.node_ids, &self.accounts).into_iter();
                entries.map(|entry| Ask {
                    agency: agency.clone(),
                    entry,
                })
            })
            .collect()
    }

    /// What leases on the chains are decided on.
    fn ground<'a>(&'a self, ctx: &Context<'a>, scene: &'a Scene, voices: &'a [Voice]) -> Ground<'a> {
        let chains = self.chains(ctx);
        let own = ctx.observed.processes.iter().map(|(name, found)| {
            let own = OwnNode {
                id: found.process.node_id,
                agency: found.process.agency.clone(),
            };
            (name.clone(), own)
        });
        Ground {
            scene,
            chains: chains.map(|(group, chain)| (group.group.name.clone(), chain)).collect(),
            nodes: own.collect(),
            voices,
            names: self.names(),
        }
    }

    /// The own agencies whose governance key is here.
    fn voices(&self, ctx: &Context<'_>) -> impl Iterator<Item = Voice> {
        let own = ctx
            .manifests
            .agencies
            .iter()
            .filter(|(_, object)| object.spec.external.is_none());
        own.filter_map(|(name, object)| {
            Some(Voice {
                agency: name.clone(),
                account: *self.accounts.get(name)?,
                follows_manifests: object.spec.approval != Some(Approval::Manual),
            })
        })
    }

    /// Every identity whose key belongs to this namespace.
    fn identities(&self, ctx: &Context<'_>) -> Vec<Identity> {
        let chains = ctx.manifests.consortiums.iter();
        let chains = chains.flat_map(|(name, object)| consortium::chain_keys(name, object.spec.registrar.as_ref()));
        let agencies = ctx
            .manifests
            .agencies
            .iter()
            .filter(|(_, object)| object.spec.external.is_none());
        let agencies = agencies.flat_map(|(name, _)| ctx.manifests.keys_of_agency(name));
        let nodes = ctx
            .manifests
            .nodes
            .iter()
            .filter(|(_, object)| object.spec.external.is_none());
        let speaks_tls = |node: &NodeName| {
            let endpoint = ctx.placement.get(node);
            endpoint.is_some_and(|endpoint| endpoint.rpc_security == RpcSecurity::Tls)
        };
        let nodes = nodes.flat_map(|(name, _)| {
            let listener = ctx.manifests.listener(name).filter(|_| speaks_tls(name));
            iter::once(Identity::Node(name.clone())).chain(listener)
        });
        let mut identities: Vec<_> = chains.chain(agencies).chain(nodes).collect();
        identities.sort();
        identities
    }
}
