//! The operator as a program. Everything is in the library, so that an image is one more link of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    althing_kubernetes::main()
}
