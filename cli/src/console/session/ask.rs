//! Asking nodes.

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::Session;
use crate::console::answer::Answer;
use crate::console::error::Refusal;
use crate::console::place::{Access, Place, RunningNode};
use crate::console::table::{Argument, Question, Shape};

/// FISCO's codes of a node that has nothing to say about a group: another one may (FISCO BCOS 2.x, JSON-RPC).
const ELSEWHERE: [i64; 3] = [-40_001, -40_009, -40_010];
/// Letters of a strange answer that a sentence has room for.
const SHOWN: usize = 200;

impl<P: Place> Session<P> {
    pub(super) async fn ask_question(&self, question: Question, arguments: &[Argument]) -> Result<Answer, Refusal> {
        let mut params = match question.takes_group {
            true => vec![json!(self.group)],
            false => vec![],
        };
        // FISCO's block methods take a third parameter always.
        let takes_flag = matches!(question.method, "getBlockByHash" | "getBlockByNumber");
        let is_flag = |argument: &Argument| matches!(argument, Argument::Boolean(_));
        let not_given = (takes_flag && !arguments.iter().any(is_flag)).then_some(json!(false));
        let given = arguments
            .iter()
            .filter(|argument| !matches!(argument, Argument::EndPoint(_)));
        params.extend(given.map(Argument::json).chain(not_given));
        let end_point = arguments.iter().find_map(|argument| match argument {
            Argument::EndPoint(name) => Some(name),
            _ => None,
        });
        let params = Value::Array(params);
        let result = match end_point {
            Some(name) => self.call_at(&self.running(name)?, question.method, params).await?,
            None => self.call(question.method, params).await?,
        };
        shaped(question, result)
    }

    /// Calls a method of FISCO's at the first node that can answer it.
    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        self.call_somewhere(method, params).await.map(|(_, result)| result)
    }

    /// The same, and which node it was.
    pub(super) async fn call_somewhere(&self, method: &str, params: Value) -> Result<(RunningNode, Value), Refusal> {
        let mut first = None;
        for node in self.candidates()? {
            match self.call_at(&node, method, params.clone()).await {
                Ok(result) => return Ok((node, result)),
                Err(Refusal::Node { code, message }) if !ELSEWHERE.contains(&code) => {
                    return Err(Refusal::Node { code, message });
                }
                Err(refusal) => first = first.or(Some(refusal)),
            }
        }
        Err(first.unwrap_or_else(|| anyhow!("no node was asked").into()))
    }

    /// Calls a method of FISCO's at one node.
    pub(super) async fn call_at(&self, node: &RunningNode, method: &str, params: Value) -> Result<Value, Refusal> {
        self.call_as(node, "/", method, params, Access::Anyone).await
    }

    pub(super) async fn call_as(
        &self,
        node: &RunningNode,
        path: &str,
        method: &str,
        params: Value,
        access: Access,
    ) -> Result<Value, Refusal> {
        let question = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let asked = self.place.ask(node, path, &question, access).await;
        let mut answer = asked.with_context(|| format!("ask Node {} ({}) for {method}", node.name, node.end_point))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason");
            return Err(Refusal::Node {
                code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
                message: format!("Node {}: {message}", node.name),
            });
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(strange(method, &answer).into()),
        }
    }
}

fn strange(method: &str, answer: &Value) -> anyhow::Error {
    let found: String = answer.to_string().chars().take(SHOWN).collect();
    anyhow!("{method} was answered with {found}, which is no answer to it")
}

/// A result, as FISCO's console shows it.
fn shaped(question: Question, result: Value) -> Result<Answer, Refusal> {
    let number = |value: &Value| quantity(value).ok_or_else(|| strange(question.method, value));
    Ok(match question.shape {
        Shape::Json => Answer::Json(result),
        Shape::Line => Answer::Line(result),
        Shape::Number => Answer::Line(json!(number(&result)?)),
        Shape::Totals => {
            let field = |name: &str| number(result.get(name).unwrap_or(&Value::Null));
            Answer::Json(json!({
                "txSum": field("txSum")?,
                "blockNumber": field("blockNumber")?,
                "failedTxSum": field("failedTxSum")?,
            }))
        }
        Shape::OrNothing(words) if result.is_null() || result == "0x" => Answer::Nothing(words),
        Shape::OrNothing(_) if result.is_string() => Answer::Line(result),
        Shape::OrNothing(_) => Answer::Json(result),
    })
}

/// A quantity as nodes write it, `"0x1f"`.
pub(super) fn quantity(value: &Value) -> Option<u64> {
    let digits = value.as_str()?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(shape: Shape, result: Value) -> Result<Answer, String> {
        let question = Question {
            method: "getSomething",
            takes_group: true,
            shape,
        };
        shaped(question, result).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn results_take_the_shape_that_fisco_s_console_gives_them() {
        assert_eq!(shape(Shape::Number, json!("0x1f")), Ok(Answer::Line(json!(31))));
        let totals = json!({"txSum": "0xa", "blockNumber": "0x2", "failedTxSum": "0x0"});
        let decimal = json!({"txSum": 10, "blockNumber": 2, "failedTxSum": 0});
        assert_eq!(shape(Shape::Totals, totals), Ok(Answer::Json(decimal)));
        assert_eq!(
            shape(Shape::OrNothing("none"), Value::Null),
            Ok(Answer::Nothing("none"))
        );
        assert_eq!(
            shape(Shape::OrNothing("none"), json!("0x")),
            Ok(Answer::Nothing("none"))
        );
        assert_eq!(
            shape(Shape::OrNothing("none"), json!("0x60")),
            Ok(Answer::Line(json!("0x60")))
        );
    }

    #[test]
    fn a_strange_result_is_told_with_what_was_found() {
        for (found, result) in [
            (Shape::Number, json!("thirty")),
            (Shape::Number, json!({"a": "b".repeat(1_000)})),
            (Shape::Totals, json!({"txSum": "0xa"})),
        ] {
            let told = shape(found, result).unwrap_err();
            assert!(
                told.starts_with("getSomething was answered with") && told.len() < 300,
                "{told}"
            );
        }
    }
}
