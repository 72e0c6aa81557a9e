//! One look at a namespace: observe, plan, write what is missing, look again until nothing is; then say how it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use althing_operator::name::{Namespace, NodeName};
use althing_operator::plan::{DisruptionReason, Identity, NamespacePlan, Observed, Step, Verdict};
use althing_operator::plan_namespace;
use althing_operator::status::{ConditionType, ObjectRef, Obstacle, Progress, Reason};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tracing::{debug, info, warn};

use super::failures::{Failures, told};
use super::{Backoff, Context, keys, pods, statuses, votes};
use crate::apply::{Steps, Target, WriteError};
use crate::child::{Child, ChildKind};
use crate::diff::{self, Apply, LiveChildren, Writes};
use crate::lower::{LiveFacts, Lowering, lower};
use crate::observe::{Gathered, Seen, gather, live_children, observe};
use crate::placement::placement;
use crate::secrets::{Contents, KeyPlace, key_places};
use crate::world::{Kind, Shelf};

/// Rounds of one look: keys, certificates of three levels, records, children; and as many again for what others do meanwhile.
const ROUNDS_MAX: usize = 16;
/// Writes on their way at the same time.
const SIDE_BY_SIDE: usize = 16;
/// When a namespace at rest is looked at again, give or take a fifth, so that many do not come together.
const AT_REST: Duration = Duration::from_secs(600);
/// When to look again at what no watch will tell: a Secret that a person may restore.
const UNWATCHED: Duration = Duration::from_secs(5);
/// When to look again while a node waits for its turn, or a lease is held.
const BLOCKED: Duration = Duration::from_secs(5);

/// Everything one round is made from.
pub(super) struct Picture {
    pub(super) shelf: Shelf,
    pub(super) gathered: Gathered,
    pub(super) contents: Contents,
    pub(super) places: BTreeMap<Identity, KeyPlace>,
    pub(super) observed: Observed,
    pub(super) plan: NamespacePlan,
    pub(super) now: Timestamp,
}

/// Looks at a namespace once. Returns when to look again if nothing happens before.
pub async fn look(context: &Context, namespace: &str) -> Option<Duration> {
    let name = match Namespace::new(namespace) {
        Ok(name) => name,
        Err(error) => {
            warn!("the manifests of a namespace are passed over: {error}");
            return None;
        }
    };
    let mut look = Look {
        context,
        namespace: &name,
        backoff: context.backoffs.take(namespace),
        failures: Failures::default(),
        written: BTreeSet::new(),
    };
    let next = look.run().await;
    let backoff = look.backoff;
    context.backoffs.put(namespace, backoff);
    next
}

pub(super) struct Look<'a> {
    pub(super) context: &'a Context,
    pub(super) namespace: &'a Namespace,
    pub(super) backoff: Backoff,
    pub(super) failures: Failures,
    /// Children written during this look: one that still differs is not written again and again.
    written: BTreeSet<(ChildKind, String)>,
}

