//! Writes `manifests/` and `examples/`, or, with `--check`, says whether they are stale.

use std::path::Path;
use std::process::ExitCode;

use althing_crds::generated;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = std::env::args().any(|argument| argument == "--check");
    let mut stale = false;
    for (path, content) in generated::files() {
        let path = root.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == content) {
            continue;
        }
        stale = true;
        if check {
            eprintln!("{} is stale", path.display());
        } else if let Err(error) = std::fs::write(&path, content) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if check && stale {
        eprintln!("run `cargo run -p althing-crds --bin crdgen`");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
