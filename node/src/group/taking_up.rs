//! How the consensus thread takes a recovery up: the executor first, then the vote log, then a consensus that begins anew with other
//! sealers and other words.
//!
//! Everything the executor was asked before comes back before its word, so nothing that was made for the sealers of before reaches the
//! new consensus.

use althing_consensus::{Domains, Record, Recovered};
use tracing::{error, info};

use super::core::Core;
use super::executor::Job;
use super::recovery::{Installed, Standing, Taken, carried_at, judge};

/// What the consensus thread knows of recoveries.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) installed: Installed,
    /// What this node follows at the height above its newest block, as its vote log says.
    pub(super) taken: Option<Taken>,
    standing: Standing,
}

impl Desk {
    pub(super) fn new(installed: Installed, taken: Option<Taken>) -> Self {
        Self {
            installed,
            taken,
            standing: Standing::Absent,
        }
    }
}

impl Core {
    /// The node's folder says something else about a recovery.
    pub(super) fn install(&mut self, installed: Installed) -> Result<(), String> {
        self.desk.installed = installed;
        self.look_at_recovery()
    }

    /// What this node follows at the height in flight.
    pub(super) fn taken(&self) -> Option<&Taken> {
        let head = self.parts.ledger.head().height;
        self.desk.taken.as_ref().filter(|taken| taken.is_next(head))
    }

    /// The words that signatures are made over: those of the height in flight if that is recovered, else of the newest block.
    pub(super) fn recovered(&self) -> Result<Option<Recovered>, String> {
        if let Some(taken) = self.taken() {
            return Ok(Some(taken.recovered()));
        }
        let height = self.parts.ledger.head().height;
        let carried = carried_at(&self.parts.ledger, height)?;
        Ok(carried.map(|digest| Recovered { height, digest }))
    }

    /// Looks at what the folder holds, after each change of it and after each block.
    pub(super) fn look_at_recovery(&mut self) -> Result<(), String> {
        let (parts, desk) = (&self.parts, &self.desk);
        let standing = judge(&desk.installed, self.taken(), &parts.ledger, parts.suite.as_ref())?;
        if standing == desk.standing {
            return Ok(());
        }
        match &standing {
            // The executor still writes the block of this height: it is looked at again when that is written.
            Standing::Due(_) if self.decided > parts.ledger.head().height => return Ok(()),
            Standing::Due(taken) => self.job(Job::Recover(taken.clone())),
            _ => self.tell_standing(&standing),
        }
        self.parts
            .metrics
            .recovery_refused(matches!(standing, Standing::Refused(_)));
        self.desk.standing = standing;
        Ok(())
    }

    fn tell_standing(&self, standing: &Standing) {
        let group = self.parts.ledger.genesis().group_id;
        match standing {
            Standing::Refused(why) => error!(
                alarm = "recovery_refused", %group,
                "group {group} does not follow the recovery in group.{group}.recovery: {why}; the group goes on as it is"
            ),
            Standing::Waits => {
                info!(%group, "group.{group}.recovery goes on from a block that this node has yet to fetch")
            }
            Standing::Done => {
                info!(%group, "the recovery in group.{group}.recovery is recorded in the chain; the file can go")
            }
            Standing::Absent | Standing::Taken | Standing::Due(_) => {}
        }
    }

    /// The executor makes and takes no other blocks at this height any more: now the vote log, then a consensus of the new sealers.
    pub(super) fn take_up(&mut self, taken: Taken) -> Result<(), String> {
        let head = self.parts.ledger.head();
        if !taken.is_next(head.height) || self.decided > head.height {
            // The sealers of before decided the height in the last moment.
            return self.look_at_recovery();
        }
        if let Some(before) = self
            .taken()
            .filter(|before| taken.recovery.replaces != Some(before.digest))
            .cloned()
        {
            // The folder changed while the executor was told: what is in the vote log holds, for the executor too.
            return match before.digest == taken.digest {
                true => Ok(()),
                false => {
                    self.job(Job::Recover(before));
                    self.look_at_recovery()
                }
            };
        }
        let record = Record::Recovered(Box::new(taken.recovery.as_ref().clone()));
        let written = self.vote_log.append(record.height(), &record.encode());
        written
            .and_then(|()| self.vote_log.sync())
            .map_err(|error| error.to_string())?;
        let group = self.parts.ledger.genesis().group_id;
        info!(
            %group, height = taken.recovery.decides(), digest = %taken.digest, sealers = taken.recovery.sealers.len(),
            "group {group} goes on by its committee's recovery"
        );
        self.desk.taken = Some(taken);
        self.desk.standing = Standing::Taken;
        let abstains = self.consensus.status().abstaining_through;
        self.begin(abstains)
    }

    /// What the consensus is told about a recovered height holds for the messages that are verified for it, too.
    pub(super) fn speak(&mut self, recovered: Option<Recovered>) {
        self.domains = Domains::new(self.parts.genesis_hash, recovered);
    }

    /// The sealers of the height in flight.
    pub(super) fn next_sealers(&self) -> althing_types::SealerSet {
        match self.taken() {
            Some(taken) => taken.recovery.sealers.clone(),
            None => self.parts.ledger.head().next_sealers.clone(),
        }
    }

    /// The digest of what this node follows at the height in flight, which gives it something to do until that height is decided.
    pub(super) fn recovery_to_record(&self) -> Option<althing_types::B256> {
        self.taken().map(|taken| taken.digest)
    }
}
