//! The declarative half as a whole: manifests in, plans out, carried out by an edge that is nothing but memory.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod bundles;
mod clients;
mod cluster;
mod disruption;
mod editions;
mod fix_point;
mod groups;
mod histories;
mod leases;
mod manifests;
mod revocations;
mod rollover;
mod rules;
mod sample;
mod sovereign;
mod support;
mod votes;
mod wishes;
