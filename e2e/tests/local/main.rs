//! End-to-end cases on this machine: real binaries, real sockets, real disks, real clients.

mod clients;
mod faults;
mod genesis;
mod isolation;
mod lifecycle;
mod lists;
mod load;
mod room;
mod torture;
