//! Spec → [`ValidatedAgency`].

use althing_crds::v1alpha1::{Agency, ExternalAgency};
use althing_types::Address;

use crate::controller::certificate::Certificate;
use crate::controller::{Hold, Outcome, consortium_named};
use crate::name::{AgencyName, ConsortiumName};
use crate::pki::{Request, request};

/// An Agency that is known to be right in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedAgency {
    /// Its name.
    pub name: AgencyName,
    /// Its consortium.
    pub consortium: ConsortiumName,
    /// Whose it is.
    pub form: AgencyForm,
}

/// Whose an agency is.
#[derive(Clone, Debug, PartialEq)]
pub enum AgencyForm {
    /// This namespace's: it holds the keys.
    Own {
        /// The registrar's answer, when the chain key is elsewhere.
        certificate: Option<Certificate>,
    },
    /// Somebody else's: public facts.
    External {
        /// Its certificate.
        certificate: Option<Certificate>,
        /// Its request, verified, and as it was given.
        request: Option<(Request, String)>,
        /// Its account as the manifest says.
        governance_account: Option<Address>,
    },
}

/// Checks an Agency.
pub fn validate(name: &AgencyName, object: &Agency) -> Outcome<ValidatedAgency> {
    let spec = &object.spec;
    let consortium = consortium_named(&spec.consortium)?;
    let form = match &spec.external {
        None => AgencyForm::Own {
            certificate: certificate("spec.certificate", spec.certificate.as_deref())?,
        },
        Some(_) if spec.certificate.is_some() => {
            return Err(Hold::field(
                "spec.certificate",
                "a certificate beside spec.external",
                "one of them",
            ));
        }
        Some(external) => external_form(external)?,
    };
    Ok(ValidatedAgency {
        name: name.clone(),
        consortium,
        form,
    })
}

fn certificate(field: &str, pem: Option<&str>) -> Outcome<Option<Certificate>> {
    let read = |pem| Certificate::read(pem).map_err(|error| Hold::field(field, error, "an agency certificate in PEM"));
    pem.map(read).transpose()
}

fn external_form(external: &ExternalAgency) -> Outcome<AgencyForm> {
    let field = "spec.external.certificateSigningRequest";
    let request = external
        .certificate_signing_request
        .as_deref()
        .map(|pem| match request::verify(pem) {
            Ok(request) => Ok((request, pem.to_owned())),
            Err(error) => Err(Hold::field(field, error, "a certificate signing request in PEM")),
        });
    let account = external.governance_account.as_deref().map(|text| {
        let accepted = "0x and 40 hex digits";
        text.parse::<Address>()
            .map_err(|_| Hold::field("spec.external.governanceAccount", format!("{text:?}"), accepted))
    });
    Ok(AgencyForm::External {
        certificate: certificate("spec.external.certificate", external.certificate.as_deref())?,
        request: request.transpose()?,
        governance_account: account.transpose()?,
    })
}
