//! What FISCO's SDKs look at before they send a change of who takes part (FISCO BCOS 2.x java-sdk, `ConsensusService`).

use althing_types::NodeId;
use serde_json::{Value, json};

use super::Session;
use crate::console::codes::{NOT_CONNECTED, NOT_IN_GROUP, OBSERVER_ALREADY, SEALER_ALREADY};
use crate::console::contract::Function;
use crate::console::error::Refusal;
use crate::console::place::{Place, RunningNode};
use crate::console::table::Argument;

/// What one node knows about who is there.
#[derive(Debug, Default)]
struct Lists {
    connected: Vec<String>,
    sealers: Vec<String>,
    observers: Vec<String>,
}

impl<P: Place> Session<P> {
    /// Refuses what could not do what is asked for.
    pub(super) async fn check_membership(
        &self,
        node: &RunningNode,
        function: Function,
        arguments: &[Argument],
    ) -> Result<(), Refusal> {
        let [Argument::Node(wanted)] = arguments else {
            return Ok(());
        };
        let mut lists = Lists::default();
        for (method, list) in [
            ("getNodeIDList", &mut lists.connected),
            ("getSealerList", &mut lists.sealers),
            ("getObserverList", &mut lists.observers),
        ] {
            let told: Value = self.call_at(node, method, json!([self.group])).await?;
            *list = serde_json::from_value(told).unwrap_or_default();
        }
        match refusal(function, wanted, &lists) {
            Some(code) => Err(Refusal::Code(code)),
            None => Ok(()),
        }
    }
}

fn refusal(function: Function, node: &NodeId, lists: &Lists) -> Option<i64> {
    let node = node.to_string();
    let is_in = |list: &[String]| list.contains(&node);
    match function {
        Function::AddSealer if !is_in(&lists.connected) => Some(NOT_CONNECTED),
        Function::AddObserver if !is_in(&lists.connected) => Some(NOT_CONNECTED),
        Function::AddSealer if is_in(&lists.sealers) => Some(SEALER_ALREADY),
        Function::AddObserver if is_in(&lists.observers) => Some(OBSERVER_ALREADY),
        Function::RemoveNode if !is_in(&lists.sealers) && !is_in(&lists.observers) => Some(NOT_IN_GROUP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_do_what_is_asked_for_is_not_sent() {
        let node = |byte: u8| NodeId::new([byte; 64]);
        let [sealer, observer, free, away] = [1, 2, 3, 4].map(node);
        let listed = |nodes: &[NodeId]| nodes.iter().map(ToString::to_string).collect();
        let lists = Lists {
            connected: listed(&[sealer, observer, free]),
            sealers: listed(&[sealer]),
            observers: listed(&[observer]),
        };
        for (function, node, wanted) in [
            (Function::AddSealer, away, Some(-51_102)),
            (Function::AddObserver, away, Some(-51_102)),
            (Function::RemoveNode, away, Some(-51_103)),
            (Function::RemoveNode, free, Some(-51_103)),
            (Function::AddSealer, sealer, Some(-51_104)),
            (Function::AddObserver, observer, Some(-51_105)),
            (Function::AddSealer, observer, None),
            (Function::AddSealer, free, None),
            (Function::AddObserver, sealer, None),
            (Function::RemoveNode, observer, None),
            (Function::RemoveNode, sealer, None),
        ] {
            assert_eq!(
                refusal(function, &node, &lists),
                wanted,
                "{function:?} {}",
                node.short()
            );
        }
    }
}
