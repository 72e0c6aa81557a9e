//! What a person is asked: which changes can be voted on, and what each would do.

use althing_governance::{Ballot, ChangeId, Governance, Role, Wish};
use althing_types::sealers::faults_tolerable;

use super::{ChainView, Entry};

/// A change that can be voted on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its identity.
    pub id: ChangeId,
    /// The vote for it.
    pub ballot: Ballot,
    /// What it would do to who decides and to how many may fail, in words.
    pub effect: String,
}

/// The changes that have votes on the chain, and those that manifests declare and that come next; ascending by identity.
pub fn open(chain: &ChainView, entries: &[Entry]) -> Vec<Open> {
    let holds = &chain.governance;
    let voted = holds.votes().iter().flat_map(|(subject, votes)| {
        let wishes = votes.values().map(|vote| (Wish::of(subject, &vote.to), vote.force));
        wishes.filter_map(|(wish, force)| Some((wish?, force)))
    });
    let is_next = |entry: &&Entry| {
        let subject = entry.wish.subject();
        entry.number_on(holds) == holds.next_number(&subject) && holds.decided(&subject) != entry.wish.to()
    };
    let declared = entries.iter().filter(is_next);
    let declared = declared.map(|entry| (entry.wish.clone(), entry.force));
    let mut open: Vec<Open> = voted
        .chain(declared)
        .map(|(wish, force)| {
            let change = holds.change(&wish, force);
            Open {
                id: holds.id_of(&change),
                effect: effect(holds, &wish),
                ballot: Ballot {
                    wish,
                    number: change.number,
                    force,
                },
            }
        })
        .collect();
    open.sort_by_key(|open| open.id);
    open.dedup_by_key(|open| open.id);
    open
}

/// What a change would do beside what it says.
fn effect(holds: &Governance, wish: &Wish) -> String {
    match wish {
        Wish::Role(node, to) => {
            let now = holds.sealers().len();
            let then = match (holds.role(node), to) {
                (Role::Sealer, Role::Observer | Role::Free) => now.saturating_sub(1),
                (Role::Observer | Role::Free, Role::Sealer) => now + 1,
                _ => now,
            };
            let of = |count: usize| format!("{count} sealers, {} may fail", faults_tolerable(count));
            match now == then {
                true => format!("{} as before", of(now)),
                false => format!("{} instead of {}", of(then), of(now)),
            }
        }
        Wish::Weight(account, weight) => {
            let sum = |seats: &mut dyn Iterator<Item = u32>| seats.map(u64::from).sum::<u64>();
            let all = sum(&mut holds.seats().values().copied());
            let others = sum(&mut holds
                .seats()
                .iter()
                .filter(|(seat, _)| *seat != account)
                .map(|(_, weight)| *weight));
            let then = others + u64::from(*weight);
            let needed = |all: u64| all * u64::from(holds.threshold()) / 100 + 1;
            format!(
                "a change needs {} of {then} votes instead of {} of {all}; every open vote is void",
                needed(then),
                needed(all)
            )
        }
        Wish::Threshold(percent) => {
            format!(
                "a change needs more than {percent}% of the votes instead of more than {}%; every open vote is void",
                holds.threshold()
            )
        }
        Wish::Operator(account, true) => {
            format!("{account} may deploy contracts; who has no such right may not from then on")
        }
        Wish::Operator(account, false) => format!("{account} may not deploy contracts, unless everybody may"),
        Wish::Frozen(account, true) => format!("transactions of {account} do nothing until a vote undoes it"),
        Wish::Frozen(account, false) => format!("transactions of {account} do something again"),
        Wish::Config(key, _) => match holds.config(key) {
            Some(value) => format!("{key} was set to {value}"),
            None => format!("{key} has the value of the genesis"),
        },
    }
}
