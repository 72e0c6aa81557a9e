//! An identity runs at most once, and on the newest of its disks (DESIGN.md 5.5; issue 5): the ways in which users lost their chains.

use std::time::Duration;

use althing_e2e::{Account, Consortium, Manifests, Member, Rpc, until};

use crate::room;

const BLOCK: Duration = Duration::from_secs(20);

/// Four sealers and a client of the first.
struct Scene {
    consortium: Consortium,
    nodes: Vec<Member>,
    rpc: Rpc,
    account: Account,
    nonce: u64,
}

impl Scene {
    async fn start() -> Self {
        let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
        let nodes = consortium.members().unwrap();
        let rpc = nodes[0].rpc(1).unwrap();
        Self {
            account: consortium.account("identity", &rpc).await.unwrap(),
            consortium,
            nodes,
            rpc,
            nonce: 0,
        }
    }

    async fn up(&mut self) {
        self.consortium.up().await.unwrap();
        self.nodes = self.consortium.members().unwrap();
    }

    async fn blocks(&mut self, count: u64) {
        for _ in 0..count {
            let (raw, hash) = self.account.nothing(self.nonce);
            self.nonce += 1;
            self.rpc.send_raw(&raw).await.unwrap();
            self.rpc.mined(hash, BLOCK).await.unwrap();
        }
    }

    /// Every node holds the same blocks.
    async fn is_one_chain(&self, nodes: &[Member]) {
        let height = self.consortium.ledgers_are_equal(1, nodes, BLOCK).await.unwrap();
        assert!(height >= self.nonce, "{height} blocks for {} transactions", self.nonce);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_runs_twice_costs_the_group_nothing_and_the_second_is_kept_out() {
    // FISCO-BCOS #3617.
    let _room = room::enter().await;
    let mut scene = Scene::start().await;
    scene.blocks(3).await;
    // A copy of a whole node, key, ledger and votes, as somebody who moves a machine makes it.
    scene.nodes[3].stop().await.unwrap();
    let twin = scene.nodes[3].twin(&scene.consortium.scratch().join("twin")).unwrap();
    scene.up().await;
    scene.blocks(3).await;
    let mut second = twin.start_as_it_is().unwrap();
    let refused = r#"althing_network_refused_total{reason="duplicate"}"#;
    let others = scene.nodes[..3].to_vec();
    until("the second to be refused by all", BLOCK, || async {
        let mut all = true;
        for node in &others {
            all &= node.metric(refused).await.is_some_and(|count| count > 0.0);
        }
        all
    })
    .await
    .unwrap();
    scene.blocks(5).await;
    scene.is_one_chain(&scene.nodes).await;
    // Of four sealers the others need the real one as soon as another is gone.
    scene.nodes[2].kill().await.unwrap();
    scene.blocks(5).await;
    assert!(second.try_wait().unwrap().is_none(), "the second runs all the time");
    second.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_a_restored_older_disk_abstains_until_it_is_safe_and_then_votes_again() {
    let _room = room::enter().await;
    let mut scene = Scene::start().await;
    scene.blocks(3).await;
    scene.nodes[3].stop().await.unwrap();
    let kept = scene.consortium.scratch().join("backup");
    scene.nodes[3].keep_data(&kept).unwrap();
    scene.up().await;
    // Without node 2 every block bears the vote of node 3, which its backup does not know.
    scene.nodes[2].kill().await.unwrap();
    scene.blocks(5).await;
    scene.up().await;
    scene.nodes[3].kill().await.unwrap();
    scene.nodes[3].restore_data(&kept).unwrap();
    scene.up().await;
    scene.is_one_chain(&scene.nodes).await;
    let told = || async { scene.nodes[3].log().contains("votes_lost") };
    until("the node to say that its votes are lost", BLOCK, told)
        .await
        .unwrap();
    // It abstains for two heights, which the other three make, and then its vote is needed.
    scene.blocks(3).await;
    scene.nodes[2].kill().await.unwrap();
    scene.blocks(3).await;
    scene
        .is_one_chain(&[&scene.nodes[..2], &scene.nodes[3..]].concat())
        .await;
}
