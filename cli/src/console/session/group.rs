//! Groups of one node, as its administrator.

use anyhow::anyhow;
use serde_json::{Value, json};

use super::Session;
use crate::console::answer::{Answer, Reply};
use crate::console::error::Refusal;
use crate::console::place::{Access, Place, RunningNode};
use crate::console::table::Argument;

/// FISCO's code of what is done.
const DONE: &str = "0x0";

impl<P: Place> Session<P> {
    pub(super) async fn ask_of_group(&self, method: &'static str, arguments: &[Argument]) -> Result<Reply, Refusal> {
        let Some((Argument::EndPoint(name), rest)) = arguments.split_first() else {
            return Err(anyhow!("{method} takes an endPoint first").into());
        };
        let node = self.running(name)?;
        let (group, rest) = match rest.split_first() {
            Some((Argument::Group(group), rest)) => (group.get(), rest),
            _ => (self.group, rest),
        };
        let mut params = vec![json!(group)];
        if let Some((Argument::Number(timestamp), sealers)) = rest.split_first() {
            let sealers: Vec<Value> = sealers.iter().map(Argument::json).collect();
            // FISCO writes it as decimal text.
            params.push(json!({"timestamp": timestamp.to_string(), "sealers": sealers}));
        }
        let told = self
            .call_as(&node, "/", method, Value::Array(params), Access::Admin)
            .await?;
        let is_refused = told.get("code").and_then(Value::as_str) != Some(DONE);
        Ok(Reply {
            note: (!is_refused).then(|| note(method, group, &node)).flatten(),
            answer: Answer::Json(told),
            is_refused,
        })
    }
}

/// What manifests have to do with it: they are what makes nodes here, and the console does not change them.
fn note(method: &str, group: u32, node: &RunningNode) -> Option<String> {
    let declared = node.groups.iter().find(|(id, _)| *id == group).map(|(_, name)| name);
    let node = &node.name;
    match (method, declared) {
        ("generateGroup", _) => Some(format!(
            "no manifest declares group {group}, and it has no committee. As long as group.{group}.genesis is among the files of {node}, \
             the operator changes nothing of {node} and says so. A manifest of kind Group makes it on every node instead, with a \
             committee; to be rid of this one: stopGroup, removeGroup, and take group.{group}.genesis and group.{group}.ini away"
        )),
        ("stopGroup", Some(name)) => Some(format!(
            "Group {name} still declares group {group} and counts {node} as down for it until startGroup; to take {node} out for \
             good, declare its role Free in spec.agreed.members of Group {name}, or vote with removeNode"
        )),
        ("removeGroup", Some(name)) => Some(format!(
            "Group {name} still declares group {group}, and its files come back with the manifest; {node} does not run it until \
             recoverGroup and startGroup. To take {node} out for good, declare its role Free in spec.agreed.members of Group {name}"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use althing_operator::name::{AgencyName, GroupName, NodeName};

    use super::*;

    #[test]
    fn who_stops_a_declared_group_is_told_how_to_declare_it() {
        let node = RunningNode {
            name: NodeName::new("node-0").unwrap(),
            agency: AgencyName::new("agency-a").unwrap(),
            end_point: "127.0.0.1:8545".to_owned(),
            groups: vec![(1, GroupName::new("group-1").unwrap())],
        };
        for method in ["stopGroup", "removeGroup"] {
            let told = note(method, 1, &node).unwrap();
            assert!(
                told.contains("Group group-1") && told.contains("spec.agreed.members"),
                "{told}"
            );
            assert_eq!(note(method, 2, &node), None);
        }
        assert!(note("generateGroup", 2, &node).unwrap().contains("kind Group"));
        assert_eq!(note("startGroup", 1, &node), None);
    }
}
