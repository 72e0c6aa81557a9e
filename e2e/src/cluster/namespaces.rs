//! The namespaces in which the cluster's programs live: network, processes, mounts.
//!
//! Process 1 of the cluster holds them open. When it is killed the kernel ends every process with it, containers too, and
//! with the last process go all mounts: what the cluster made cannot outlive it, however it ended.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

use super::layout::{BIN, ETC, Layout};
use super::network;
use super::process::{self, Process};

/// How long a few mounts may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The name under which process 1 is noted down.
pub(super) const HOLDER: &str = "holder";

/// Settings of the whole kernel that the kubelet wants, and would make. The cluster's programs are shown these in their
/// place, so that the machine's stay as they are.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("kernel/keys/root_maxbytes", "25000000"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
];

/// Makes the namespaces of processes and mounts inside that of the network, which is there.
pub(super) async fn make(layout: &Layout) -> anyhow::Result<Process> {
    let pause = layout.program("pause")?;
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net={}", network::namespace(layout.name()).display()))
        .args([
            "unshare",
            "--mount",
            "--propagation=private",
            "--pid",
            "--fork",
            "--mount-proc",
            "--",
        ])
        .arg(&pause);
    let holder = process::start(&mut command, &layout.log(HOLDER)).await?;
    note(layout, HOLDER, holder)?;
    for (setting, value) in KERNEL_SETTINGS {
        let file = layout.etc().join("sysctl").join(setting.replace('/', "."));
        fs::write(&file, format!("{value}\n")).with_context(|| format!("write {}", file.display()))?;
    }
    let script = mounting(layout.state(), &layout.programs());
    let mut mount = enter(layout, holder);
    mount.args(["sh", "-eu", "-c", &script]);
    crate::run(&mut mount, PATIENCE)
        .await
        .context("give the cluster folders of its own")?;
    Ok(holder)
}

/// The command that starts a program inside; program and arguments are added to it.
pub(super) fn enter(layout: &Layout, holder: Process) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net={}", network::namespace(layout.name()).display()))
        .arg(format!("--mount=/proc/{}/ns/mnt", holder.pid))
        .arg(format!("--pid=/proc/{}/ns/pid", holder.pid))
        .arg("--");
    command
}

/// Notes down which process a program is.
pub(super) fn note(layout: &Layout, program: &str, process: Process) -> anyhow::Result<()> {
    let file = layout.process(program);
    let text = serde_json::to_string(&process).context("note a process")?;
    fs::write(&file, text).with_context(|| format!("write {}", file.display()))
}

/// Which process a program was when it was last started.
pub(super) fn noted(layout: &Layout, program: &str) -> anyhow::Result<Process> {
    let file = layout.process(program);
    let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))
}

/// The script, run inside, that puts the cluster's folders in the places of the machine's.
fn mounting(state: &Path, programs: &Path) -> String {
    let state = quoted(state);
    let programs = quoted(programs);
    let mut script = format!(
        "# Namespaces of other clusters, which this copy of the machine's mounts would keep from ending.\n\
         for mount in /run/netns/*; do umount --lazy \"$mount\" 2>/dev/null || true; done\n\
         # Pods may see mounts of the node.\n\
         mount --make-rshared /\n\
         mount --bind {state}/etc {state}{ETC}\n\
         mount --bind {programs} {state}{BIN}\n\
         ln -sfn /run {state}/var/run\n"
    );
    for (setting, _) in KERNEL_SETTINGS {
        script += &format!(
            "mount --bind {state}/etc/sysctl/{} /proc/sys/{setting}\n",
            setting.replace('/', ".")
        );
    }
    // The state itself may be below one of the three: its folders are opened before any of them is covered.
    script += &format!(
        "exec 3<{state}/run 4<{state}/var 5<{state}/tmp\n\
         mount --no-canonicalize --rbind /proc/$$/fd/3 /run\n\
         mount --no-canonicalize --rbind /proc/$$/fd/4 /var\n\
         mount --no-canonicalize --rbind /proc/$$/fd/5 /tmp\n"
    );
    script
}

/// As one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_kernel_settings_are_covered_not_written() {
        let script = mounting(Path::new("/state"), Path::new("/bin dir"));
        assert!(
            script.contains("mount --bind '/state'/etc/sysctl/vm.overcommit_memory /proc/sys/vm/overcommit_memory\n")
        );
        assert!(
            script.contains("mount --bind '/bin dir' '/state'/run/althing/bin\n"),
            "{script}"
        );
    }

    #[test]
    fn a_path_is_one_word_whatever_it_holds() {
        assert_eq!(quoted(Path::new("/it's here")), r"'/it'\''s here'");
    }
}
