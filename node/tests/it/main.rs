//! The node's program as a person starts it.

mod bad_files;
mod bad_identity;
mod folder;
mod surroundings;
