//! Pages of the documentation, followed word by word from an empty folder.
//!
//! ```text
//! docs/operations/x.md ──▶ Page ──▶ section ──▶ blocks("sh") ──▶ Desk (an empty folder, the programs on the path) types them
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::consortium::stop_all;
use crate::{binary, ports, repository, run};

/// What marks the first and the last line of a block.
const FENCE: &str = "```";

/// A page, or a section of one.
#[derive(Clone, Debug)]
pub struct Page {
    name: String,
    lines: Vec<String>,
}

impl Page {
    /// A page of `docs`, such as `operations/start.md`.
    pub fn read(name: &str) -> anyhow::Result<Self> {
        let path = repository().join("docs").join(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Self::new(name, &text))
    }

    fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// What is below a heading, such as `## Join one`, up to the next heading that is no lower.
    pub fn section(&self, heading: &str) -> anyhow::Result<Self> {
        let (mut is_within, mut is_block) = (false, false);
        let mut lines = Vec::new();
        for line in &self.lines {
            is_block ^= line.starts_with(FENCE);
            if !is_block && line.starts_with('#') && depth(line) <= depth(heading) {
                is_within = line == heading;
            } else if is_within {
                lines.push(line.clone());
            }
        }
        let name = format!("{} {heading:?}", self.name);
        ensure!(!lines.is_empty(), "{name}: there is no such section");
        Ok(Self { name, lines })
    }

    /// The blocks in this language, in their order; at least one.
    pub fn blocks(&self, language: &str) -> anyhow::Result<Vec<String>> {
        let mut blocks = Vec::new();
        let mut lines = self.lines.iter();
        while let Some(line) = lines.next() {
            let Some(found) = line.strip_prefix(FENCE) else {
                continue;
            };
            let block: Vec<&str> = lines
                .by_ref()
                .map(String::as_str)
                .take_while(|line| *line != FENCE)
                .collect();
            if found == language {
                blocks.push(block.join("\n") + "\n");
            }
        }
        ensure!(!blocks.is_empty(), "{}: there is no block of {language}", self.name);
        Ok(blocks)
    }

    /// All commands of the page, for one shell.
    pub fn commands(&self) -> anyhow::Result<String> {
        Ok(self.blocks("sh")?.concat())
    }
}

/// How many `#` a heading begins with.
fn depth(heading: &str) -> usize {
    heading.bytes().take_while(|byte| *byte == b'#').count()
}

/// Where somebody sits who follows the documentation: an empty folder, but for what of a checkout the pages name, and the
/// programs they name.
#[derive(Debug)]
pub struct Desk {
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Desk {
    /// One with `althing`, and with it as kubectl's plugin; what is started there has a state and ports that nobody else has.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("althing-pages-").tempdir()?;
        let mut desk = Self {
            folder,
            environment: Vec::new(),
        };
        for own in [desk.folder(), desk.programs()] {
            std::fs::create_dir(own)?;
        }
        std::os::unix::fs::symlink(repository().join("deploy"), desk.folder().join("deploy"))?;
        desk.set("ALTHING_STATE", desk.state());
        desk.set("ALTHING_PORT_OFFSET", ports::free_offset()?.to_string());
        let althing = binary("althing")?;
        desk.lay("althing", &althing)?;
        desk.lay("kubectl-althing", &althing)?;
        Ok(desk)
    }

    /// Where the commands are typed.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn programs(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Lays a program there, under this name.
    pub fn lay(&self, name: &str, program: &Path) -> anyhow::Result<()> {
        let link = self.programs().join(name);
        std::os::unix::fs::symlink(program, &link).with_context(|| format!("link {}", link.display()))
    }

    /// What every command finds in its environment.
    pub fn set(&mut self, variable: &str, value: impl Into<OsString>) {
        self.environment.push((variable.into(), value.into()));
    }

    /// Types commands into one shell, which stops at the first that fails; gives what they printed.
    pub async fn types(&self, commands: &str, patience: Duration) -> anyhow::Result<String> {
        let mut path = self.programs().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let script = format!("trap 'echo \"stopped at: $BASH_COMMAND\" >&2' ERR\n{commands}");
        let mut bash = Command::new("bash");
        bash.args(["-E", "-e", "-u", "-o", "pipefail", "-c", &script])
            .current_dir(self.folder())
            .env("PATH", path)
            .envs(self.environment.iter().cloned());
        run(&mut bash, patience).await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        stop_all(&self.state());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Page\n```sh\n# not a heading\none\n```\n## A\ntext\n```yaml\nkey: 1\n```\n### B\n```sh\ntwo\n\nthree\n```\n## C\n```\nplain\n```\n";

    #[test]
    fn blocks_are_those_of_a_language_in_their_order() {
        let page = Page::new("page", TEXT);
        assert_eq!(page.commands().unwrap(), "# not a heading\none\ntwo\n\nthree\n");
        assert_eq!(page.blocks("yaml").unwrap(), ["key: 1\n"]);
        assert!(page.blocks("json").unwrap_err().to_string().contains("json"));
    }

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let page = Page::new("page", TEXT);
        let section = page.section("## A").unwrap();
        assert_eq!(section.commands().unwrap(), "two\n\nthree\n");
        assert_eq!(section.section("### B").unwrap().commands().unwrap(), "two\n\nthree\n");
        assert!(page.section("## C").unwrap().commands().is_err());
        assert!(page.section("## D").unwrap_err().to_string().contains("## D"));
    }

    #[tokio::test]
    async fn a_command_that_fails_is_named_and_ends_the_shell() {
        let desk = Desk::new().unwrap();
        let said = desk.types("cd /\nexpr 1 - 1\necho on\n", Duration::from_secs(9)).await;
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("stopped at: expr 1 - 1") && !said.contains("\non\n"),
            "{said}"
        );
    }
}
