//! Mistakes that the simulator plants to see that it finds them. No node can be made to have them: its only constructor,
//! [`crate::Pbft::new`], plants none.

/// Which mistakes a core makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The quorum is taken one too small.
    pub quorum_too_small: bool,
    /// Proposals and votes of views already left are taken and answered.
    pub stale_view: bool,
    /// A proposal of a later view needs no justification.
    pub unjustified_view: bool,
}
