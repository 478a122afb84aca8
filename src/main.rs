//! secnet's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    secnet::cli::run(std::env::args_os())
}
