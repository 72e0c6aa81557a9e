//! A console at work: a namespace, a group, and who is asked and who signs.
//!
//! ```text
//! line ─▶ parse ─▶ Command ─▶ Session ─┬─ ask     a node, over RPC
//!                                      ├─ group   a node, as its administrator
//!                                      ├─ read    a contract
//!                                      └─ send    an account's transaction to a contract
//! ```

mod ask;
mod group;
mod membership;
mod read;
mod send;
#[cfg(test)]
mod tests;

use althing_operator::governance::Names;
use althing_operator::name::{AgencyName, NodeName};
use althing_types::genesis::Cryptography;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::answer::{Answer, Reply};
use super::complete::Words;
use super::error::Refusal;
use super::parse::Command;
use super::place::{Place, RunningNode};
use super::table::{Argument, Verb};
use super::{Choice, help};

/// What is asked next.
#[derive(Debug)]
pub(super) struct Session<P> {
    place: P,
    /// The node that `--node` names; without it any node that runs the group is asked.
    node: Option<NodeName>,
    /// The agency that `--as` names.
    agency: Option<AgencyName>,
    group: u32,
}

impl<P: Place> Session<P> {
    /// A session with what the command line chose; an error names what is not there.
    pub(super) fn new(place: P, choice: &Choice) -> anyhow::Result<Self> {
        let mut session = Self {
            place,
            node: None,
            agency: None,
            group: 1,
        };
        if let Some(name) = &choice.node {
            session.node = Some(session.running(name)?.name);
        }
        if let Some(name) = &choice.agency {
            session.agency = Some(session.own_agency(name)?);
        }
        let declared = |node: RunningNode| node.groups.into_iter().map(|(id, _)| id).min();
        let first = || session.candidates().ok()?.into_iter().filter_map(declared).min();
        session.group = choice.group.or_else(first).unwrap_or(1);
        Ok(session)
    }

    /// The prompt, as FISCO's console has it.
    pub(super) fn prompt(&self) -> String {
        format!("[group:{}]> ", self.group)
    }

