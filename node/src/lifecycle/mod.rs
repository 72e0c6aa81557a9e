//! Groups made, started, stopped, removed and recovered by a person while the node runs (FISCO BCOS 2.x). Files are the record:
//!
//! | state | `group.N.genesis` | `data/groupN/.group_status` |
//! | --- | --- | --- |
//! | inexistent | none, and no ledger either | any |
//! | running | there | none, or `RUNNING` |
//! | stopped | there | `STOPPED` |
//! | deleted | there | `DELETED` |
//!
//! A decision is on the disk before a group ends and after it runs, so that a node that is killed in between starts as it was asked
//! last to be, or as it was.

mod record;
mod request;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use althing_rpc::backend::{GroupLifecycle, Lifecycle, LifecycleAnswer, LifecycleCode};
use althing_types::config::{GroupConfig, render_group_config};
use althing_types::genesis::{differences, render_genesis};
use althing_types::{Genesis, GroupId, NodeId};
use parking_lot::Mutex;
use serde_json::Value;
use tracing::info;

pub(crate) use self::record::{Decided, Record};
use crate::group::Group;
use crate::one_line::one_line;
use crate::starter::Starter;

/// How long a request to stop waits for those who still read the ledger.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The groups of a node, as a person changes them.
#[derive(Debug)]
pub(crate) struct GroupLifecycles {
    starter: Arc<Starter>,
    /// Groups that stop, until nobody holds their ledger any more.
    closing: Mutex<BTreeMap<GroupId, Weak<Group>>>,
}

/// A refusal, or a success.
type Step<T> = Result<T, LifecycleAnswer>;

impl GroupLifecycles {
    pub(crate) fn new(starter: Arc<Starter>) -> Self {
        Self {
            starter,
            closing: Mutex::default(),
        }
    }

    fn look(&self, id: GroupId) -> (Lifecycle, Option<String>) {
        let starter = &self.starter;
        if self.is_closing(id) {
            let why = "it ends after its last block and the requests under way";
            return (Lifecycle::Stopping, Some(why.to_owned()));
        }
        if let Some(group) = starter.groups.get(id) {
            let halted = group.halted().map(|why| format!("it has halted: {why}"));
            return (Lifecycle::Running, halted);
        }
        let has_genesis = starter.genesis_file(id).exists();
        let has_ledger = starter.data(id).join("block").exists();
        if !has_genesis && !has_ledger {
            return (Lifecycle::Inexistent, None);
        }
        match starter.record(id).read() {
            Err(error) => (Lifecycle::Unknown, Some(error.to_string())),
            Ok(Some(Decided::Stopped)) => (Lifecycle::Stopped, None),
            Ok(Some(Decided::Deleted)) => (Lifecycle::Deleted, None),
            Ok(None | Some(Decided::Running)) if !has_genesis => {
                let why = format!("its ledger is there and group.{id}.genesis is not; put the file back");
                (Lifecycle::Unknown, Some(why))
            }
            Ok(None | Some(Decided::Running)) => {
                let why = starter.groups.failure(id);
                (
                    Lifecycle::Unknown,
                    Some(why.unwrap_or_else(|| "it does not run yet".to_owned())),
                )
            }
        }
    }

    fn is_closing(&self, id: GroupId) -> bool {
        let mut closing = self.closing.lock();
        closing.retain(|_, group| group.strong_count() > 0);
        closing.contains_key(&id)
    }

    /// The group is stopped, or should run and does not; else the refusal that its state is.
    fn at_rest(&self, id: GroupId) -> Step<Lifecycle> {
        let (state, why) = self.look(id);
        let refuse = |code, what: &str| {
            let because = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            Err(LifecycleAnswer::new(code, format!("group {id} {what}{because}")))
        };
        match state {
            Lifecycle::Inexistent => Err(unknown(id)),
            Lifecycle::Running => refuse(LifecycleCode::Running, "runs"),
            Lifecycle::Stopping => refuse(LifecycleCode::Stopping, "is being stopped"),
            Lifecycle::Deleted => refuse(LifecycleCode::Deleted, "was removed; recoverGroup brings it back"),
            Lifecycle::Stopped | Lifecycle::Unknown => Ok(state),
        }
    }

    fn decide(&self, id: GroupId, decided: Decided) -> Step<()> {
        let written = self.starter.record(id).write(decided);
        written.map_err(|error| internal(format!("group {id}: {error}")))
    }

