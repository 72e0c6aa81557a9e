//! The processor time of one thread: what a stage costs, however busy the machine is with other things.

use rustix::time::{ClockId, clock_gettime};

/// Measures the processor time of the thread that started it, which must be the one that asks.
#[derive(Debug)]
pub(crate) struct CpuTimer(f64);

impl CpuTimer {
    /// Starts.
    pub(crate) fn start() -> Self {
        Self(thread_seconds())
    }

    /// Seconds of processor time since the start.
    pub(crate) fn seconds(&self) -> f64 {
        (thread_seconds() - self.0).max(0.0)
    }
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_and_only_on_its_own_thread() {
        let timer = CpuTimer::start();
        let sum = (0..20_000_000_u64).fold(0_u64, |sum, n| std::hint::black_box(sum ^ n));
        let worked = timer.seconds();
        assert!(worked > 0.0, "{sum}");
        let elsewhere = std::thread::spawn(|| CpuTimer::start().seconds()).join().unwrap();
        assert!(elsewhere < worked);
    }
}
