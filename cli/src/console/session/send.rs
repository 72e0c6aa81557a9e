//! Transactions of an agency's governance account.

use std::time::{Duration, Instant};

use althing_governance::Wish;
use althing_operator::governance::{ChainView, rpc, value_text};
use althing_operator::name::AgencyName;
use althing_operator::pki::PrivateKey;
use althing_operator::transaction::{Chain, Message, sign};
use althing_types::{Address, GroupId};
use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

use super::Session;
use super::ask::quantity;
use crate::console::answer::{Answer, Reply, Sent, Tally};
use crate::console::contract::{Call, Function, code};
use crate::console::error::Refusal;
use crate::console::place::{Access, Place, RunningNode};
use crate::console::table::Argument;

/// How long a transaction may take into a block.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(200);
/// Letters of a change's identity.
const ID_LETTERS: usize = 14;

/// Who signs.
struct Signer {
    agency: AgencyName,
    account: Address,
    key: PrivateKey,
}

impl<P: Place> Session<P> {
    pub(super) async fn send(
        &self,
        command: &'static str,
        function: Function,
        arguments: &[Argument],
    ) -> Result<Reply, Refusal> {
        let call = function
            .call(arguments)
            .with_context(|| format!("{command}: its parameters are not its own"))?;
        let signer = self.signer().await?;
        // What the chain would refuse, or does not know, makes no transaction.
        let (node, output) = self.try_call(None, &call, signer.account).await?;
        self.check_membership(&node, function, arguments).await?;
        self.understood(&node, command, &call, output.as_deref())?;
        let hash = self.submit(&node, &call, &signer).await?;
        let output = self.output_of(&node, &hash).await?;
        let code = self.understood(&node, command, &call, output.as_deref())?;
        let wish = function.wish(arguments);
        let mut sent = Sent { hash, vote: None };
        let mut note = None;
        if let Some(wish) = &wish {
            match code {
                0 => sent.vote = Some(self.tally(&node, command, wish).await?),
                _ => note = self.what_follows(wish),
            }
        }
        Ok(Reply {
            answer: Answer::Sent(sent),
            note,
            is_refused: false,
        })
    }

    async fn signer(&self) -> anyhow::Result<Signer> {
        let agency = self.current_agency()?;
        let key = self.place.key(&agency).await?;
        let Some(account) = key.public().account() else {
            bail!("the governance key of {agency} is no account's");
        };
        Ok(Signer { agency, account, key })
    }

    /// The code in an output; an error when it is a refusal, or none.
    fn understood(
        &self,
        node: &RunningNode,
        command: &'static str,
        call: &Call,
        output: Option<&[u8]>,
    ) -> Result<i64, Refusal> {
        match output.and_then(code) {
            None => Err(self.not_known(node, command, call)),
            Some(code) if code < 0 => Err(Refusal::Code(code)),
            Some(code) => Ok(code),
        }
    }

    /// Signs a call and brings it to the node; its hash.
    async fn submit(&self, node: &RunningNode, call: &Call, signer: &Signer) -> Result<String, Refusal> {
        let message = Message {
            chain: self.chain(node).await?,
            to: call.to,
            input: call.input.clone(),
        };
        let signed = sign(&signer.key, &message).with_context(|| format!("sign as {}", signer.agency))?;
        self.call_at(node, "sendRawTransaction", json!([self.group, signed.raw]))
            .await?;
        Ok(signed.hash.to_string())
    }

    /// The chain of the group and how far the node has it.
    async fn chain(&self, node: &RunningNode) -> Result<Chain, Refusal> {
        let version = self.call_at(node, "getClientVersion", json!([])).await?;
        let chain_id = version.get("Chain Id").and_then(Value::as_str);
        let chain_id = chain_id.and_then(|text| text.parse::<u64>().ok());
        let height = self.call_at(node, "getBlockNumber", json!([self.group])).await?;
        Ok(Chain {
            chain_id: chain_id
                .with_context(|| format!("getClientVersion was answered with {version}, which names no Chain Id"))?,
            group: GroupId::try_from(self.group).context("the group of this session")?,
            height: quantity(&height)
                .with_context(|| format!("getBlockNumber was answered with {height}, which is no quantity"))?,
        })
    }

    /// Waits for the block with a transaction; what its call returned, or nothing when it failed.
    async fn output_of(&self, node: &RunningNode, hash: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let started = Instant::now();
        loop {
            let receipt = self
                .call_at(node, "getTransactionReceipt", json!([self.group, hash]))
                .await?;
            if !receipt.is_null() {
                let is_well = receipt.get("status").and_then(quantity) == Some(0);
                let output = receipt.get("output").cloned().unwrap_or_default();
                let output = serde_json::from_value::<alloy_primitives::Bytes>(output);
                let output = output.context("read the output in a receipt")?;
                return Ok(is_well.then(|| output.to_vec()));
            }
            let elapsed = started.elapsed();
            if elapsed >= PATIENCE {
                return Err(anyhow!(
                    "transaction {hash} was sent and is in no block after {} s; getTransactionReceipt says when it is",
                    elapsed.as_secs()
                )
                .into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How far a vote that was recorded has come.
    async fn tally(&self, node: &RunningNode, command: &'static str, wish: &Wish) -> anyhow::Result<Tally> {
        let path = format!("/group/{}", self.group);
        let told = self.place.ask(node, &path, &rpc::ask_state(), Access::Anyone).await?;
        let view = rpc::told_state(&told).context("read how the vote stands")?;
        Ok(self.counted(&view, command, wish))
    }

    fn counted(&self, view: &ChainView, command: &'static str, wish: &Wish) -> Tally {
        let (holds, names, program) = (&view.governance, self.names(), self.place.program());
        let change = holds.change(wish, false);
        let (subject, to) = (wish.subject(), wish.to());
        let (votes, _) = holds.tally(&subject, &to, false);
        let has_voted = |account: &&Address| {
            let vote = holds.vote_of(&subject, account);
            vote.is_some_and(|vote| vote.to == to && !vote.force)
        };
        let (voted, missing): (Vec<&Address>, Vec<&Address>) = holds.seats().keys().partition(has_voted);
        let named = |accounts: Vec<&Address>| accounts.into_iter().map(|account| names.agency(account)).collect();
        let id = holds
            .id_of(&change)
            .to_string()
            .chars()
            .take(ID_LETTERS)
            .collect::<String>();
        let look = match wish {
            Wish::Weight(..) => "queryVotesOfMember and ",
            Wish::Threshold(_) => "queryVotesOfThreshold and ",
            Wish::Role(..) | Wish::Config(..) | Wish::Operator(..) | Wish::Frozen(..) => "",
        };
        Tally {
            what: format!("{} is to be {}", names.subject(&subject), value_text(&to)),
            votes,
            needed: holds.needed(),
            voted: named(voted),
            missing: named(missing),
            next: format!("others vote by {command} too, or by {program} vote {id}; see {look}{program} approvals"),
            change: id,
        }
    }

    /// What happens after a vote that passed.
    fn what_follows(&self, wish: &Wish) -> Option<String> {
        let name = self.names().subject(&wish.subject());
        match wish {
            Wish::Role(..) => Some(format!(
                "passed: {name} is to be {}, step by step, while a quorum proves to live; getSealerList and getObserverList show when",
                value_text(&wish.to())
            )),
            Wish::Config(..) => Some(format!("passed: {name} holds from the next block")),
            Wish::Weight(..) | Wish::Threshold(_) | Wish::Operator(..) | Wish::Frozen(..) => None,
        }
    }
}
