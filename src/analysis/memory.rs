//! Texts that were parsed before, so that of two looks at a project only what was written in between is parsed. Layer 6.
//!
//! A tree is what its text says and nothing else, but for the number of its file, which is in every span: that is the key, whole.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    analysis::Text,
    base::{
        diagnostic::{Diagnostic, Sink},
        source::{SourceFile, Sources},
        span::{FileId, Span},
        threads,
    },
    resolve::Kept,
    syntax::{ast, parse::parse},
};

/// What was parsed last, by the numbers of the files, and what was resolved of it.
#[derive(Debug, Default)]
pub struct Memory {
    files: Mutex<BTreeMap<FileId, Remembered>>,
    pub(super) resolved: Kept,
}

#[derive(Debug)]
struct Remembered {
    source: SourceFile,
    tree: Arc<ast::File>,
    uses: Arc<Uses>,
    wrong: Vec<Diagnostic>,
}

/// What a file says of other directories, so that nobody goes through all files for it.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// The sources of the modules that it uses, each with its place.
    pub(super) modules: Vec<(String, Span)>,
    /// The other projects that it names, and where those lie.
    pub(super) neighbours: Vec<(String, ast::Name)>,
}

impl Uses {
    fn of(file: &ast::File) -> Self {
        let mut found = Self::default();
        for item in &file.items {
            match item {
                ast::Item::Module(module) => found.modules.push((module.source.text.to_string(), module.source.span)),
                ast::Item::Neighbour(neighbour) => found.neighbours.push((neighbour.name.text.to_string(), neighbour.path.clone())),
                _ => {}
            }
        }
        found
    }
}

impl Remembered {
    /// Whether it is this file; a text that was not read again is known without a look at it.
    fn is(&self, name: &str, text: &Arc<str>) -> bool {
        *self.source.name == *name && (Arc::ptr_eq(&self.source.text, text) || *self.source.text == **text)
    }
}

impl Memory {
    /// Parses a file, unless it is the same as the last of its number.
    pub(super) fn parse(memory: Option<&Self>, file: (&str, &Arc<str>), sources: &mut Sources, sink: &mut Sink) -> Arc<ast::File> {
        Self::take(memory, file, None, sources, sink).0
    }

    /// The same of files that follow one another; those that are new are shared out among threads.
    pub(super) fn parse_all(
        memory: Option<&Self>,
        files: &[Text],
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> Vec<(Arc<ast::File>, Arc<Uses>)> {
        let first = usize::from(sources.next().0);
        let is_known = |n: usize, (name, text): &Text| {
            let files = memory.map(|memory| memory.files.lock().unwrap_or_else(PoisonError::into_inner));
            files.is_some_and(|files| files.get(&id(first + n)).is_some_and(|known| known.is(name, text)))
        };
        let new = files.iter().enumerate().filter(|(n, file)| !is_known(*n, file));
        let new: Vec<(FileId, &str)> = new.map(|(n, (_, text))| (id(first + n), &**text)).collect();
        let bytes: usize = new.iter().map(|(_, text)| text.len()).sum();
        let trees = threads::each(&new, bytes / WORTH_A_THREAD, |(file, text)| Tree::of(*file, text));
        let mut ahead: BTreeMap<FileId, Tree> = new.into_iter().map(|(file, _)| file).zip(trees).collect();
        let one = |(name, text): &Text| {
            let tree = ahead.remove(&sources.next());
            Self::take(memory, (name, text), tree, sources, sink)
        };
        files.iter().map(one).collect()
    }

    /// Takes in a file, unless it is the same as the last of its number; `tree` is what it says, where that is known.
    fn take(
        memory: Option<&Self>,
        (name, text): (&str, &Arc<str>),
        tree: Option<Tree>,
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> (Arc<ast::File>, Arc<Uses>) {
        let mut files = memory.map(|memory| memory.files.lock().unwrap_or_else(PoisonError::into_inner));
        let known = files.as_ref().and_then(|files| files.get(&sources.next())).filter(|known| known.is(name, text));
        if let Some(known) = known {
            sources.take(known.source.clone());
            sink.all.extend(known.wrong.iter().cloned());
            return (known.tree.clone(), known.uses.clone());
        }
        let id = sources.add_shared(name, text.clone());
        let Tree { tree, uses, wrong } = tree.unwrap_or_else(|| Tree::of(id, text));
        if let (Some(files), Some(source)) = (&mut files, sources.get(id)) {
            files.insert(id, Remembered { source: source.clone(), tree: tree.clone(), uses: uses.clone(), wrong: wrong.clone() });
        }
        sink.all.extend(wrong);
        (tree, uses)
    }

    /// How many blocks of the project that was resolved last were as they had been.
    #[must_use]
    pub fn taken_over(&self) -> usize {
        self.resolved.taken_over()
    }

    /// Forgets the files beyond so many.
    pub(super) fn keep(&self, files: usize) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| usize::from(id.0) < files);
    }
}

/// A text as parsed, and what is wrong with it.
struct Tree {
    tree: Arc<ast::File>,
    uses: Arc<Uses>,
    wrong: Vec<Diagnostic>,
}

impl Tree {
    fn of(file: FileId, text: &str) -> Self {
        let mut wrong = Sink::default();
        let tree = parse(file, text, &mut wrong);
        let uses = Arc::new(Uses::of(&tree));
        Self { tree: Arc::new(tree), uses, wrong: wrong.all }
    }
}

/// How many bytes are worth another thread.
const WORTH_A_THREAD: usize = 32 << 10;

fn id(n: usize) -> FileId {
    FileId(u16::try_from(n).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_shared_out_are_read_as_one_after_the_other() {
        let block = |n: usize| format!("vpc v{n} {{\n  cidr_block = 10.{n}.0.0/16\n}}\n\n");
        let text = |n: usize| match n % 5 {
            0 => format!("{}vpc {{ broken\n", block(n).repeat(40)),
            _ => block(n).repeat(60),
        };
        let files: Vec<Text> = (0..60).map(|n| (format!("{n}.secnet"), text(n).into())).collect();
        assert!(files.iter().map(|(_, text)| text.len()).sum::<usize>() > 2 * WORTH_A_THREAD);
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let one: Vec<_> = files.iter().map(|(name, text)| Memory::parse(None, (name, text), &mut sources, &mut sink)).collect();
        assert!(sink.all.len() >= 12, "{}", sink.all.len());
        let memory = Memory::default();
        for memory in [None, Some(&memory), Some(&memory)] {
            let (mut shared, mut wrong) = (Sources::default(), Sink::default());
            let all = Memory::parse_all(memory, &files, &mut shared, &mut wrong);
            assert_eq!(all.into_iter().map(|(tree, _)| tree).collect::<Vec<_>>(), one);
            assert_eq!(wrong.all, sink.all);
            assert!(shared.iter().map(|(_, file)| &file.name).eq(sources.iter().map(|(_, file)| &file.name)));
        }
    }
}