    /// What Nodes and Agencies are called here.
    pub(super) fn names(&self) -> Names<'_> {
        let known = self.place.known();
        Names {
            nodes: &known.nodes,
            accounts: &known.accounts,
        }
    }

    /// Carries a command out. `quit` answers nothing.
    pub(super) async fn carry_out(&mut self, command: &Command) -> Result<Reply, Refusal> {
        let arguments = command.arguments.as_slice();
        match command.row.verb {
            Verb::Ask(question) => self.ask_question(question, arguments).await.map(Reply::from),
            Verb::Group(method) => self.ask_of_group(method, arguments).await,
            Verb::Send(function) => self.send(command.row.name, function, arguments).await,
            Verb::Read(view) => self.read(command.row.name, view, arguments).await.map(Reply::from),
            Verb::Connections => self.connections().map(Reply::from),
            Verb::CryptoType => self.crypto_type().await.map(Reply::from),
            Verb::CurrentAccount => self.current_account().map(Reply::from),
            Verb::Accounts => Ok(self.accounts().into()),
            Verb::Switch => self.switch(arguments).await.map(Reply::from),
            Verb::Help => {
                let name = match arguments {
                    [Argument::Text(name)] => Some(name.as_str()),
                    _ => None,
                };
                Ok(help::answer(name).into())
            }
            Verb::Quit => Ok(Answer::Nothing("").into()),
        }
    }

    /// The node of this name or `IP:Port`, which must run here.
    fn running(&self, name: &str) -> anyhow::Result<RunningNode> {
        let nodes = self.place.nodes()?;
        let found = nodes
            .iter()
            .find(|node| node.name.as_str() == name || node.end_point == name);
        found.cloned().with_context(|| {
            let known: Vec<_> = nodes
                .iter()
                .map(|node| format!("{} ({})", node.name, node.end_point))
                .collect();
            let known_or_none = match known.as_slice() {
                [] => format!("none; {}", self.place.known().remedy),
                known => known.join(", "),
            };
            format!(
                "no node {name:?} runs in {}; those that do: {known_or_none}",
                self.place.known().namespace
            )
        })
    }

    fn own_agency(&self, name: &str) -> anyhow::Result<AgencyName> {
        let known = self.place.known();
        let found = known.own.iter().find(|agency| agency.as_str() == name);
        found.cloned().with_context(|| {
            let own: Vec<_> = known.own.iter().map(AgencyName::as_str).collect();
            format!(
                "--as {name}: no governance key of it is in {}; accepted: {}",
                known.namespace,
                own.join(", ")
            )
        })
    }

    /// The nodes to ask, in the order in which they are: those that manifests put into the group first.
    fn candidates(&self) -> anyhow::Result<Vec<RunningNode>> {
        if let Some(name) = &self.node {
            return Ok(vec![self.running(name.as_str())?]);
        }
        let mut nodes = self.place.nodes()?;
        let known = self.place.known();
        if nodes.is_empty() {
            return Err(anyhow!("no node of {} runs; {}", known.namespace, known.remedy));
        }
        nodes.sort_by_key(|node| !node.groups.iter().any(|(id, _)| *id == self.group));
        Ok(nodes)
    }

    fn connections(&self) -> Result<Answer, Refusal> {
        let nodes = self.place.nodes()?;
        let lines = nodes.iter().map(|node| format!("{} {}", node.end_point, node.name));
        let value = nodes
            .iter()
            .map(|node| json!({"endPoint": node.end_point, "node": node.name.as_str()}));
        Ok(Answer::Text(lines.collect::<Vec<_>>().join("\n"), value.collect()))
    }

    async fn crypto_type(&self) -> Result<Answer, Refusal> {
        let kind = match self.place.cryptography().await? {
            Cryptography::Standard => "ECDSA",
            Cryptography::Sm => "SM",
        };
        let text = format!("ledger crypto type: {kind}\nssl crypto type: {kind}");
        Ok(Answer::Text(text, json!({"ledger": kind, "ssl": kind})))
    }

    /// The agency that signs: the one that was chosen, else the only one.
    fn current_agency(&self) -> anyhow::Result<AgencyName> {
        let known = self.place.known();
        let own: Vec<&AgencyName> = known.own.iter().collect();
        match (&self.agency, own.as_slice()) {
            (Some(agency), _) => Ok(agency.clone()),
            (None, [only]) => Ok((*only).clone()),
            (None, []) => Err(anyhow!(
                "no agency's governance key is in {}: this console only reads",
                known.namespace
            )),
            (None, several) => {
                let names: Vec<_> = several.iter().map(|agency| agency.as_str()).collect();
                Err(anyhow!(
                    "which agency? start the console with --as one of {}",
                    names.join(", ")
                ))
            }
        }
    }

    fn account_of(&self, agency: &AgencyName) -> anyhow::Result<althing_types::Address> {
        let account = self.place.known().accounts.get(agency).copied();
        account.with_context(|| format!("agency {agency} has no governance account yet"))
    }

    fn current_account(&self) -> Result<Answer, Refusal> {
        let agency = self.current_agency()?;
        Ok(Answer::Line(json!(self.account_of(&agency)?)))
    }

    fn accounts(&self) -> Answer {
        let current = self.current_agency().ok();
        let known = self.place.known();
        let mut rows: Vec<_> = known
            .accounts
            .iter()
            .filter(|(agency, _)| known.own.contains(*agency))
            .collect();
        rows.sort_by_key(|(agency, _)| current.as_ref() != Some(*agency));
        let lines = rows
            .iter()
            .map(|(agency, account)| match current.as_ref() == Some(*agency) {
                true => format!("{account} {agency} (current account) <="),
                false => format!("{account} {agency}"),
            });
        let value = rows.iter().map(|(agency, account)| {
            let is_current = current.as_ref() == Some(*agency);
            json!({"account": account, "agency": agency.as_str(), "current": is_current})
        });
        match rows.is_empty() {
            true => Answer::Text("Empty set.".to_owned(), json!([])),
            false => Answer::Text(lines.collect::<Vec<_>>().join("\n"), value.collect()),
        }
    }

    async fn switch(&mut self, arguments: &[Argument]) -> Result<Answer, Refusal> {
        let [Argument::Group(group)] = arguments else {
            return Err(anyhow!("switch takes a group").into());
        };
        let before = std::mem::replace(&mut self.group, group.get());
        // Stays where it is when no node runs that group.
        let heard: Result<Value, Refusal> = self.call("getBlockNumber", json!([group])).await;
        if let Err(refusal) = heard {
            self.group = before;
            return Err(refusal);
        }
        Ok(Answer::Text(
            format!("switched to group {group}"),
            json!({"group": group}),
        ))
    }

    /// What can be completed with now. What cannot be asked for is not offered.
    pub(super) async fn vocabulary(&self) -> Words {
        let known = self.place.known();
        let connected = self.call("getNodeIDList", json!([self.group])).await;
        let groups = self.call("getGroupList", json!([])).await;
        let nodes = self.place.nodes().unwrap_or_default();
        let texts = |value: Option<Value>| -> Vec<String> {
            let list = value.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
            let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
            // What others say is put on the line that a person runs: only what looks as it should.
            list.iter()
                .map(text)
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                .collect()
        };
        let own_ids = known.nodes.values().map(ToString::to_string);
        Words {
            nodes: known.nodes.keys().map(ToString::to_string).collect(),
            node_ids: own_ids.chain(texts(connected.ok())).collect(),
            agencies: known.accounts.keys().map(ToString::to_string).collect(),
            accounts: known.accounts.values().map(ToString::to_string).collect(),
            groups: texts(groups.ok()),
            end_points: nodes
                .iter()
                .flat_map(|node| [node.name.to_string(), node.end_point.clone()])
                .collect(),
        }
    }
}
