//! What happened, as a hash and, on demand, as lines.

use crate::cluster::Event;
use crate::disk::Stored;
use crate::network::Packet;
use crate::plan::Plan;

const PRIME: u64 = 0x0000_0100_0000_01B3;

/// The trace of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    events: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// With lines, or as a hash only.
    pub(crate) fn new(lines: bool) -> Self {
        Self {
            hash: 0xCBF2_9CE4_8422_2325,
            events: 0,
            lines: lines.then(Vec::new),
        }
    }

    fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(PRIME).rotate_left(19);
    }

    fn mix_bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn mix_all(&mut self, kind: u64, numbers: &[u64]) {
        self.mix(kind << 56);
        numbers.iter().for_each(|number| self.mix(*number));
    }

    fn packet(&mut self, packet: &Packet) {
        match packet {
            Packet::Consensus(bytes) => self.mix_bytes(bytes),
            Packet::Status { status, process } => {
                self.mix_all(1, &[status.height, u64::from(status.begun), u64::from(*process)]);
            }
            Packet::Request(above) => self.mix_all(2, &[*above]),
            Packet::Blocks(blocks) => {
                self.mix_all(3, &[blocks.len() as u64]);
                blocks.iter().for_each(|stored| self.mix_bytes(stored.hash.as_slice()));
            }
        }
    }

    /// What the run is about.
    pub(crate) fn plan(&mut self, plan: &Plan) {
        if self.lines.is_some() {
            for (identity, what) in plan.traits.iter().enumerate() {
                let sets = plan.sets.iter().enumerate();
                let id = plan.ids.get(identity);
                let seals: Vec<usize> = sets
                    .filter(|(_, set)| id.is_some_and(|id| set.contains(id)))
                    .map(|(n, _)| n)
                    .collect();
                self.line(format!("node {identity}: {what:?}, seals in the sets {seals:?}"));
            }
        }
    }

    /// An event is about to happen.
    pub(crate) fn event(&mut self, now_ms: u64, event: &Event) {
        self.events += 1;
        self.mix(now_ms);
        match event {
            Event::Packet { from, to, packet } => {
                self.mix_all(0, &[*from as u64, *to as u64]);
                self.packet(packet);
            }
            Event::Timer { node, setting, .. } => self.mix_all(1, &[*node as u64, *setting]),
            Event::Saved { node, id, .. } => self.mix_all(2, &[*node as u64, id.0]),
            Event::Executed { node, hash, .. } => {
                self.mix_all(3, &[*node as u64]);
                self.mix_bytes(hash.as_slice());
            }
            Event::Build { node, slot, .. } => self.mix_all(4, &[*node as u64, slot.height, slot.view]),
            Event::Gossip { node, transaction } => self.mix_all(5, &[*node as u64, *transaction]),
            Event::Crash { node, down_ms } => self.mix_all(6, &[*node as u64, *down_ms]),
            Event::Restart { node } => self.mix_all(7, &[*node as u64]),
            Event::Written { node, .. } => self.mix_all(8, &[*node as u64]),
            Event::Status { node } => self.mix_all(9, &[*node as u64]),
            Event::Split { heal_ms } => self.mix_all(10, &[*heal_ms]),
            Event::Submit => self.mix(11),
            Event::Links => self.mix(12),
            Event::Heal => self.mix(13),
            Event::Person => self.mix(14),
        }
        if self.lines.is_some() {
            self.line(describe(now_ms, event));
        }
    }

    /// A block was written.
    pub(crate) fn committed(&mut self, now_ms: u64, node: usize, stored: &Stored) {
        self.mix(node as u64);
        self.mix_bytes(stored.hash.as_slice());
        if self.lines.is_some() {
            let (height, view) = (stored.certificate.height, stored.certificate.view);
            self.line(format!(
                "{now_ms:>7} node {node} WRITES height {height} of view {view}: {}",
                stored.hash
            ));
        }
    }

    fn line(&mut self, line: String) {
        self.lines.get_or_insert_default().push(line);
    }

    /// The hash so far.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// How many events there were.
    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    /// The lines, if wanted.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

fn describe(now_ms: u64, event: &Event) -> String {
    match event {
        Event::Packet {
            from,
            to,
            packet: Packet::Consensus(bytes),
        } => {
            format!("{now_ms:>7} {from} -> {to} {}", describe_message(bytes))
        }
        other => {
            let text = format!("{other:?}");
            format!("{now_ms:>7} {}", text.chars().take(160).collect::<String>())
        }
    }
}

fn describe_message(bytes: &[u8]) -> String {
    use althing_consensus::{Limits, Message, decode_message};
    let any = |bytes: &alloy_primitives::Bytes| {
        let block = crate::block::Block::decode(bytes)?;
        let (height, parent, unix_ms) = (block.height, block.parent, block.unix_ms);
        Some(althing_consensus::Described {
            height,
            parent,
            hash: alloy_primitives::B256::ZERO,
            unix_ms,
        })
    };
    match decode_message(bytes, Limits { block_bytes: 4_096 }, &any) {
        Ok(Message::Vote(vote)) => {
            let (slot, phase) = (vote.slot, vote.phase);
            format!(
                "{phase:?} {}.{} {} by {}",
                slot.height,
                slot.view,
                vote.block,
                vote.by.sealer.short()
            )
        }
        Ok(Message::RoundChange(message)) => {
            let change = message.change;
            format!(
                "RoundChange {}.{} {:?} by {}",
                change.slot.height,
                change.slot.view,
                change.claim,
                change.by.sealer.short()
            )
        }
        Ok(other) => format!("{:?}", other.slot()),
        Err(error) => format!("{} bytes, kind {:?}: {error}", bytes.len(), bytes.first()),
    }
}
