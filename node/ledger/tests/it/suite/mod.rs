//! What the ledger promises in every edition. What differs is asked of [`support`].

use super::EDITION;

mod blocks;
mod damage;
mod history;
mod log_search;
mod opening;
pub(crate) mod roots;
pub(crate) mod support;
