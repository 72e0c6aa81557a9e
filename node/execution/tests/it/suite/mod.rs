//! What every kind of group promises. What differs between kinds is asked of [`support`].

mod accounts;
mod agreement;
mod block;
mod calls;
mod cancel;
pub(crate) mod compilers;
mod configuration;
mod crypto;
mod faults;
mod fisco;
pub(crate) mod genesis;
mod lifecycle;
mod limits;
mod membership;
mod permission;
mod recovery;
mod rights;
mod selectors;
pub(crate) mod support;
pub(crate) mod system;
mod token;
