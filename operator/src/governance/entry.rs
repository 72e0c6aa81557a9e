//! The entries of `spec.agreed`, as wishes a chain knows.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Agreed, AgreedSeat, MemberRole, SignedWishes};
use althing_governance::{Ballot, Governance, Role, Wish};
use althing_types::{Address, NodeId};

use crate::name::{AgencyName, NodeName};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, for messages.
    pub field: String,
    /// What it wants.
    pub wish: Wish,
    /// The number of the change.
    pub number: u64,
    /// Whether without proofs of life.
    pub force: bool,
}

impl Entry {
    /// Where the entry of a Node stands.
    pub(crate) fn of_member(node: &str) -> String {
        format!("spec.agreed.members[{node}]")
    }

    /// Where the entry of an agency's seat stands.
    pub(crate) fn of_seat(agency: &str) -> String {
        format!("spec.agreed.committee[{agency}]")
    }

    /// The number under which it is voted for: its own; the next one where its change lapsed, so that what is still declared is not
    /// lost (ADR 0021).
    pub fn number_on(&self, holds: &Governance) -> u64 {
        let ballot = Ballot {
            wish: self.wish.clone(),
            number: self.number,
            force: self.force,
        };
        match holds.has_lapsed(&ballot) {
            true => holds.next_number(&self.wish.subject()),
            false => self.number,
        }
    }

    /// Whether only a person may vote for it (GOVERNANCE.md 1): what is forced, and who decides.
    pub const fn is_for_people(&self) -> bool {
        self.force || matches!(self.wish, Wish::Weight(..) | Wish::Threshold(_))
    }
}

/// The entries that can be understood now, and of the others what they lack, in words.
pub fn entries(
    agreed: Option<&Agreed>,
    nodes: &BTreeMap<NodeName, NodeId>,
    accounts: &BTreeMap<AgencyName, Address>,
) -> (Vec<Entry>, Vec<String>) {
    let Some(agreed) = agreed else {
        return (vec![], vec![]);
    };
    let members = agreed.members.iter().map(|member| {
        let field = Entry::of_member(&member.node);
        let node = nodes
            .get(member.node.as_str())
            .ok_or_else(|| format!("{field}: the nodeID of Node {} is not known yet", member.node))?;
        let role = match member.role {
            MemberRole::Sealer => Role::Sealer,
            MemberRole::Observer => Role::Observer,
            MemberRole::Free => Role::Free,
        };
        entry(field, Wish::Role(*node, role), member.change, member.force)
    });
    let seats = agreed.committee.iter().map(|seat| {
        let field = Entry::of_seat(&seat.agency);
        let account = accounts.get(seat.agency.as_str()).ok_or_else(|| {
            format!(
                "{field}: the governance account of Agency {} is not known yet",
                seat.agency
            )
        })?;
        let weight = u32::try_from(seat.weight).map_err(|_| format!("{field}.weight: found {}", seat.weight))?;
        entry(field, Wish::Weight(*account, weight), seat.change, false)
    });
    let settings = agreed.system_config.iter().map(|setting| {
        let field = format!("spec.agreed.systemConfig[{}]", setting.key);
        let wish = Wish::Config(setting.key.clone(), setting.value.clone());
        entry(field, wish, setting.change, false)
    });
    let mut understood = vec![];
    let mut lacking = vec![];
    for entry in members.chain(seats).chain(settings) {
        match entry {
            Ok(entry) => understood.push(entry),
            Err(why) => lacking.push(why),
        }
    }
    (understood, lacking)
}

/// What an agency asks for, as entries; what names an unknown Node is left out.
pub fn asked(
    agency: &AgencyName,
    wishes: &SignedWishes,
    nodes: &BTreeMap<NodeName, NodeId>,
    accounts: &BTreeMap<AgencyName, Address>,
) -> Vec<Entry> {
    let seat = wishes.seat.map(|seat| AgreedSeat {
        agency: agency.to_string(),
        weight: seat.weight,
        change: seat.change,
    });
    let agreed = Agreed {
        members: wishes.members.clone(),
        committee: seat.into_iter().collect(),
        system_config: vec![],
    };
    entries(Some(&agreed), nodes, accounts).0
}

fn entry(field: String, wish: Wish, change: i64, force: bool) -> Result<Entry, String> {
    let number = u64::try_from(change).ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| format!("{field}.change: found {change}; accepted: 1 or more"))?;
    Ok(Entry {
        field,
        wish,
        number,
        force,
    })
}
