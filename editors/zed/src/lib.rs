//! Zed's way to `secnet lsp`.

use zed_extension_api::{self as zed, Command, Extension, LanguageServerId, Result, Worktree};

struct Secnet;

impl Extension for Secnet {
    fn new() -> Self {
        Secnet
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let command = worktree.which("secnet").ok_or("there is no `secnet` in PATH")?;
        Ok(Command { command, args: vec!["lsp".into()], env: worktree.shell_env() })
    }
}

zed::register_extension!(Secnet);