    fn try_generate(&self, id: GroupId, asked: &Value) -> Step<String> {
        let config = &self.starter.config;
        let genesis = request::genesis(config.chain.id, config.chain.cryptography, id, asked);
        let genesis = genesis.map_err(|why| LifecycleAnswer::new(LifecycleCode::Parameters, why))?;
        let _turn = self.starter.turn();
        if self.look(id).0 != Lifecycle::Inexistent {
            return Err(self.exists(id, &genesis));
        }
        self.all_connected(&genesis)?;
        let (genesis_file, settings_file) = self.starter.files.group_paths(config, id);
        if settings_file.exists() {
            let message = format!("{} is there already; move it away", settings_file.display());
            return Err(LifecycleAnswer::new(LifecycleCode::SettingsExist, message));
        }
        // First of all, so that the file that comes then starts nothing.
        self.decide(id, Decided::Stopped)?;
        let files = [
            (genesis_file, render_genesis(&genesis), LifecycleCode::GenesisExists),
            (
                settings_file,
                render_group_config(&GroupConfig::default()),
                LifecycleCode::SettingsExist,
            ),
        ];
        write_all_new(&files).inspect_err(|_| self.starter.record(id).forget())?;
        self.starter.groups.rest(id, Decided::Stopped);
        info!(group = %id, "the files of the group were made; startGroup starts it");
        Ok(format!("group {id} was made; startGroup starts it"))
    }

    /// What is said to who would make a group that is there: whether it would have been the same one.
    fn exists(&self, id: GroupId, asked: &Genesis) -> LifecycleAnswer {
        let starter = &self.starter;
        let found = match starter.groups.get(id) {
            Some(group) => Ok(group.ledger().genesis().clone()),
            None => starter.files.group(&starter.config, id).map(|read| read.genesis),
        };
        let what = match found {
            Err(error) => format!("and its files cannot be read: {}", one_line(&error.into())),
            Ok(found) => {
                let fields = differences(&found, asked);
                let fields = fields
                    .iter()
                    .map(|one| format!("{} is {}, asked for is {}", one.field, one.left, one.right));
                let fields: Vec<String> = fields.collect();
                match fields.as_slice() {
                    [] => "with the same genesis".to_owned(),
                    fields => format!("with another genesis: {}", fields.join("; ")),
                }
            }
        };
        LifecycleAnswer::new(LifecycleCode::Exists, format!("group {id} is there already, {what}"))
    }

    /// Every sealer is this node or a connected one, as FISCO asks: a group of nodes that never met would not begin.
    fn all_connected(&self, genesis: &Genesis) -> Step<()> {
        let peers = self.starter.network.peers();
        let is_here = |node: &&NodeId| **node == self.starter.own || peers.iter().any(|peer| peer.node_id == **node);
        let missing = genesis.sealers.as_slice().iter().filter(|node| !is_here(node));
        let missing: Vec<String> = missing.map(NodeId::short).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("sealers that are not connected to this node: {}", missing.join(", "));
        Err(LifecycleAnswer::new(LifecycleCode::NotConnected, message))
    }

    fn try_start(&self, id: GroupId) -> Step<String> {
        let _turn = self.starter.turn();
        self.at_rest(id)?;
        if !self.starter.genesis_file(id).exists() {
            let message = format!("{} is not there; put it back", self.starter.genesis_file(id).display());
            return Err(LifecycleAnswer::new(LifecycleCode::GenesisMissing, message));
        }
        self.starter.start_one(id).map_err(internal)?;
        self.decide(id, Decided::Running)?;
        Ok(format!("group {id} runs"))
    }

    fn try_stop(&self, id: GroupId) -> Step<String> {
        let _turn = self.starter.turn();
        match self.look(id).0 {
            Lifecycle::Running | Lifecycle::Unknown => {}
            Lifecycle::Stopped => {
                let message = format!("group {id} is stopped already");
                return Err(LifecycleAnswer::new(LifecycleCode::Stopped, message));
            }
            _ => drop(self.at_rest(id)?),
        }
        self.decide(id, Decided::Stopped)?;
        let running = self.starter.groups.get(id);
        if let Some(group) = &running {
            self.closing.lock().insert(id, Arc::downgrade(group));
        }
        self.starter.retire(id, Decided::Stopped);
        let is_closed = running.is_none_or(|group| {
            group.stop();
            closes(group)
        });
        Ok(match is_closed {
            true => format!("group {id} is stopped"),
            false => format!("group {id} seals no more; its ledger closes once the requests under way have ended"),
        })
    }

