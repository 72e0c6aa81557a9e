//! Figures on standard output: what, how much, and the command that shows it again.

use std::io::Write;
use std::time::Duration;

/// One line of text.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A figure beside its target.
pub(crate) fn figure(part: &str, what: &str, value: &str, target: &str) -> anyhow::Result<()> {
    let target = if target.is_empty() {
        String::new()
    } else {
        format!("   (target {target})")
    };
    line(&format!("{part:<11} {what:<44} {value:>16}{target}"))
}

/// The command that shows a part's figures again.
pub(crate) fn command(part: &str, rest: &str) -> anyhow::Result<()> {
    line(&format!("{part:<11} again: althing-bench {part} {rest}"))
}

/// What a load came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Transfers included a second.
    pub(crate) per_second: f64,
    /// Processor time of all nodes together for one transfer, microseconds.
    pub(crate) node_micros: f64,
}

impl Figures {
    /// Each figure's median; none without runs.
    pub(crate) fn medians(runs: &[Self]) -> Option<Self> {
        let of = |pick: fn(&Self) -> f64| median(&runs.iter().map(pick).collect::<Vec<_>>());
        Some(Self {
            per_second: of(|run| run.per_second)?,
            node_micros: of(|run| run.node_micros)?,
        })
    }
}

/// What this was measured on.
pub(crate) fn machine() -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy = load.split(' ').next().unwrap_or("?");
    line(&format!(
        "machine     {cores} cores, {}; load average {busy} before",
        model.unwrap_or("unknown")
    ))?;
    line("node        TLS 1.3 between nodes, synced writes, the one build profile (docs/adr/0004)")
}

/// The middle value; of an even count the lower of the two.
pub(crate) fn median<T: PartialOrd + Copy>(values: &[T]) -> Option<T> {
    quantile(values, 0.5)
}

/// The value below which this part of all lies.
pub(crate) fn quantile<T: PartialOrd + Copy>(values: &[T], part: f64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * part).floor() as usize).copied()
}

/// Milliseconds in words.
pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_each_figure_by_itself() {
        let run = |per_second, node_micros| Figures {
            per_second,
            node_micros,
        };
        let medians = Figures::medians(&[run(1.0, 30.0), run(2.0, 10.0), run(3.0, 20.0)]).unwrap();
        assert_eq!((medians.per_second, medians.node_micros), (2.0, 20.0));
        assert!(Figures::medians(&[]).is_none());
    }

    #[test]
    fn quantiles_are_of_the_sorted_values() {
        let values = [5, 1, 4, 2, 3];
        assert_eq!(
            (median(&values), quantile(&values, 0.99), quantile(&values, 1.0)),
            (Some(3), Some(4), Some(5))
        );
        assert_eq!(median::<u64>(&[]), None);
    }
}
