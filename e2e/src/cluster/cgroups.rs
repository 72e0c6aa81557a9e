//! The control groups in which the kubelet puts the pods: one of the cluster's name below each controller.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::until;

/// Where the machine's control groups are.
const ROOT: &str = "/sys/fs/cgroup";
/// How long the kernel may take to empty a group whose processes were killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the group of this name in every hierarchy of the machine.
pub(super) fn make(name: &str) -> anyhow::Result<()> {
    for hierarchy in hierarchies(Path::new(ROOT))? {
        let group = hierarchy.join(name);
        match fs::create_dir(&group) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("make {}", group.display()));
            }
            _ => {}
        }
        // A new group may use no processor and no memory node until it is told which.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let parent = hierarchy.join(file);
            if parent.exists() && group.join(file).exists() {
                let all = fs::read_to_string(&parent).with_context(|| format!("read {}", parent.display()))?;
                fs::write(group.join(file), all).with_context(|| format!("write {file} of {}", group.display()))?;
            }
        }
    }
    Ok(())
}

/// Removes it and all below it, once the kernel has let the last process go.
pub(super) async fn remove(name: &str) -> anyhow::Result<()> {
    for hierarchy in hierarchies(Path::new(ROOT))? {
        let group = hierarchy.join(name);
        let what = format!("the control group {} to be empty", group.display());
        until(&what, PATIENCE, || async {
            !group.exists() || remove_tree(&group).is_ok()
        })
        .await?;
    }
    Ok(())
}

/// The mounted hierarchies: one a controller, or one for all on a machine with version 2.
fn hierarchies(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_owned()]);
    }
    let entries = fs::read_dir(root).with_context(|| format!("list {}", root.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("list {}", root.display()))?.path();
        // A link such as cpu,cpuacct names a hierarchy that is there under another name too.
        if path.is_dir() && !path.is_symlink() && path.join("cgroup.procs").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Children first: the kernel removes only a group without any.
fn remove_tree(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_tree(&path)?;
        }
    }
    fs::remove_dir(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_is_a_folder_with_processes() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["cpu", "memory", "empty"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        for folder in ["cpu", "memory"] {
            fs::write(root.path().join(folder).join("cgroup.procs"), "").unwrap();
        }
        std::os::unix::fs::symlink("cpu", root.path().join("cpuacct")).unwrap();
        let found = hierarchies(root.path()).unwrap();
        assert_eq!(found, [root.path().join("cpu"), root.path().join("memory")]);
    }

    #[test]
    fn the_one_hierarchy_of_version_2_is_the_root() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        assert_eq!(hierarchies(root.path()).unwrap(), [root.path()]);
    }
}
