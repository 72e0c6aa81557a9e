//! What happened, as events of the contract of our own, so that clients and operators can follow it.

use alloy_primitives::hex;
use alloy_sol_types::{SolEvent, sol};
use althing_governance::{Event, Lapse, Subject};
use althing_types::Log;

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

pub(super) fn log(event: &Event) -> Log {
    let data = match event {
        Event::Voted { account, id } => Voted {
            account: *account,
            id: *id,
        }
        .encode_log_data(),
        Event::Withdrawn { account, subject } => Withdrawn {
            account: *account,
            subject: name(subject),
        }
        .encode_log_data(),
        Event::Passed { id } => Passed { id: *id }.encode_log_data(),
        Event::Stepped { id, node, from, to } => Stepped {
            id: *id,
            node: hex::encode(node.as_bytes()),
            from: *from as u8,
            to: *to as u8,
        }
        .encode_log_data(),
        Event::Done { id } => Done { id: *id }.encode_log_data(),
        Event::Lapsed { id, why } => Lapsed {
            id: *id,
            why: reason(why),
        }
        .encode_log_data(),
        Event::Recovered { id, height } => Recovered {
            id: *id,
            height: *height,
        }
        .encode_log_data(),
        Event::LeaseGranted { node, until_ms } => LeaseGranted {
            node: hex::encode(node.as_bytes()),
            untilMs: *until_ms,
        }
        .encode_log_data(),
        Event::LeaseEnded { node } => LeaseEnded {
            node: hex::encode(node.as_bytes()),
        }
        .encode_log_data(),
    };
    Log {
        address: GOVERNANCE,
        data,
    }
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