    fn try_remove(&self, id: GroupId) -> Step<String> {
        let _turn = self.starter.turn();
        if self.at_rest(id)? == Lifecycle::Unknown {
            let why = self.look(id).1.unwrap_or_default();
            let message = format!("group {id} is not stopped ({why}); stopGroup it first");
            return Err(LifecycleAnswer::new(LifecycleCode::Running, message));
        }
        self.decide(id, Decided::Deleted)?;
        self.starter.groups.rest(id, Decided::Deleted);
        info!(group = %id, "the group was removed; its files and its data are kept");
        Ok(format!(
            "group {id} was removed; its data is kept, recoverGroup brings it back"
        ))
    }

    fn try_recover(&self, id: GroupId) -> Step<String> {
        let _turn = self.starter.turn();
        match self.look(id).0 {
            Lifecycle::Deleted => {}
            Lifecycle::Inexistent => return Err(unknown(id)),
            _ => {
                let message = format!("group {id} was not removed");
                return Err(LifecycleAnswer::new(LifecycleCode::NotDeleted, message));
            }
        }
        self.decide(id, Decided::Stopped)?;
        self.starter.groups.rest(id, Decided::Stopped);
        Ok(format!("group {id} is back and stopped; startGroup starts it"))
    }
}

/// Whether nobody holds a stopped group any more, after a while at most. Who came to it while it stopped is told again.
fn closes(group: Arc<Group>) -> bool {
    let held = Arc::downgrade(&group);
    drop(group);
    let deadline = Instant::now() + CLOSED_WITHIN;
    while let Some(group) = held.upgrade() {
        group.tell_stopped();
        drop(group);
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
}

fn unknown(id: GroupId) -> LifecycleAnswer {
    let message = format!("there is no group {id} on this node");
    LifecycleAnswer::new(LifecycleCode::NotFound, message)
}

fn internal(message: String) -> LifecycleAnswer {
    LifecycleAnswer::new(LifecycleCode::Internal, message)
}

/// Writes files that must not be there yet, all of them or none.
fn write_all_new(files: &[(PathBuf, String, LifecycleCode)]) -> Step<()> {
    for (index, (path, text, exists)) in files.iter().enumerate() {
        write_new(path, text, *exists).inspect_err(|_| {
            for (written, ..) in &files[..index] {
                let _ = fs::remove_file(written);
            }
        })?;
    }
    Ok(())
}

/// Writes a file that must not be there yet, whole or not at all.
fn write_new(path: &Path, text: &str, exists: LifecycleCode) -> Step<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let new = folder.join(format!(".{name}.new"));
    let write = || {
        let mut file = fs::File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // Unlike a rename, a link takes no file's place.
        fs::hard_link(&new, path)?;
        fs::remove_file(&new)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&new);
        match error.kind() {
            ErrorKind::AlreadyExists => {
                let message = format!("{} is there already; move it away", path.display());
                LifecycleAnswer::new(exists, message)
            }
            _ => internal(format!(
                "{} cannot be written: {error}; where group files come from elsewhere, as on Kubernetes, groups are made there",
                path.display()
            )),
        }
    })
}

fn answer(step: Step<String>) -> LifecycleAnswer {
    step.map_or_else(
        |refused| refused,
        |message| LifecycleAnswer::new(LifecycleCode::Success, message),
    )
}

impl GroupLifecycle for GroupLifecycles {
    fn generate(&self, group: GroupId, asked: &Value) -> LifecycleAnswer {
        answer(self.try_generate(group, asked))
    }

    fn start(&self, group: GroupId) -> LifecycleAnswer {
        answer(self.try_start(group))
    }

    fn stop(&self, group: GroupId) -> LifecycleAnswer {
        answer(self.try_stop(group))
    }

    fn remove(&self, group: GroupId) -> LifecycleAnswer {
        answer(self.try_remove(group))
    }

    fn recover(&self, group: GroupId) -> LifecycleAnswer {
        answer(self.try_recover(group))
    }

    fn status(&self, group: GroupId) -> (Lifecycle, Option<String>) {
        self.look(group)
    }
}
