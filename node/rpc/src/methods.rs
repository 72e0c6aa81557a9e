//! The closed table of methods. What is not in it does not exist (-32601).

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::session::{Answer, Call};

/// How a method is answered.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// At once, on the runtime's thread: it costs microseconds.
    Now(fn(&Call<'_>) -> Answer),
    /// On a blocking thread, among the reads.
    Read(fn(&Call<'_>) -> Answer),
    /// On a blocking thread, among the computations.
    Compute(fn(&Call<'_>) -> Answer),
    /// Into the pool, a whole batch at once.
    Submit,
    /// Into the pool of the group that the parameters name.
    SubmitToGroup,
    /// By the transport: subscriptions.
    Transport,
}

/// A method.
#[derive(Clone, Copy)]
pub(crate) struct Method {
    /// Its name, also the metric's label.
    pub(crate) name: &'static str,
    /// How it is answered.
    pub(crate) work: Work,
    /// Whether it is for administrators only.
    pub(crate) administrative: bool,
}

static TABLE: LazyLock<HashMap<&'static str, Method>> = LazyLock::new(|| {
    let open = crate::eth::METHODS.iter().chain(crate::fisco::METHODS);
    let open = open.map(|row| (row, false));
    let closed = crate::administration::METHODS
        .iter()
        .chain(crate::fisco::ADMINISTRATIVE);
    let all = open.chain(closed.map(|row| (row, true)));
    all.map(|((name, work), administrative)| {
        let work = *work;
        let method = Method {
            name,
            work,
            administrative,
        };
        (*name, method)
    })
    .collect()
});

/// The method with this name.
pub(crate) fn method(name: &str) -> Option<Method> {
    TABLE.get(name).copied()
}
