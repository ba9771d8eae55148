//! The `slofuse` program: parse arguments, run a command, turn its end into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    slofuse::cli::main()
}
