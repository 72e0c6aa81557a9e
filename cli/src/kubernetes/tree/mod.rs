//! `kubectl althing status`: consortium → agencies → nodes → groups.

mod build;
mod model;
mod render;

use futures::future::join_all;

use super::heard;
use super::seen;
use super::target::Target;
use crate::output::{self, Format};
use crate::paint::Paint;

pub(super) use build::at_risk;
use model::Tree;

/// Prints the trees of the scope; false when something of it is not as it should be.
pub(super) async fn run(target: &Target, output: Format) -> anyhow::Result<bool> {
    let (client, scope) = target.connect().await?;
    let seen = seen::look(&client, &scope).await?;
    let heard = join_all(seen.iter().map(|seen| heard::ask(&client, seen))).await;
    let trees: Vec<Tree> = seen
        .iter()
        .zip(&heard)
        .map(|(seen, heard)| build::tree(seen, heard))
        .collect();
    match output {
        Format::Json => output::json(&trees)?,
        Format::Table if trees.is_empty() => {
            output::line_to_stderr(&format!("no consortium, agency, group or node in {scope}"));
        }
        Format::Table => {
            let texts: Vec<String> = trees
                .iter()
                .map(|tree| render::text(tree, Paint::for_stdout()))
                .collect();
            output::text(&texts.join("\n"))?;
        }
    }
    Ok(trees.iter().all(Tree::is_well))
}