impl Look<'_> {
    async fn run(&mut self) -> Option<Duration> {
        for _ in 0..ROUNDS_MAX {
            let picture = match self.picture().await {
                Ok(Some(picture)) => picture,
                Ok(None) => return None,
                Err(error) => return Some(self.unseen(&error)),
            };
            self.failures = Failures::default();
            if self.write(&picture).await == 0 {
                pods::replace(self, &picture).await;
                votes::cast(self, &picture).await;
                return Some(self.conclude(&picture).await);
            }
        }
        // Somebody undoes what is written, or changes it as fast: let others have a turn.
        warn!(namespace = %self.namespace, "still writing after {ROUNDS_MAX} rounds");
        Some(Duration::from_secs(1))
    }

    /// The API server cannot be read: nothing is planned on half a picture.
    fn unseen(&mut self, error: &WriteError) -> Duration {
        warn!(namespace = %self.namespace, "{error}");
        self.context.metrics.failed("Secret", error.reason());
        let now = Timestamp::now();
        self.backoff.failed("the picture", now, None);
        self.backoff.next(now).unwrap_or(UNWATCHED)
    }

    pub(super) async fn picture(&self) -> Result<Option<Picture>, WriteError> {
        let context = self.context;
        let namespace = self.namespace.as_str();
        let shelf = context.world.shelf(namespace);
        let gathered = gather(self.namespace.clone(), &shelf);
        if gathered.manifests.is_empty() && gathered.unreadable.is_empty() {
            context.forget(namespace);
            context.secrets.forget(namespace, &shelf);
            return Ok(None);
        }
        let places = key_places(&gathered.manifests);
        let contents = context
            .secrets
            .read(&context.writer, namespace, &shelf, &places)
            .await?;
        let heard = context.reports.of(namespace);
        let cordoned = context.world.cordoned();
        let observed = observe(&Seen {
            shelf: &shelf,
            manifests: &gathered.manifests,
            contents: &contents,
            heard: &heard,
            cordoned: &cordoned,
        });
        let now = Timestamp::now();
        let placement = placement(&gathered.manifests, &context.settings);
        let plan = plan_namespace(&gathered.manifests, &observed, &placement, now);
        Ok(Some(Picture {
            shelf,
            gathered,
            contents,
            places,
            observed,
            plan,
            now,
        }))
    }

    /// Writes what is missing; returns how much was written.
    async fn write(&mut self, picture: &Picture) -> usize {
        let live = live_children(&picture.shelf, &picture.contents);
        let facts = LiveFacts::of(&live);
        let open_budgets = open_budgets(&picture.plan);
        let lowering = Lowering {
            manifests: &picture.gathered.manifests,
            desired: &picture.plan.desired,
            identities: &picture.observed.identities,
            settings: &self.context.settings,
            live: &facts,
            open_budgets: &open_budgets,
        };
        let made = self.steps(picture, &lowering, &live).await;
        if made > 0 {
            return made;
        }
        let mut children = lower(&lowering);
        children.retain(|child| !picture.gathered.leaving.contains(&child.owner.object));
        let writes = diff::writes(&children, &live);
        match self.children(picture, writes, &live).await {
            0 => keys::settle(self, picture).await,
            written => written,
        }
    }

    /// Keys, certificates, requests, records.
    async fn steps(&mut self, picture: &Picture, lowering: &Lowering<'_>, live: &LiveChildren) -> usize {
        let open = |step: &&Step| self.backoff.is_open(&step.to_string(), picture.now);
        let steps: Vec<Step> = picture.plan.steps.iter().filter(open).cloned().collect();
        let carrier = Steps {
            writer: &self.context.writer,
            namespace: self.namespace.as_str(),
            live,
            observed: &picture.observed,
            places: &picture.places,
            lowering,
        };
        let (done, failed) = carrier.carry_out(&steps).await;
        for _ in 0..done {
            self.context.metrics.wrote();
        }
        for failure in failed {
            warn!(namespace = %self.namespace, object = %failure.object, "{}", failure.error);
            self.context.metrics.failed("Step", failure.error.reason());
            let told = told(&failure.object, &failure.error);
            self.backoff.failed(&failure.step, picture.now, told);
        }
        done
    }

    async fn children(&mut self, picture: &Picture, writes: Writes, live: &LiveChildren) -> usize {
        for conflict in &writes.conflicts {
            self.failures
                .stalled(&conflict.owner.object, Reason::ApplyRefused, conflict.to_string());
        }
        for taken in &writes.taken {
            self.failures
                .stalled(&taken.owner.object, Reason::NameTaken, taken.to_string());
        }
        let (namespace, now) = (self.namespace.as_str(), picture.now);
        let mut written = 0;
        let mut lacking: BTreeSet<ObjectRef> = BTreeSet::new();
        for sort in writes.apply.chunk_by(|one, other| one.child.kind == other.child.kind) {
            let due: Vec<&Apply> = sort
                .iter()
                .filter(|apply| self.is_due(apply, &mut lacking, now))
                .collect();
            let context = self.context;
            let writes = due
                .into_iter()
                .map(|apply| async move { (apply, apply_one(context, namespace, apply, live).await) });
            let mut results = stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
            while let Some((apply, result)) = results.next().await {
                let (kind, object) = (apply.child.kind, &apply.child.owner.object);
                match result {
                    Ok(()) => {
                        written += 1;
                        context.metrics.wrote();
                        debug!(%namespace, "applied {kind} {}: {}", apply.child.name, what_differed(apply));
                        self.written.insert((kind, apply.child.name.clone()));
                    }
                    Err(error) => {
                        warn!(%namespace, %object, "{error}");
                        context.metrics.failed(kind.kind(), error.reason());
                        self.backoff.failed(&key(&apply.child), now, told(object, &error));
                        lacking.insert(object.clone());
                    }
                }
            }
        }
        for delete in &writes.delete {
            let target = Target::of(Kind::Child(delete.kind));
            let deleted =
                self.context
                    .writer
                    .delete(namespace, &target, &delete.name, &delete.uid, &delete.resource_version);
            match deleted.await {
                Ok(()) => {
                    info!(%namespace, "pruned {} {}", delete.kind, delete.name);
                    self.context
                        .world
                        .remove(namespace, Kind::Child(delete.kind), &delete.name, Some(&delete.uid));
                    written += 1;
                }
                Err(error) => self.context.metrics.failed(delete.kind.kind(), error.reason()),
            }
        }
        if written == 0 {
            let wanted: BTreeSet<String> = writes.apply.iter().map(|apply| key(&apply.child)).collect();
            let steps: BTreeSet<String> = picture.plan.steps.iter().map(ToString::to_string).collect();
            let acts: BTreeSet<String> = picture.plan.acts.iter().map(ToString::to_string).collect();
            self.backoff
                .retain(|object| wanted.contains(object) || steps.contains(object) || acts.contains(object));
        }
        written
    }

    /// Whether a child is written now. A pod is not made from half of what it needs.
    fn is_due(&mut self, apply: &Apply, lacking: &mut BTreeSet<ObjectRef>, now: Timestamp) -> bool {
        let child = &apply.child;
        let object = &child.owner.object;
        if child.kind == ChildKind::StatefulSet && lacking.contains(object) {
            return false;
        }
        if self.written.contains(&(child.kind, child.name.clone())) {
            let fields = apply.differs.join(", ");
            let text = format!(
                "{} {}: {fields} are changed back by somebody else as soon as they are written",
                child.kind, child.name
            );
            warn!(namespace = %self.namespace, %object, "{text}");
            let progress = Progress::Reconciling(Obstacle::new(Reason::ApplyRefused, text));
            self.backoff.failed(&key(child), now, Some((object.clone(), progress)));
            self.written.remove(&(child.kind, child.name.clone()));
            return false;
        }
        if !self.backoff.is_open(&key(child), now) {
            lacking.insert(object.clone());
            return false;
        }
        true
    }

    /// Writes statuses and events, shows metrics, and says when to look again.
    async fn conclude(&mut self, picture: &Picture) -> Duration {
        let mut plan = picture.plan.clone();
        self.failures.remember(&self.backoff);
        plan.statuses = self
            .failures
            .onto(plan.statuses, &picture.observed.statuses, picture.now);
        self.context.metrics.show(&plan);
        for unreadable in &picture.gathered.unreadable {
            let (kind, name, why) = (unreadable.kind, &unreadable.name, &unreadable.why);
            warn!(namespace = %self.namespace, "{kind:?} {name} cannot be read and is passed over: {why}");
            self.context.metrics.failed(&format!("{kind:?}"), "Unreadable");
        }
        statuses::write(self, picture, &plan.statuses).await;
        let is_awaited = !plan.acts.is_empty() || !plan.leases.is_empty();
        self.context.reports.awaits(self.namespace.as_str(), is_awaited);
        let mut next = AT_REST.mul_f64(0.8 + 0.4 * spread(self.namespace.as_str()));
        let stalled_by_key = plan.statuses.iter().any(|status| {
            let stalled = status.condition(ConditionType::Stalled);
            stalled.is_some_and(|condition| condition.reason == Reason::KeyMissing)
        });
        let is_brought_missing = picture
            .contents
            .missing
            .iter()
            .any(|identity| picture.places.get(identity).is_some_and(|place| place.is_brought));
        if stalled_by_key || is_brought_missing {
            next = next.min(UNWATCHED);
        }
        if !plan.disruptions.is_empty() || !plan.acts.is_empty() || !plan.leases.is_empty() {
            next = next.min(BLOCKED);
        }
        match self.backoff.next(picture.now) {
            Some(pause) => next.min(pause.max(Duration::from_millis(100))),
            None => next,
        }
    }
}

