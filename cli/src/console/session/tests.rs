//! A session against nodes that answer as they are told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use alloy_sol_types::SolValue;
use althing_operator::name::{GroupName, Namespace, NodeName};
use althing_operator::pki::PrivateKey;
use althing_operator::plan::{KeyKind, KeyPurpose};
use althing_types::{Address, FiscoTransaction};
use anyhow::bail;

use super::*;
use crate::console::parse;
use crate::console::place::Access;
use crate::vote::Known;

type Answers = fn(&str, &str) -> Value;

/// Nodes 0 and 1; `answers` says what a node answers to a method.
struct Stage {
    known: Known,
    answers: Answers,
    asked: Mutex<Vec<String>>,
    /// The transactions that were sent.
    sent: Mutex<Vec<String>>,
    cryptography: Cryptography,
}

impl Stage {
    fn session(answers: Answers) -> Session<Self> {
        Self::session_in(Cryptography::Standard, answers)
    }

    fn session_in(cryptography: Cryptography, answers: Answers) -> Session<Self> {
        let agency = AgencyName::new("agency-a").unwrap();
        let known = Known {
            namespace: Namespace::new("trade").unwrap(),
            nodes: BTreeMap::new(),
            accounts: BTreeMap::from([(agency.clone(), Address::repeat_byte(1))]),
            own: BTreeSet::from([agency]),
            agreed: BTreeMap::new(),
            asks: BTreeMap::new(),
            remedy: "start them",
        };
        let stage = Self {
            known,
            answers,
            asked: Mutex::default(),
            sent: Mutex::default(),
            cryptography,
        };
        let choice = Choice {
            node: None,
            group: Some(1),
            agency: None,
            command: vec![],
        };
        Session::new(stage, &choice).unwrap()
    }
}

impl Place for Stage {
    fn known(&self) -> &Known {
        &self.known
    }

    fn program(&self) -> &'static str {
        "althing"
    }

    fn nodes(&self) -> anyhow::Result<Vec<RunningNode>> {
        let node = |number| RunningNode {
            name: NodeName::new(format!("node-{number}")).unwrap(),
            agency: AgencyName::new("agency-a").unwrap(),
            end_point: format!("127.0.0.1:{number}"),
            groups: vec![(1, GroupName::new("group-1").unwrap())],
        };
        Ok(vec![node(0), node(1)])
    }

    async fn ask(&self, node: &RunningNode, _: &str, question: &Value, _: Access) -> anyhow::Result<Value> {
        let method = question["method"].as_str().unwrap_or_default();
        self.asked.lock().unwrap().push(format!("{} {method}", node.name));
        if method == "sendRawTransaction" {
            let raw = question["params"][1].as_str().unwrap_or_default();
            self.sent.lock().unwrap().push(raw.to_owned());
        }
        match (self.answers)(node.name.as_str(), method) {
            Value::Null => bail!("connection refused"),
            answer => Ok(answer),
        }
    }

    async fn key(&self, _: &AgencyName) -> anyhow::Result<PrivateKey> {
        let mut next = 0_u8;
        let mut entropy = |bytes: &mut [u8]| {
            next += 1;
            bytes.fill(next);
        };
        let kind = KeyKind::new(KeyPurpose::Account, self.cryptography);
        Ok(PrivateKey::generate(kind, &mut entropy)?)
    }

    async fn cryptography(&self) -> anyhow::Result<Cryptography> {
        Ok(self.cryptography)
    }
}

fn carry_out(answers: Answers, line: &str) -> (Result<Reply, Refusal>, Vec<String>) {
    let mut session = Stage::session(answers);
    let command = parse::line(line, &session.names()).unwrap().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let told = runtime.block_on(session.carry_out(&command));
    (told, session.place.asked.into_inner().unwrap())
}

fn output(bytes: &[u8], status: &str) -> Value {
    let output = alloy_primitives::Bytes::copy_from_slice(bytes);
    json!({"result": {"currentBlockNumber": "0x1", "output": output, "status": status}})
}

