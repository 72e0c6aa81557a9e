//! The network: what is dropped, delayed, duplicated, reordered, and who cannot reach whom.

use alloy_primitives::Bytes;

use crate::abstention::Status;
use crate::counts::Counts;
use crate::dice::Dice;
use crate::disk::Stored;

/// What travels between nodes.
#[derive(Clone, Debug)]
pub enum Packet {
    /// A consensus message.
    Consensus(Bytes),
    /// Sync: how high the sender's ledger is.
    Status {
        /// Where the sender is.
        status: Status,
        /// Which process of the receiver it was sent to.
        process: u32,
    },
    /// Sync: send what lies above this height.
    Request(u64),
    /// Sync: some blocks.
    Blocks(Vec<Stored>),
}

/// How bad the network is.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Usual delay, in milliseconds.
    pub delay_ms: u64,
    /// Packets that are dropped, of a thousand.
    pub dropped: u64,
    /// Packets that come twice.
    pub duplicated: u64,
    /// Packets that come very late, and so out of order.
    pub late: u64,
    /// How late those are, at most.
    pub late_ms: u64,
}

impl Weather {
    /// A healthy network.
    pub const fn fair() -> Self {
        Self {
            delay_ms: 5,
            dropped: 0,
            duplicated: 0,
            late: 0,
            late_ms: 0,
        }
    }

    /// A random bad one.
    pub fn foul(dice: &mut Dice) -> Self {
        let worst = |dice: &mut Dice, most| if dice.per_mille(400) { 0 } else { dice.below(most) };
        Self {
            delay_ms: dice.between(1, 40),
            dropped: worst(dice, 150),
            duplicated: worst(dice, 100),
            late: worst(dice, 150),
            late_ms: dice.between(50, 6_000),
        }
    }
}

/// The links between instances.
#[derive(Debug)]
pub struct Network {
    /// How bad it is now.
    pub weather: Weather,
    /// `blocked[from][to]`, for a while.
    blocked: Vec<Vec<bool>>,
    /// `hidden[a][b]`: for good, between twins and those that know the other twin.
    hidden: Vec<Vec<bool>>,
    /// When the last packet of each link arrives.
    last_ms: Vec<Vec<u64>>,
    /// What it did to packets.
    pub counts: Counts,
    dice: Dice,
}

impl Network {
    /// A network of so many instances.
    pub fn new(instances: usize, weather: Weather, dice: Dice) -> Self {
        let open = vec![vec![false; instances]; instances];
        Self {
            weather,
            blocked: open.clone(),
            hidden: open,
            last_ms: vec![vec![0; instances]; instances],
            counts: Counts::default(),
            dice,
        }
    }

    /// The delays after which copies of a packet arrive; none when it is lost.
    pub fn send(&mut self, now_ms: u64, from: usize, to: usize) -> Vec<u64> {
        if !self.reaches(from, to) {
            self.counts.cut_off += u64::from(is_set(&self.blocked, from, to));
            return Vec::new();
        }
        if self.dice.per_mille(self.weather.dropped) {
            self.counts.dropped += 1;
            return Vec::new();
        }
        let twice = self.dice.per_mille(self.weather.duplicated);
        self.counts.duplicated += u64::from(twice);
        let delays: Vec<u64> = (0..=u64::from(twice)).map(|_| self.delay()).collect();
        let arrives_ms = now_ms + delays.first().copied().unwrap_or_default();
        if let Some(last_ms) = self.last_ms.get_mut(from).and_then(|row| row.get_mut(to)) {
            self.counts.reordered += u64::from(arrives_ms < *last_ms);
            *last_ms = arrives_ms.max(*last_ms);
        }
        delays
    }

    /// The delay of a packet on a connection that loses nothing while it stands; none when there is no connection.
    pub fn send_on_connection(&mut self, from: usize, to: usize) -> Option<u64> {
        let stands = self.connected(from, to);
        stands.then(|| 1 + self.dice.below(2 * self.weather.delay_ms))
    }

    fn delay(&mut self) -> u64 {
        let usual = 1 + self.dice.below(2 * self.weather.delay_ms);
        if self.dice.per_mille(self.weather.late) {
            self.counts.late += 1;
            usual + self.dice.below(self.weather.late_ms)
        } else {
            usual
        }
    }

    /// Whether packets get from one to the other at all.
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        !is_set(&self.blocked, from, to) && !is_set(&self.hidden, from, to)
    }

    /// Whether packets get through both ways.
    pub fn connected(&self, a: usize, b: usize) -> bool {
        self.reaches(a, b) && self.reaches(b, a)
    }

    /// Splits the network: in two, asymmetrically, or around a bridge that both sides reach.
    pub fn split(&mut self) {
        self.counts.splits += 1;
        let count = self.blocked.len();
        let side = self.dice.subset(count);
        let asymmetric = self.dice.per_mille(250);
        let bridge = self.dice.per_mille(250).then(|| self.dice.index(count));
        for (from, row) in self.blocked.iter_mut().enumerate() {
            for (to, blocked) in row.iter_mut().enumerate() {
                let across = side.get(from) != side.get(to);
                let one_way = asymmetric && side.get(from) == Some(&true);
                *blocked = across && !one_way && bridge != Some(from) && bridge != Some(to);
            }
        }
    }

    /// Heals every split.
    pub fn heal(&mut self) {
        self.blocked.iter_mut().flatten().for_each(|blocked| *blocked = false);
    }

    /// Hides two instances from each other for good.
    pub fn hide(&mut self, a: usize, b: usize) {
        for (from, to) in [(a, b), (b, a)] {
            if let Some(hidden) = self.hidden.get_mut(from).and_then(|row| row.get_mut(to)) {
                *hidden = true;
            }
        }
    }
}

fn is_set(matrix: &[Vec<bool>], from: usize, to: usize) -> bool {
    matrix
        .get(from)
        .and_then(|row| row.get(to))
        .copied()
        .unwrap_or_default()
}
