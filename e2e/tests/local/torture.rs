//! Rounds of kill -9 of random nodes under load. `ALTHING_TORTURE_ROUNDS` says how many, `ALTHING_TORTURE_SEED` which.

use std::time::{Duration, SystemTime};

use althing_e2e::{Consortium, Manifests, Rpc, until};

use crate::load::{Load, is_all_there};
use crate::room;

const ROUNDS_DEFAULT: u64 = 50;
const NODES: usize = 4;
const WORKERS: usize = 8;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// SplitMix64: a handful of choices that a seed repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap_or(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_transaction_is_lost_and_ledgers_are_equal_whatever_is_killed() {
    let _room = room::enter().await;
    let rounds = setting("ALTHING_TORTURE_ROUNDS").unwrap_or(ROUNDS_DEFAULT);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let seed = setting("ALTHING_TORTURE_SEED").unwrap_or(now);
    println!("ALTHING_TORTURE_SEED={seed}");
    let mut dice = Dice(seed);
    let consortium = Consortium::start(&Manifests::uniform(NODES, 1)).await.unwrap();
    let clients: Vec<Rpc> = consortium
        .members()
        .unwrap()
        .iter()
        .map(|node| node.rpc(1).unwrap())
        .collect();
    let mut accounts = Vec::new();
    for worker in 0..WORKERS {
        accounts.push(
            consortium
                .account(&format!("{seed} {worker}"), &clients[0])
                .await
                .unwrap(),
        );
    }
    let load = Load::start(accounts, &clients);

    for round in 1..=rounds {
        let seen = load.count();
        let more = 5 + dice.roll(20) as u64;
        until("more acknowledged transactions", Duration::from_secs(60), || async {
            load.count() >= seen + more
        })
        .await
        .unwrap();
        let members = consortium.members().unwrap();
        // From one node to all of them: durability may not depend on who is left.
        let victims = 1 + dice.roll(NODES);
        let first = dice.roll(NODES);
        let chosen: Vec<_> = (0..victims).map(|step| &members[(first + step) % NODES]).collect();
        let names: Vec<&str> = chosen.iter().map(|member| member.name.as_str()).collect();
        println!("round {round}: kill -9 {}", names.join(", "));
        for member in &chosen {
            member.kill().await.unwrap();
        }
        consortium.up().await.unwrap();
    }

    let acknowledged = load.stop().await;
    let members = consortium.members().unwrap();
    let height = consortium
        .ledgers_are_equal(1, &members, Duration::from_secs(60))
        .await
        .unwrap();
    for client in &clients {
        is_all_there(&acknowledged, client).await;
    }
    println!(
        "{} acknowledged transactions, {height} equal blocks, {rounds} rounds",
        acknowledged.len()
    );
}
