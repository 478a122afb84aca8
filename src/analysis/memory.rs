//! Texts that were parsed before, so that of two looks at a project only what was written in between is parsed. Layer 6.
//!
//! A tree is what its text says and nothing else, but for the number of its file, which is in every span: that is the key, whole.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    base::{
        diagnostic::{Diagnostic, Sink},
        source::{SourceFile, Sources},
        span::FileId,
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
    wrong: Vec<Diagnostic>,
}

impl Remembered {
    /// Whether it is this file; a text that was not read again is known without a look at it.
    fn is(&self, name: &str, text: &Arc<str>) -> bool {
        *self.source.name == *name && (Arc::ptr_eq(&self.source.text, text) || *self.source.text == **text)
    }
}

impl Memory {
    /// Parses a file, unless it is the same as the last of its number.
    pub(super) fn parse(memory: Option<&Self>, (name, text): (&str, &Arc<str>), sources: &mut Sources, sink: &mut Sink) -> Arc<ast::File> {
        let Some(memory) = memory else {
            return Arc::new(parse(sources.add_shared(name, text.clone()), text, sink));
        };
        let mut files = memory.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(&sources.next()).filter(|known| known.is(name, text)) {
            sources.take(known.source.clone());
            sink.all.extend(known.wrong.iter().cloned());
            return known.tree.clone();
        }
        let mut wrong = Sink::default();
        let id = sources.add_shared(name, text.clone());
        let tree = Arc::new(parse(id, text, &mut wrong));
        if let Some(source) = sources.get(id) {
            files.insert(id, Remembered { source: source.clone(), tree: tree.clone(), wrong: wrong.all.clone() });
        }
        sink.all.append(&mut wrong.all);
        tree
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
