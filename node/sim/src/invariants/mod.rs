//! What must hold in every run, one file each.

mod agreement;
mod certificate_quorum;
mod no_double_vote;
mod no_false_accusation;
mod progress;
mod validity;

pub use agreement::Agreement;
pub use certificate_quorum::CertificateQuorum;
pub use no_double_vote::NoDoubleVote;
pub use no_false_accusation::NoFalseAccusation;
pub use progress::Progress;
pub use validity::Validity;
