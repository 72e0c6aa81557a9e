//! `althing-node -c config.ini`: runs one node until SIGTERM.

use std::process::ExitCode;

fn main() -> ExitCode {
    althing_node::program::main()
}
