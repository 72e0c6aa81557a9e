//! The pages about changes and about a lost quorum, followed word by word on one machine (issue 5, done when 9).

use std::time::Duration;

use althing_e2e::{Desk, Page, until_some};
use serde_json::Value;

use crate::room;

/// For the commands of one block.
const COMMANDS: Duration = Duration::from_secs(180);
/// Proofs of life come every ten seconds while a change waits for them.
const CARRIED_OUT: Duration = Duration::from_secs(60);

/// Somebody who follows a page.
struct Reader {
    desk: Desk,
    page: Page,
}

impl Reader {
    fn of(page: &str) -> Self {
        Self {
            desk: Desk::new().unwrap(),
            page: Page::read(page).unwrap(),
        }
    }

    /// A block of a section, the first being 0.
    fn block(&self, section: &str, language: &str, number: usize) -> String {
        let mut blocks = self.page.section(section).unwrap().blocks(language).unwrap();
        blocks.swap_remove(number)
    }

    async fn types(&self, commands: &str) -> String {
        self.desk.types(commands, COMMANDS).await.unwrap()
    }

    /// Types a block of a section.
    async fn follows(&self, section: &str, number: usize) -> String {
        self.types(&self.block(section, "sh", number)).await
    }

    /// Writes lines below `spec` of a group into a manifest.
    fn declares(&self, file: &str, group: &str, lines: &str) {
        let path = self.desk.folder().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text.find(&format!("name: {group}")).unwrap();
        let spec = named + text[named..].find("\nspec:\n").unwrap() + "\nspec:\n".len();
        std::fs::write(&path, format!("{}{lines}{}", &text[..spec], &text[spec..])).unwrap();
    }

    /// Waits until `althing status` shows these nodes of a group in these roles.
    async fn sees(&self, group: u32, roles: &[(&str, &str)]) {
        let what = format!("{roles:?} in group {group}");
        let shown = until_some(&what, CARRIED_OUT, || async {
            let status = self.types("althing status -o json || true\n").await;
            let status: Value = serde_json::from_str(&status).ok()?;
            let is_so = |(node, wanted): &(&str, &str)| role(&status, group, node) == Some(wanted);
            roles.iter().all(is_so).then_some(())
        });
        shown.await.unwrap();
    }
}

/// A node's role in a group, by `althing status`.
fn role<'a>(status: &'a Value, group: u32, node: &str) -> Option<&'a str> {
    let mut nodes = status["nodes"].as_array()?.iter();
    let mut groups = nodes.find(|found| found["name"] == node)?["groups"].as_array()?.iter();
    match groups.find(|member| member["group"] == group) {
        Some(member) => member["role"].as_str(),
        None => Some("free"),
    }
}

#[tokio::test]
async fn roles_and_seats_change_as_the_page_says() {
    let _room = room::enter().await;
    let reader = Reader::of("operations/changes.md");
    let (role, join, decide) = ("## Change a role", "## Join one", "## Decide by hand");
    let groups = "consortium/groups.yaml";

    reader.follows(role, 0).await;
    reader.declares(groups, "group-1", &reader.block(role, "yaml", 0));
    reader.follows(role, 1).await;
    reader
        .sees(1, &[("node-2", "free"), ("node-1", "observer"), ("node-0", "sealer")])
        .await;

    reader.declares(groups, "group-2", &reader.block(join, "yaml", 0));
    // What it waits for is told beside what it prints.
    let said = reader
        .types(&format!("exec 2>&1\n{}", reader.block(join, "sh", 0)))
        .await;
    let waits = reader.block(join, "text", 0);
    let (waits, _) = waits.split_once("0x").unwrap();
    assert!(said.contains(waits), "{said}");
    reader.sees(2, &[("node-5", "sealer")]).await;

    let open = reader.types("althing approvals -f consortium -o json\n").await;
    let id = open.split("\"0x").nth(1).unwrap_or_else(|| panic!("{open}"));
    let commands = reader.block(decide, "sh", 1);
    let example = commands.split_whitespace().find(|word| word.starts_with("0x")).unwrap();
    reader.follows(decide, 0).await;
    let said = reader
        .types(&commands.replace(example, &format!("0x{}", &id[..12])))
        .await;
    for line in reader.block(decide, "text", 1).lines() {
        assert!(said.contains(line), "{line:?} in {said}");
    }
}

#[tokio::test]
async fn a_group_that_lost_its_quorum_goes_on_as_the_page_says() {
    let _room = room::enter().await;
    let reader = Reader::of("operations/recovery.md");
    let (try_it, sign, install) = (
        "## Try it on one machine",
        "## 2. Let enough agencies sign",
        "## 3. Install it everywhere",
    );
    let folder = reader.desk.folder();
    std::fs::create_dir(folder.join("trade")).unwrap();
    std::fs::write(folder.join("trade/trade.yaml"), reader.block(try_it, "yaml", 0)).unwrap();
    reader.follows(try_it, 0).await;

    let status: Value = serde_json::from_str(&reader.types("althing status -o json\n").await).unwrap();
    for node in status["nodes"].as_array().unwrap() {
        if ["node-2", "node-3"].contains(&node["name"].as_str().unwrap()) {
            reader.types(&format!("kill -9 {}\n", node["pid"])).await;
        }
    }
    let stands = until_some("the doctor says that it stands", CARRIED_OUT, || async {
        let said = reader.types("althing doctor || true\n").await;
        said.contains("makes no blocks: too few sealers live").then_some(())
    });
    stands.await.unwrap();

    reader.follows("## 1. Agree on the block and the sealers", 0).await;
    reader.follows(sign, 0).await;
    let document = reader.follows(sign, 1).await;
    let lines: String = document.lines().map(|line| format!("    {line}\n")).collect();
    reader.declares("trade/trade.yaml", "group-1", &format!("  recovery: |\n{lines}"));
    reader.follows(install, 0).await;
    let roles = [
        ("node-0", "sealer"),
        ("node-1", "sealer"),
        ("node-2", "observer"),
        ("node-3", "observer"),
    ];
    reader.sees(1, &roles).await;
}
