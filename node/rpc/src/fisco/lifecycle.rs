//! Groups made, started, stopped, removed and recovered: for administrators, each node by itself. What is wrong with a request is
//! told by FISCO's code in the result, as its clients read it.

use althing_types::GroupId;
use serde::Serialize;
use serde_json::Value;

use crate::backend::{GroupLifecycle, LifecycleAnswer, LifecycleCode};
use crate::error::RpcError;
use crate::fisco::error;
use crate::fisco::parameters::Decimal;
use crate::session::{Answer, Call};

#[derive(Serialize)]
struct AnswerObject {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl From<LifecycleAnswer> for AnswerObject {
    fn from(answer: LifecycleAnswer) -> Self {
        Self {
            code: format!("{:#x}", answer.code as u8),
            message: answer.message,
            status: None,
        }
    }
}

fn lifecycle<'a>(call: &'a Call<'_>) -> Result<&'a dyn GroupLifecycle, RpcError> {
    call.session
        .shared
        .node
        .lifecycle()
        .ok_or_else(error::no_dynamic_groups)
}

/// The group that the first parameter names; else the answer to it.
fn group(call: &Call<'_>) -> Result<Result<GroupId, LifecycleAnswer>, RpcError> {
    let Decimal(number) = call.arguments.required(0, "groupID")?;
    let id = u32::try_from(number).ok().and_then(|id| GroupId::try_from(id).ok());
    Ok(id.ok_or_else(|| {
        let message = format!("groupID is {number}; accepted is 1 to 32767");
        LifecycleAnswer::new(LifecycleCode::Parameters, message)
    }))
}

fn change(call: &Call<'_>, act: impl FnOnce(&dyn GroupLifecycle, GroupId) -> LifecycleAnswer) -> Answer {
    let lifecycle = lifecycle(call)?;
    let answer = match group(call)? {
        Ok(group) => act(lifecycle, group),
        Err(refused) => refused,
    };
    call.answer(&AnswerObject::from(answer))
}

/// `generateGroup`.
pub(super) fn generate(call: &Call<'_>) -> Answer {
    let asked: Value = call.arguments.required(1, "{timestamp, sealers}")?;
    change(call, |lifecycle, group| lifecycle.generate(group, &asked))
}

/// `startGroup`.
pub(super) fn start(call: &Call<'_>) -> Answer {
    change(call, |lifecycle, group| lifecycle.start(group))
}

/// `stopGroup`.
pub(super) fn stop(call: &Call<'_>) -> Answer {
    change(call, |lifecycle, group| lifecycle.stop(group))
}

/// `removeGroup`.
pub(super) fn remove(call: &Call<'_>) -> Answer {
    change(call, |lifecycle, group| lifecycle.remove(group))
}

/// `recoverGroup`.
pub(super) fn recover(call: &Call<'_>) -> Answer {
    change(call, |lifecycle, group| lifecycle.recover(group))
}

/// `queryGroupStatus`.
pub(super) fn status(call: &Call<'_>) -> Answer {
    let lifecycle = lifecycle(call)?;
    let group = match group(call)? {
        Ok(group) => group,
        Err(refused) => return call.answer(&AnswerObject::from(refused)),
    };
    let (status, why) = lifecycle.status(group);
    call.answer(&AnswerObject {
        code: "0x0".to_owned(),
        message: why.unwrap_or_default(),
        status: Some(status.as_str()),
    })
}
