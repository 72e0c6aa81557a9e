//! Whether a port is free, and who has it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, TcpListener};

use super::pid;

/// Whether one could listen there now. Bound and released at once, so nothing is left behind.
pub(in crate::edge::local) fn is_free(address: IpAddr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_ok()
}

/// Who listens on a port, in words.
pub(in crate::edge::local) fn holder(port: u16) -> String {
    let sockets = sockets_on(port);
    let has_it = |pid: &u32| {
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        open.flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|to| sockets.contains(&*to.to_string_lossy())))
    };
    match pid::all().into_iter().find(has_it) {
        Some(pid) => {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("process {pid} ({})", name.trim())
        }
        None => "a process of another user".to_owned(),
    }
}

/// The listening sockets on a port, as links of `/proc/<pid>/fd` name them.
fn sockets_on(port: u16) -> BTreeSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables
        .iter()
        .flat_map(|table| table.lines())
        .filter_map(|line| listening_socket(line, port))
        .collect()
}

/// proc_pid_net(5): `sl local_address rem_address st … inode`; state 0A is LISTEN.
fn listening_socket(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let listens = *fields.get(3)? == "0A" && u16::from_str_radix(local, 16) == Ok(port);
    listens
        .then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_found_with_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = IpAddr::from([127, 0, 0, 1]);
        assert!(!is_free(address, port));
        assert!(
            holder(port).starts_with(&format!("process {} (", std::process::id())),
            "{}",
            holder(port)
        );
        drop(listener);
        assert!(is_free(address, port));
    }
}
