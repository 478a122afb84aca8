//! A line from a terminal: edited, completed, remembered. Layer 10; the only home of rustyline.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use rustyline::{
    CompletionType, Config, Context, Helper, completion::Completer, error::ReadlineError, highlight::Highlighter, hint::Hinter,
    history::FileHistory, validate::Validator,
};

/// How many lines are remembered.
const HISTORY_MAX: usize = 1000;

/// What reads lines.
pub(super) struct Editor {
    editor: rustyline::Editor<Words, FileHistory>,
    history: Option<PathBuf>,
}

/// What can be completed.
struct Words(BTreeSet<String>);

impl Editor {
    /// Gets the terminal ready, and what was asked before.
    ///
    /// # Errors
    /// There is no terminal that can be used: why.
    pub fn new(words: BTreeSet<String>) -> Result<Self, String> {
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
        let config = config.max_history_size(HISTORY_MAX).map_err(|e| e.to_string())?;
        let mut editor = rustyline::Editor::with_config(config.build()).map_err(|e| e.to_string())?;
        editor.set_helper(Some(Words(words)));
        let history = history_file(|name| env::var_os(name).map(PathBuf::from));
        if let Some(file) = &history {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        Ok(Self { editor, history })
    }

    /// The next line; `None` at the end. An interrupt clears the line.
    ///
    /// # Errors
    /// The terminal cannot be read: why.
    pub fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            match self.editor.readline("> ") {
                Ok(line) => return Ok(Some(line)),
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(other) => return Err(other.to_string()),
            }
        }
    }

    /// Keeps what was asked, for its user alone. That it cannot be kept stops nobody.
    pub fn save(&mut self) {
        let Some(file) = &self.history else { return };
        if file.parent().is_some_and(|directory| private(directory).is_ok()) {
            let _ = self.editor.save_history(file);
        }
    }
}

/// Makes a directory that others cannot look into.
fn private(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Where the user's programs keep what they remember (<https://specifications.freedesktop.org/basedir-spec/latest/>).
fn history_file(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // The specification tells programs to pass over paths that are relative.
    let given = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = given.or_else(|| Some(variable("HOME").filter(|path| path.is_absolute())?.join(".local/state")))?;
    Some(state.join("secnet").join("console_history"))
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(completed(&self.0, line, position))
    }
}

/// Where the word before the cursor starts, and what it may become: up to the next dot, so that a list stays short.
fn completed(words: &BTreeSet<String>, line: &str, position: usize) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or_default();
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '"' | '[' | ']' | '-');
    let start = before.char_indices().rev().take_while(|(_, c)| part_of_word(*c)).last().map_or(before.len(), |(i, _)| i);
    let begun = before.get(start..).unwrap_or_default();
    let found: BTreeSet<String> = words
        .range(begun.to_owned()..)
        .take_while(|w| w.starts_with(begun))
        .map(|w| {
            let rest = w.get(begun.len()..).unwrap_or_default();
            let end = rest.char_indices().skip(1).find(|(_, c)| *c == '.').map_or(rest.len(), |(i, _)| i);
            format!("{begun}{}", rest.get(..end).unwrap_or_default())
        })
        .collect();
    (start, found.into_iter().collect())
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_completed_up_to_the_next_dot() {
        let words: BTreeSet<String> =
            ["vpc.main", "vpc.main.cidr_block", "vpc.main.id", "values(", ":type"].iter().map(|w| (*w).to_owned()).collect();
        let at_end = |line: &str| completed(&words, line, line.len());
        assert_eq!(at_end("length(v"), (7, vec!["values(".to_owned(), "vpc".to_owned()]));
        assert_eq!(at_end("vpc.m"), (0, vec!["vpc.main".to_owned()]));
        assert_eq!(at_end("vpc.main."), (0, vec!["vpc.main.cidr_block".to_owned(), "vpc.main.id".to_owned()]));
        assert_eq!(at_end(":t"), (0, vec![":type".to_owned()]));
        assert_eq!(at_end("x"), (0, vec![]));
    }

    #[test]
    fn the_history_lies_where_state_belongs() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            history_file(move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, path)| PathBuf::from(path)))
        };
        assert_eq!(of(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]), Some("/s/secnet/console_history".into()));
        assert_eq!(of(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]), Some("/h/.local/state/secnet/console_history".into()));
        assert_eq!(of(&[]), None);
    }
}
