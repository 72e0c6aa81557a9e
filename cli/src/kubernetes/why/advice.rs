//! What each reason asks, and of whom. Pure.

use althing_operator::status::Reason;

/// Who acts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The operator, by itself.
    Alone,
    /// The operator, which tries again and again with growing pauses.
    Again,
    /// Kubernetes, which tries again and again with growing pauses.
    Cluster,
    /// The operator, as soon as a person has put it right.
    AfterPerson,
    /// Somebody of another agency.
    Others,
    /// Nobody: nothing waits.
    Nobody,
}

impl Next {
    /// When something is tried next, in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Alone => "by itself: the operator looks again at every change and, while something waits, every 5 s",
            Self::Again => "by itself: the operator tries again, after 1 s at first, after 5 min at most",
            Self::Cluster => "by itself: Kubernetes tries again with growing pauses, after 17 min at most",
            Self::AfterPerson => "as soon as it is put right, by itself within 10 s; nothing needs to be restarted",
            Self::Others => "by itself, as soon as the other agency's facts are in this namespace",
            Self::Nobody => "nothing waits",
        }
    }
}

/// What to do about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What would unblock it, where the message does not say so itself.
    pub unblock: &'static str,
    /// Whether the message ends with what to do, after its last semicolon.
    pub is_in_message: bool,
    /// Who acts next.
    pub next: Next,
}

/// The advice for a reason, by its name in a condition; of one that is not known here, to read the message.
pub(crate) fn advice(reason: &str) -> Advice {
    // Every reason is asked for, so that a new one is not forgotten here.
    let known = REASONS.iter().find(|known| known.as_str() == reason);
    known.map_or(
        Advice {
            unblock: "the message says what is missing",
            is_in_message: false,
            next: Next::Alone,
        },
        |reason| of(*reason),
    )
}

/// Every reason that may stand in the way.
const REASONS: [Reason; 32] = [
    Reason::Progressing,
    Reason::ReferenceMissing,
    Reason::DependencyNotReady,
    Reason::InvalidSpec,
    Reason::KeyMissing,
    Reason::KeyUnreadable,
    Reason::KeyMismatch,
    Reason::CertificateInvalid,
    Reason::AttestationInvalid,
    Reason::AttestationMissing,
    Reason::CertificateExpired,
    Reason::AwaitingCertificate,
    Reason::GenesisHashDiffers,
    Reason::GenesisUnconfirmed,
    Reason::GenesisRecordDiffers,
    Reason::DisruptionBlocked,
    Reason::NotRunning,
    Reason::NotInSync,
    Reason::NoFaultTolerable,
    Reason::GroupUndeclared,
    Reason::Halted,
    Reason::ImageCannotBePulled,
    Reason::VolumeCannotBind,
    Reason::PodRefused,
    Reason::ContainerCrashes,
    Reason::Unschedulable,
    Reason::NameTaken,
    Reason::ApplyRefused,
    Reason::ChainDiffers,
    Reason::RevocationWaits,
    Reason::RolloverWaits,
    Reason::NotObserved,
];

/// The reasons whose message ends with what to do.
const IN_MESSAGE: [Reason; 9] = [
    Reason::KeyMissing,
    Reason::KeyMismatch,
    Reason::ImageCannotBePulled,
    Reason::VolumeCannotBind,
    Reason::PodRefused,
    Reason::ContainerCrashes,
    Reason::Unschedulable,
    Reason::NameTaken,
    Reason::ApplyRefused,
];

fn of(reason: Reason) -> Advice {
    use Next::{AfterPerson, Again, Alone, Cluster, Nobody, Others};
    let (unblock, next) = match reason {
        Reason::Progressing => ("nothing: it is being worked on", Alone),
        Reason::ReferenceMissing => ("apply the object that is named, or correct the name", Alone),
        Reason::DependencyNotReady => ("make the object that is named ready: ask why of it", Alone),
        Reason::InvalidSpec => (
            "correct the field that is named and apply the manifest again",
            AfterPerson,
        ),
        Reason::KeyMissing | Reason::KeyUnreadable | Reason::KeyMismatch => {
            ("put the Secret with the first key back from a backup", AfterPerson)
        }
        Reason::CertificateInvalid => ("correct the certificate that is named", AfterPerson),
        Reason::AttestationInvalid | Reason::AttestationMissing => {
            ("take the agency's bundle again, from the agency itself", AfterPerson)
        }
        Reason::CertificateExpired => ("make its issuer ready: certificates are renewed before they end", Alone),
        Reason::AwaitingCertificate => (
            "give status.certificateSigningRequest of the agency to the registrar, and put the answer into spec.certificate",
            Others,
        ),
        Reason::GenesisHashDiffers => (
            "compare spec.genesis with the other agencies' field by field",
            AfterPerson,
        ),
        Reason::GenesisUnconfirmed => (
            "compare the genesis hash with the other agencies' and pin it: spec.genesis.hash",
            AfterPerson,
        ),
        Reason::GenesisRecordDiffers => ("write into spec.genesis what the record says, which holds", AfterPerson),
        Reason::DisruptionBlocked => ("what the rule names", Alone),
        Reason::NotRunning => ("see what its pod lacks", Alone),
        Reason::NotInSync => (
            "bring back the members that are not connected; a node that is behind catches up",
            Alone,
        ),
        Reason::ChainDiffers => (
            "wait for the others' votes and for what a step lacks; a change number that is stale or too early has to be corrected",
            Others,
        ),
        Reason::RevocationWaits => (
            "have the group vote: spec.agreed.members of the Group takes the sealer out; spec.revocations.force cuts it off at once",
            Others,
        ),
        Reason::RolloverWaits => (
            "bring the nodes that are named back, or carry the registrar's status.trusted and certificates to their agencies; \
             spec.trust.waivers names an agency that is not waited for",
            Others,
        ),
        Reason::NoFaultTolerable => ("bring back the sealers that are down, or add sealers", Alone),
        Reason::GroupUndeclared => ("apply the group's manifest again", AfterPerson),
        Reason::Halted => (
            "remove the cause that is named, such as a full disk, then delete the pod: it starts again with its data. Where the \
             data are damaged delete its volume claim too: the node fetches the ledger again and abstains until it is safe",
            AfterPerson,
        ),
        Reason::ImageCannotBePulled => ("correct spec.image, or push the image", Again),
        Reason::VolumeCannotBind => ("make the storage class of spec.storage provide the volume", Again),
        Reason::PodRefused => ("look at the namespace's quota and admission policies", Cluster),
        Reason::ContainerCrashes => ("kubectl logs of its pod says why", Again),
        Reason::Unschedulable => ("make room, or lower spec.resources", Again),
        Reason::NameTaken => ("remove the other object, or give this one another name", Again),
        Reason::ApplyRefused => ("correct the field that is named, or the policy that refused it", Again),
        Reason::NotObserved => ("see whether an operator watches this namespace", Alone),
        Reason::Done | Reason::NotStalled | Reason::CertificatesCurrent | Reason::InSync | Reason::FaultsTolerable => {
            ("nothing", Nobody)
        }
    };
    Advice {
        unblock,
        is_in_message: IN_MESSAGE.contains(&reason),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_that_may_stand_in_the_way_has_its_own_advice() {
        for reason in REASONS {
            let found = advice(reason.as_str());
            assert_ne!(found.next, Next::Nobody, "{reason:?}");
            assert!(found.unblock.len() > 10, "{reason:?}");
        }
        assert_eq!(advice("SomethingNew").unblock, "the message says what is missing");
    }
}