async fn apply_one(context: &Context, namespace: &str, apply: &Apply, live: &LiveChildren) -> Result<(), WriteError> {
    let child = &apply.child;
    if let Some(removal) = &apply.removal {
        let target = Target::of(match child.kind {
            ChildKind::Secret => Kind::Secret,
            kind => Kind::Child(kind),
        });
        context.writer.merge(namespace, &target, &child.name, removal).await?;
    }
    let known = live.get(&(child.kind, child.name.clone()));
    context.writer.child(namespace, child, known).await
}

fn what_differed(apply: &Apply) -> String {
    match apply.differs.as_slice() {
        [] => "it was missing".to_owned(),
        fields => fields.join(", "),
    }
}

fn key(child: &Child) -> String {
    format!("{}/{}", child.kind, child.name)
}

/// The nodes whose eviction is allowed now.
fn open_budgets(plan: &NamespacePlan) -> BTreeSet<NodeName> {
    let allowed = plan.disruptions.iter().filter(|disruption| {
        disruption.reason == DisruptionReason::MachineDrained && disruption.verdict == Verdict::Allowed
    });
    allowed.map(|disruption| disruption.node.clone()).collect()
}

/// A number in [0, 1) that is always the same for a namespace.
fn spread(namespace: &str) -> f64 {
    let digest = alloy_primitives::keccak256(namespace);
    f64::from(digest.first().copied().unwrap_or_default()) / 256.0
}
