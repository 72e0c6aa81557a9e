//! What happened in a run beside the ordinary, counted, to see that runs are as rough as they claim to be.

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident: $label:literal,)+) => {
        /// How often something out of the ordinary happened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counts {
            /// Every count with its name, in order.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$(($label, self.$name),)+]
            }

            /// Adds another run's counts.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counts! {
    /// Packets lost by chance.
    dropped: "packets dropped",
    /// Packets that came twice.
    duplicated: "packets duplicated",
    /// Packets that came very late.
    late: "packets very late",
    /// Packets that overtook an earlier one of the same link.
    reordered: "packets reordered",
    /// Packets that a split kept back.
    cut_off: "packets cut off by a split",
    /// Splits of the network.
    splits: "splits of the network",
    /// Processes killed.
    crashes: "crashes",
    /// Crashes that tore off records not yet durable.
    torn_logs: "crashes that tore the vote log",
    /// Crashes between the decision of a block and its writing.
    unwritten_blocks: "crashes before a decided block was written",
    /// Vote logs lost.
    lost_logs: "vote logs lost",
    /// Ledgers lost with them.
    lost_ledgers: "ledgers lost with them",
    /// Times a node learned through which height to abstain.
    abstentions: "abstentions through a height",
    /// Times a node learned from a quorum that the group has not begun.
    beginnings: "votes freed by a quorum that had not begun",
    /// Times a person had to free a node that never voted.
    acts_of_persons: "abstentions lifted by a person",
    /// Identities that lie.
    liars: "liars",
    /// Liars that are twins.
    twins: "liars that are twins",
    /// Liars that equivocate.
    equivocators: "liars that equivocate",
    /// Liars that say nothing, or nothing to some.
    silent: "liars that are silent",
    /// Liars that forge signatures, claims and views.
    forgers: "liars that forge",
    /// Liars that forge a new view against what others decide.
    usurpers: "liars that usurp the next view",
    /// Liars without memory.
    amnesiacs: "liars without memory",
    /// Liars in sync.
    lying_sync: "liars in sync",
    /// Liars that propose bad blocks.
    bad_blocks: "liars that propose bad blocks",
    /// New views proposed without the round changes they need.
    forged_views: "new views forged",
    /// Proposals and votes that contradict another of the same liar.
    equivocations: "equivocations sent",
    /// Answers of sync that were lies.
    sync_lies: "lying answers of sync",
    /// Proofs of a double signature that honest nodes found.
    evidence: "double signatures proven",
    /// Messages with good signatures that honest nodes refused.
    refused: "messages refused",
    /// Messages with bad signatures that honest nodes refused.
    unsigned: "messages with a bad signature",
    /// Blocks that an honest node took from sync.
    imported: "blocks taken from sync",
    /// Blocks that an honest node wrote.
    written: "blocks written",
    /// Blocks that an honest node wrote with a certificate of a view above 0.
    later_views: "blocks written of a later view",
    /// Heights at which the sealers changed.
    membership_changes: "membership changes",
    /// Transactions submitted before healing.
    submitted: "transactions submitted in the chaos",
    /// Transactions that only one node thinks executable.
    phantoms: "transactions executable on one node only",
}
