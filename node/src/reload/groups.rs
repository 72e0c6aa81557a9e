//! Groups whose files appear, change or go while the node runs.
//!
//! | files | group | what happens |
//! | --- | --- | --- |
//! | appear | unknown | it is opened and started, unless a person stopped or removed it |
//! | change | failed to open | it is tried again |
//! | change | running | a changed genesis is an alarm, changed settings are told about: they count at the next restart; a `group.N.recovery` counts at once |
//! | disappear | any | nothing; silence is no opinion (DESIGN.md 5.11). It is said once |

use std::collections::{BTreeMap, BTreeSet};

use althing_types::GroupId;
use althing_types::config::NodeConfig;
use althing_types::genesis::differences;
use tracing::{error, info, warn};

use super::stamps::{Stamps, stamps};
use crate::files::NodeFiles;
use crate::group::{Group, alarm_of_edits};
use crate::starter::Starter;

/// The files of the groups as they were last seen.
#[derive(Debug, Default)]
pub(super) struct GroupWatcher {
    seen: BTreeMap<GroupId, Stamps>,
    /// Groups whose genesis is gone, each said once.
    gone: BTreeSet<GroupId>,
    /// Why the folder cannot be read, said once.
    unreadable: Option<String>,
}

impl GroupWatcher {
    pub(super) fn new(files: &NodeFiles, config: &NodeConfig) -> Self {
        let mut watcher = Self::default();
        let found = files.group_ids(config).unwrap_or_default();
        watcher.seen = found.into_iter().map(|id| (id, of_group(files, config, id))).collect();
        watcher
    }

    /// Looks at the folder, and acts on what changed since.
    pub(super) fn look(&mut self, starter: &Starter) {
        let (files, config) = (&starter.files, &starter.config);
        let found = match files.group_ids(config) {
            Ok(found) => found,
            Err(error) => return self.say_unreadable(error.to_string()),
        };
        self.unreadable = None;
        self.say_gone(&found, starter);
        let mut start = Vec::new();
        for id in found {
            let now = of_group(files, config, id);
            if self.seen.insert(id, now.clone()).as_ref() == Some(&now) {
                continue;
            }
            match starter.groups.get(id) {
                Some(group) => look_at_running(starter, &group),
                None => start.push(id),
            }
        }
        if !start.is_empty() {
            info!(groups = ?start.iter().map(|id| id.get()).collect::<Vec<_>>(), "files of groups that do not run were found");
            starter.start(start);
        }
    }

    fn say_unreadable(&mut self, why: String) {
        if self.unreadable.as_ref() != Some(&why) {
            error!(alarm = "reload_failed", "{why}; running groups go on");
            self.unreadable = Some(why);
        }
    }

    fn say_gone(&mut self, found: &BTreeSet<GroupId>, starter: &Starter) {
        self.gone.retain(|id| !found.contains(id));
        for id in self.seen.keys().filter(|id| !found.contains(id)) {
            if self.gone.insert(*id) && starter.groups.get(*id).is_some() {
                warn!(group = %id, "group.{id}.genesis is gone: the group goes on; a restart would be without it");
            }
        }
    }
}

fn of_group(files: &NodeFiles, config: &NodeConfig, id: GroupId) -> Stamps {
    let (genesis, settings) = files.group_paths(config, id);
    stamps([genesis, settings, files.recovery_path(config, id)])
}

fn look_at_running(starter: &Starter, group: &Group) {
    let id = group.id();
    group.install(starter.files.recovery(&starter.config, id));
    match starter.files.group(&starter.config, id) {
        Ok(read) => {
            alarm_of_edits(
                id,
                &differences(group.ledger().genesis(), &read.genesis),
                group.metrics(),
            );
            if read.settings_digest != group.settings_digest() {
                info!(group = %id, "group.{id}.ini is not what the group runs with: it counts at the next restart");
            }
        }
        Err(error) => error!(
            alarm = "reload_failed", group = %id,
            "the changed files of group {id} could not be read: {error}; the group goes on with what it has, a restart would not start it"
        ),
    }
}
