//! The pages for agencies that share nothing, followed word by word (issue 5, done when 9).

use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::definitions;
use althing_e2e::{Desk, Page};

/// In this order, each with the section that is followed; where none is named, the whole page is.
const PAGES: [(&str, Option<&str>); 3] = [
    ("operations/start.md", None),
    ("operations/rotate.md", Some("### Agencies in other namespaces")),
    ("operations/revoke.md", Some("## In other agencies' namespaces")),
];
/// The namespaces that the pages name.
const NAMESPACES: [&str; 3] = ["agency-a", "agency-b", "agency-c"];
/// For one page; each command that waits says itself how long.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn a_consortium_is_started_joined_rotated_and_revoked_as_the_pages_say(
    case: Case,
) -> anyhow::Result<()> {
    definitions(&case).await?;
    for namespace in NAMESPACES {
        case.own_namespace(namespace).await?;
    }
    let mut desk = Desk::new()?;
    case.lay_kubectl(&mut desk)?;
    for (name, section) in PAGES {
        let page = Page::read(name)?;
        let page = match section {
            Some(section) => page.section(section)?,
            None => page,
        };
        if let Err(error) = desk.types(&page.commands()?, PATIENCE).await {
            let mut told = format!("{name}: {error:#}\n");
            for namespace in NAMESPACES {
                told += &case.within(namespace).evidence().await;
            }
            anyhow::bail!(told);
        }
    }
    Ok(())
}
