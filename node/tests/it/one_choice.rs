//! The edition is asked in one place: everywhere else it is in values (ADR 0026).

use std::fs;
use std::path::{Path, PathBuf};

/// What tells editions apart in a source.
const ASKING: [&str; 8] = [
    "Cryptography::Standard",
    "Cryptography::Sm",
    "StandardSuite",
    "SmSuite",
    "TlsEdition::standard",
    "TlsEdition::sm",
    "Curve::P256",
    "Curve::Sm2",
];

/// Where an edition is what a file is about, and why.
const ABOUT_EDITIONS: [(&str, &str); 10] = [
    ("src/app.rs", "chooses"),
    ("src/rpc_tls.rs", "TLS of clients is of the standard kind in both"),
    ("crypto/src/", "is the two suites"),
    ("network/src/edition.rs", "is what they bring to TLS"),
    (
        "execution/src/evm_hash.rs",
        "chooses by the genesis' evmHash, in either edition",
    ),
    (
        "execution/src/selectors.rs",
        "has the selectors of both hashes, in either edition",
    ),
    (
        "execution/src/system/crypto.rs",
        "is a contract that offers SM2 and SM3 to contracts of either edition",
    ),
    ("types/src/config/node.rs", "names their files"),
    ("types/src/genesis/mod.rs", "has the default"),
    ("ledger/src/ledger/open.rs", "writes the edition into the ledger"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.contains("test") {
            found.push(path);
        }
    }
}

/// The lines of a source that ask, its tests apart.
fn asking(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .filter(|line| !line.trim_start().starts_with("use ") && !line.trim_start().starts_with("pub use "))
        .filter(|line| ASKING.iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_one_place_of_the_node_asks_for_the_edition() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&node.join("src"), &mut found);
    for package in fs::read_dir(node).unwrap() {
        let folder = package.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut found);
        }
    }
    assert!(found.len() > 100, "where are the sources? {found:?}");
    let mut unused: Vec<&str> = ABOUT_EDITIONS.iter().map(|(path, _)| *path).collect();
    for path in found {
        let asking = asking(&fs::read_to_string(&path).unwrap());
        let name = path.strip_prefix(node).unwrap().to_string_lossy().into_owned();
        match ABOUT_EDITIONS.iter().find(|(known, _)| name.starts_with(known)) {
            Some((known, _)) if !asking.is_empty() => unused.retain(|path| path != known),
            Some(_) => {}
            None => assert!(asking.is_empty(), "{name} asks which edition it is: {asking:#?}"),
        }
    }
    assert!(unused.is_empty(), "these ask no more: {unused:?}");
}