#[test]
fn a_node_that_cannot_say_is_passed_over_and_one_that_refuses_is_believed() {
    let answers: Answers = |node, _| match node {
        "node-0" => json!({"error": {"code": -40_009, "message": "not in the group"}}),
        _ => json!({"result": "0x7"}),
    };
    let (told, asked) = carry_out(answers, "getBlockNumber");
    assert_eq!(told.unwrap().answer, Answer::Line(json!(7)));
    assert_eq!(asked, ["node-0 getBlockNumber", "node-1 getBlockNumber"]);

    let silent: Answers = |node, _| match node {
        "node-0" => Value::Null,
        _ => json!({"result": "0x7"}),
    };
    assert!(carry_out(silent, "getBlockNumber").0.is_ok());

    let refused: Answers = |_, _| json!({"error": {"code": -40_008, "message": "no\u{1b}[31m such key"}});
    let (told, asked) = carry_out(refused, "getSystemConfigByKey tx_gas_limit");
    assert_eq!((told.unwrap_err().code(), asked.len()), (Some(-40_008), 1));
}

#[test]
fn when_no_node_answers_the_first_of_them_is_named_with_its_reason() {
    let (told, asked) = carry_out(|_, _| Value::Null, "getBlockNumber");
    let told = told.unwrap_err().to_string();
    assert!(told.contains("node-0") && told.contains("connection refused"), "{told}");
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_contract_that_the_node_does_not_know_is_told_and_nothing_is_sent() {
    // Where there is no code a call returns nothing; an unknown function ends as an exception, or is reverted.
    let unknown: [Answers; 3] = [
        |_, _| output(&[], "0x0"),
        |_, _| output(&[], "0x1"),
        |_, _| output(&[], "0x16"),
    ];
    for answers in unknown {
        for line in [
            "freezeAccount agency-a",
            "listOperators",
            "grantCNSManager agency-a",
            "getAccountStatus agency-a",
        ] {
            let (told, asked) = carry_out(answers, line);
            let told = told.unwrap_err().to_string();
            assert!(told.starts_with("Node node-0 does not know"), "{line}: {told}");
            assert_eq!(asked, ["node-0 call"], "{line}");
        }
    }
    let (told, _) = carry_out(unknown[0], "freezeAccount agency-a");
    assert!(told.unwrap_err().to_string().contains("0x1008"));
}

#[test]
fn what_the_contract_would_refuse_is_not_sent() {
    let answers: Answers = |_, _| {
        let code = alloy_primitives::I256::try_from(-52_006).unwrap();
        output(&code.abi_encode(), "0x0")
    };
    let (told, asked) = carry_out(answers, "grantOperator agency-a");
    assert_eq!(told.unwrap_err().code(), Some(-52_006));
    assert_eq!(asked, ["node-0 call"]);
}

#[test]
fn what_an_agency_decides_is_sent_in_fisco_s_format_with_the_key_of_its_edition() {
    let answers: Answers = |_, method| match method {
        "call" => output(&alloy_primitives::I256::ONE.abi_encode(), "0x0"),
        "getTransactionReceipt" => {
            let one = alloy_primitives::Bytes::from(alloy_primitives::I256::ONE.abi_encode());
            json!({"result": {"status": "0x0", "output": one}})
        }
        "getClientVersion" => json!({"result": {"Chain Id": "20260"}}),
        "getBlockNumber" => json!({"result": "0x7"}),
        _ => json!({"result": "0x"}),
    };
    for (cryptography, bytes_of_v) in [(Cryptography::Standard, 1), (Cryptography::Sm, 64)] {
        let mut session = Stage::session_in(cryptography, answers);
        let command = parse::line("grantOperator agency-a", &session.names())
            .unwrap()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(session.carry_out(&command)).unwrap();
        let sent = session.place.sent.into_inner().unwrap();
        let [raw] = &sent[..] else { panic!("{sent:?}") };
        let sent = FiscoTransaction::decode(&alloy_primitives::hex::decode(raw).unwrap()).unwrap();
        let request = &sent.request;
        assert_eq!((request.chain_id, request.group_id), (20_260, 1));
        assert!(request.block_limit > 7);
        assert_eq!(sent.signature.v.len(), bytes_of_v, "{cryptography}");
    }
}

#[test]
fn an_answer_that_is_none_is_told_with_what_was_found() {
    let answers: Answers = |_, _| json!({"id": 1});
    let (told, _) = carry_out(answers, "getSealerList");
    assert!(told.unwrap_err().to_string().contains("is no answer to it"));
}

#[test]
fn a_group_that_nobody_runs_is_not_switched_to() {
    let mut session = Stage::session(|_, _| json!({"error": {"code": -40_001, "message": "no such group"}}));
    let command = parse::line("switch 9", &session.names()).unwrap().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(
        runtime.block_on(session.carry_out(&command)).unwrap_err().code(),
        Some(-40_001)
    );
    assert_eq!(session.prompt(), "[group:1]> ");
}
