//! `secnet completion`: a script that completes secnet's commands in a shell. Layer 10.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{CommandLine, Exit, Outcome, printer::Printer};

/// Print a completion script for a shell
///
/// For bash: `secnet completion bash > ~/.local/share/bash-completion/completions/secnet`
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    /// Prints it.
    ///
    /// # Errors
    /// None.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut CommandLine::command(), "secnet", &mut script);
        printer.result(&String::from_utf8_lossy(&script));
        Ok(Exit::Ok)
    }
}
