//! What the SM edition is made of, beside OpenSSL 4 on the same core: SM2 signatures verified, SM3 of long data.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use althing_crypto::{SmSuite, Suite};
use althing_e2e::cache;
use anyhow::{Context, ensure};

use crate::Options;
use crate::report;

/// How long each of the two works in a run.
const WORK: Duration = Duration::from_secs(1);
/// Bytes that are hashed at once.
const BYTES: usize = 16 * 1024;
/// What OpenSSL may be faster by.
const TARGET: &str = "at most 1.2";

/// Runs the part: ours and the peer's in turn, so that what else the machine does meets both.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let key = SmSuite.node_key_of(&[7; 32])?;
    let (digest, data) = (B256::repeat_byte(3), vec![7; BYTES]);
    let (signature, public_key) = (key.sign(&digest), key.public_key());
    ensure!(
        SmSuite.verify_node(&public_key, &digest, &signature).is_ok(),
        "a signature that does not hold"
    );
    let (mut verify, mut hash) = (Compared::default(), Compared::default());
    for _ in 0..options.runs {
        verify
            .ours
            .push(per_call(|| SmSuite.verify_node(&public_key, &digest, &signature)));
        // The last field: verifications a second.
        verify.peer.push(1e6 / openssl(&["sm2"])?);
        hash.ours.push(per_call(|| SmSuite.hash_fn()(&data)));
        // The last field: bytes a second.
        let bytes = BYTES.to_string();
        hash.peer
            .push(1e6 * BYTES as f64 / openssl(&["-bytes", &bytes, "-evp", "sm3"])?);
    }
    verify.show("SM2 signature verified")?;
    hash.show("SM3 of 16 KiB")?;
    report::command("crypto", &format!("--runs {}", options.runs))
}

/// Microseconds of each run.
#[derive(Default)]
struct Compared {
    ours: Vec<f64>,
    peer: Vec<f64>,
}

impl Compared {
    fn show(&self, what: &str) -> anyhow::Result<()> {
        let (ours, peer) = (report::median(&self.ours), report::median(&self.peer));
        let (ours, peer) = (ours.context("no run")?, peer.context("no run")?);
        let line = |what: &str, value: String, target| report::figure("crypto", what, &value, target);
        line(what, format!("{ours:.1} us"), "")?;
        line("  OpenSSL 4", format!("{peer:.1} us"), "")?;
        line("  ours by OpenSSL's", format!("{:.2}", ours / peer), TARGET)
    }
}

/// Microseconds of a call.
fn per_call<T>(mut call: impl FnMut() -> T) -> f64 {
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < WORK {
        black_box(call());
        calls += 1;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(calls.max(1))
}

/// The last field of what `openssl speed` says for machines.
fn openssl(what: &[&str]) -> anyhow::Result<f64> {
    let mut command = Command::new(program()?);
    // Nothing of this machine's configuration.
    command
        .env("OPENSSL_CONF", "/dev/null")
        .args(["speed", "-mr", "-seconds", "1"]);
    let output = command.args(what).output().context("OpenSSL 4")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = text.lines().rfind(|line| line.starts_with("+F"));
    let last = figures.and_then(|line| line.rsplit(':').next());
    let value = last.and_then(|field| field.trim().parse().ok());
    value.with_context(|| format!("openssl speed {} said {text:?}", what.join(" ")))
}

/// Where `scripts/setup.sh sm-peers` puts it.
fn program() -> anyhow::Result<PathBuf> {
    let program = cache()?.join("sm-peers/openssl4");
    ensure!(
        program.exists(),
        "{} is not there; scripts/setup.sh sm-peers builds it",
        program.display()
    );
    Ok(program)
}
