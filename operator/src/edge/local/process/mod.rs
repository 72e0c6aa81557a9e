//! Node processes: started detached, known by pid and start time, asked by HTTP, stopped by their own id.

pub(super) mod health;
pub(super) mod pid;
pub(super) mod port;
pub(super) mod start;
pub(super) mod stop;

pub use pid::ProcessId;
