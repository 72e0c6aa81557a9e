//! What happened, as events of the contract of our own, so that clients and operators can follow it.

use alloy_primitives::{LogData, hex};
use alloy_sol_types::{SolEvent, sol};
use althing_governance::{Event, Lapse, Subject};
use althing_types::{HashFn, Log};

use super::GOVERNANCE;

sol! {
    event Voted(address indexed account, bytes32 indexed id);
    event Withdrawn(address indexed account, string subject);
    event Passed(bytes32 indexed id);
    event Stepped(bytes32 indexed id, string node, uint8 from, uint8 to);
    event Done(bytes32 indexed id);
    event Lapsed(bytes32 indexed id, string why);
    event Recovered(bytes32 indexed id, uint64 height);
    event LeaseGranted(string node, uint64 untilMs);
    event LeaseEnded(string node);
}

/// The event with its topic by this hash, as contracts of the group have theirs.
pub(super) fn log(event: &Event, hash: HashFn) -> Log {
    let data = match event {
        Event::Voted { account, id } => data(
            hash,
            &Voted {
                account: *account,
                id: *id,
            },
        ),
        Event::Withdrawn { account, subject } => data(
            hash,
            &Withdrawn {
                account: *account,
                subject: name(subject),
            },
        ),
        Event::Passed { id } => data(hash, &Passed { id: *id }),
        Event::Stepped { id, node, from, to } => data(
            hash,
            &Stepped {
                id: *id,
                node: hex::encode(node.as_bytes()),
                from: *from as u8,
                to: *to as u8,
            },
        ),
        Event::Done { id } => data(hash, &Done { id: *id }),
        Event::Lapsed { id, why } => data(
            hash,
            &Lapsed {
                id: *id,
                why: reason(why),
            },
        ),
        Event::Recovered { id, height } => data(
            hash,
            &Recovered {
                id: *id,
                height: *height,
            },
        ),
        Event::LeaseGranted { node, until_ms } => data(
            hash,
            &LeaseGranted {
                node: hex::encode(node.as_bytes()),
                untilMs: *until_ms,
            },
        ),
        Event::LeaseEnded { node } => data(
            hash,
            &LeaseEnded {
                node: hex::encode(node.as_bytes()),
            },
        ),
    };
    Log {
        address: GOVERNANCE,
        data,
    }
}

fn data<E: SolEvent>(hash: HashFn, event: &E) -> LogData {
    let mut data = event.encode_log_data();
    if let Some(first) = data.topics_mut().first_mut() {
        *first = hash(E::SIGNATURE.as_bytes());
    }
    data
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Node(node) => format!("node {}", hex::encode(node.as_bytes())),
        Subject::Seat(account) => format!("seat {account:#x}"),
        Subject::Threshold => "threshold".to_owned(),
        Subject::Config(key) => format!("configuration {key}"),
        Subject::Operator(account) => format!("operator {account:#x}"),
        Subject::Account(account) => format!("account {account:#x}"),
    }
}

fn reason(why: &Lapse) -> String {
    match why {
        Lapse::Step(blocked) => blocked.to_string(),
        Lapse::Expired => "its approval is too old; it can be voted on again".to_owned(),
        Lapse::Overtaken => "something else was approved for the same node".to_owned(),
        Lapse::Recovered => "the group was recovered since; it can be voted on again".to_owned(),
    }
}
