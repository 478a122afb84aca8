//! What the editor shows, and what of it is still so. Layer 9.
//!
//! Of thousands of messages a keystroke changes few. What is said of a file is put into the editor's words again only where a message
//! is another than before, or points into a text that is another: there the same bytes may be on another line.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use gen_lsp_types::Diagnostic as Shown;

use crate::{
    base::{diagnostic::Diagnostic, span::FileId},
    lsp::{
        diagnostic,
        session::{Project, Session},
    },
};

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    /// By the paths of files. No file is here of which nothing is said.
    files: HashMap<PathBuf, Said>,
    /// The projects that it is of.
    of: Vec<Seen>,
}

/// What is said of a file.
struct Said {
    /// The messages, each with the number of its project.
    messages: Vec<(usize, Arc<Diagnostic>)>,
    shown: Vec<Shown>,
}

/// Messages, each with the number of its project.
type Messages<'p> = Vec<(usize, &'p Arc<Diagnostic>)>;

/// A project as it was when something was said of it.
struct Seen {
    directory: PathBuf,
    files: Vec<(PathBuf, Arc<str>)>,
}

impl Seen {
    fn of(project: &Project) -> Self {
        let texts = project.opened.iter().flat_map(|opened| opened.analysis.sources.iter().map(|(_, file)| file.text.clone()));
        Self { directory: project.directory.clone(), files: project.paths().iter().cloned().zip(texts).collect() }
    }

    /// Of each file, whether it is where it was and says what it said.
    fn unchanged_since(&self, before: &Self) -> Vec<bool> {
        let pairs = self.files.iter().zip(&before.files);
        pairs.map(|((path, text), (old, old_text))| Arc::ptr_eq(text, old_text) && path.as_os_str() == old.as_os_str()).collect()
    }
}

impl Told {
    /// Has everything put into words again: the editor calls a file by another name.
    pub(super) fn doubt(&mut self) {
        self.of.clear();
    }

    /// Takes what is to be said of the projects now; gives the files of which the editor must be told, with all that is said of
    /// each: those of which something else is said, and those that have changed.
    pub(super) fn take(&mut self, session: &Session<'_>, changed: &BTreeSet<PathBuf>) -> Vec<(PathBuf, Vec<Shown>)> {
        let projects: Vec<&Project> = session.projects().collect();
        let of: Vec<Seen> = projects.iter().map(|project| Seen::of(project)).collect();
        let same = of.len() == self.of.len() && of.iter().zip(&self.of).all(|(now, old)| now.directory == old.directory);
        let unchanged: Vec<Vec<bool>> =
            if same { of.iter().zip(&self.of).map(|(now, old)| now.unchanged_since(old)).collect() } else { vec![] };
        // What has no place is shown where something else says.
        let stands = |(project, message): &(usize, &Arc<Diagnostic>)| {
            let file = |n: usize| unchanged.get(*project).and_then(|files| files.get(n)).copied().unwrap_or_default();
            !message.labels.is_empty() && message.labels.iter().all(|label| file(usize::from(label.span.file().0)))
        };
        let is_as_it_was = |said: &&Said, messages: &Messages<'_>| {
            let mut pairs = said.messages.iter().zip(messages);
            said.messages.len() == messages.len()
                && messages.iter().all(stands)
                && pairs.all(|((p, old), (q, now))| p == q && (Arc::ptr_eq(old, now) || **old == ***now))
        };
        // Nothing is taken before all is in words: where that fails, the next time everything is compared with what is shown.
        let all = by_file(session, &projects);
        let new = all.iter().map(|(path, messages)| {
            let known = self.files.get(*path).filter(|said| is_as_it_was(said, messages));
            known.is_none().then(|| in_words(session, &projects, messages))
        });
        let new: Vec<Option<Vec<Shown>>> = new.collect();
        let mut before = std::mem::take(&mut self.files);
        let mut differs: BTreeSet<PathBuf> = changed.clone();
        for ((path, messages), new) in all.into_iter().zip(new) {
            let old = before.remove(path).map(|said| said.shown);
            if new.as_ref().is_some_and(|new| old.as_ref() != Some(new)) {
                differs.insert(path.to_path_buf());
            }
            // The messages as they are now: the next time they are known at a glance.
            let said = Said { messages: owned(messages), shown: new.or(old).unwrap_or_default() };
            self.files.insert(path.to_path_buf(), said);
        }
        differs.extend(before.into_keys());
        self.of = of;
        let all = |path: &Path| self.files.get(path).map(|said| said.shown.clone()).unwrap_or_default();
        differs.into_iter().map(|path| (all(&path), path)).map(|(shown, path)| (path, shown)).collect()
    }
}

fn owned(messages: Messages<'_>) -> Vec<(usize, Arc<Diagnostic>)> {
    messages.into_iter().map(|(project, message)| (project, message.clone())).collect()
}

/// What is to be said, by the file in which it is shown.
fn by_file<'p>(session: &'p Session<'_>, projects: &[&'p Project]) -> Vec<(&'p Path, Messages<'p>)> {
    let (mut all, mut slots): (Vec<(&Path, Messages<'_>)>, HashMap<&Path, usize>) = (vec![], HashMap::new());
    for (n, project) in projects.iter().enumerate() {
        // Paths are dear to look up, and there may be thousands of messages.
        let mut of_files: HashMap<FileId, usize> = HashMap::new();
        for message in project.diagnostics() {
            let file = message.labels.first().map(|label| label.span.file());
            let slot = file.and_then(|file| of_files.get(&file).copied()).unwrap_or_else(|| {
                let path = diagnostic::path(project, message);
                // What cannot be read is said where somebody looks.
                let path = if path == project.directory { session.open_in(path).unwrap_or(path) } else { path };
                let slot = *slots.entry(path).or_insert_with(|| {
                    all.push((path, vec![]));
                    all.len() - 1
                });
                file.map(|file| of_files.insert(file, slot));
                slot
            });
            all.get_mut(slot).into_iter().for_each(|(_, messages)| messages.push((n, message)));
        }
    }
    all
}

/// The messages of a file in the editor's words.
fn in_words(session: &Session<'_>, projects: &[&Project], messages: &[(usize, &Arc<Diagnostic>)]) -> Vec<Shown> {
    let (mut known, mut places): (Vec<Shown>, HashSet<[u32; 4]>) = (vec![], HashSet::new());
    for (project, message) in messages {
        let Some(shown) = projects.get(*project).map(|project| diagnostic::placed(session, project, message)) else { continue };
        let (start, end) = (shown.range.start, shown.range.end);
        // Nothing was said yet where it stands, or else not this: projects that share a module say the same of it.
        if places.insert([start.line, start.character, end.line, end.character]) || !known.contains(&shown) {
            known.push(shown);
        }
    }
    known
}
