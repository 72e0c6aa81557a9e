//! Contracts that tell.

use althing_types::Address;
use anyhow::Context;
use serde_json::json;

use super::Session;
use crate::console::answer::Answer;
use crate::console::contract::{Call, Seen, View};
use crate::console::error::Refusal;
use crate::console::place::{Place, RunningNode};
use crate::console::table::Argument;

impl<P: Place> Session<P> {
    pub(super) async fn read(
        &self,
        command: &'static str,
        view: View,
        arguments: &[Argument],
    ) -> Result<Answer, Refusal> {
        let call = view
            .call(arguments)
            .with_context(|| format!("{command}: its parameters are not its own"))?;
        let (node, output) = self.try_call(None, &call, Address::ZERO).await?;
        let told = output.and_then(|output| view.told(&output));
        let told = told.ok_or_else(|| self.not_known(&node, command, &call))?;
        self.shown(view, arguments, told)
    }

    /// What a call of a contract would return, and who told; no output when it fails. Nothing is changed by it.
    pub(super) async fn try_call(
        &self,
        node: Option<&RunningNode>,
        call: &Call,
        from: Address,
    ) -> Result<(RunningNode, Option<Vec<u8>>), Refusal> {
        let params = json!([self.group, {"from": from, "to": call.to, "data": call.input}]);
        let (node, told) = match node {
            Some(node) => (node.clone(), self.call_at(node, "call", params).await?),
            None => self.call_somewhere("call", params).await?,
        };
        let is_well = told.get("status").and_then(super::ask::quantity) == Some(0);
        let output = told.get("output").cloned().unwrap_or_default();
        let output = serde_json::from_value::<alloy_primitives::Bytes>(output).ok();
        Ok((node, output.filter(|_| is_well).map(|output| output.to_vec())))
    }

    pub(super) fn not_known(&self, node: &RunningNode, command: &'static str, call: &Call) -> Refusal {
        Refusal::NotKnown {
            node: format!("Node {}", node.name),
            command,
            // Without the zeros: 0x1008, as FISCO's documents write it.
            contract: format!("{:#x}", alloy_primitives::U256::from_be_slice(call.to.as_slice())),
            group: self.group,
        }
    }

    fn shown(&self, view: View, arguments: &[Argument], told: Seen) -> Result<Answer, Refusal> {
        let about = match arguments {
            [Argument::Address(account)] => account.to_string(),
            _ => String::new(),
        };
        let agency = |account: &str| {
            let account: Address = account.parse().ok()?;
            let accounts = &self.place.known().accounts;
            let found = accounts.iter().find(|(_, known)| **known == account);
            found.map(|(agency, _)| agency.to_string())
        };
        Ok(match (view, told) {
            (_, Seen::Code(code)) => return Err(Refusal::Code(code)),
            (_, Seen::Grants(grants)) => Answer::Grants(
                grants
                    .into_iter()
                    .map(|grant| {
                        let agency = agency(&grant.address);
                        (grant, agency)
                    })
                    .collect(),
            ),
            (_, Seen::Accounts(accounts)) => Answer::Json(json!(accounts)),
            (View::MemberWeight, Seen::Number(weight)) => Answer::Text(
                format!("account: {about}\nweight: {weight}"),
                json!({"account": about, "weight": weight}),
            ),
            (_, Seen::Number(percent)) => {
                Answer::Text(format!("threshold: {percent}%"), json!({ "threshold": percent }))
            }
            (_, Seen::Text(text)) => Answer::Line(json!(text)),
            (_, Seen::Json(value)) => Answer::Json(value),
        })
    }
}
