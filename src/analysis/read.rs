//! The texts of a project and of every module that it uses, parsed. Layer 6; opens modules through the [`Library`] alone.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    analysis::{Library, Memory, Text, memory::Uses},
    base::{
        codes::{module as codes, neighbour as neighbour_codes},
        diagnostic::Sink,
        source::Sources,
        span::Span,
    },
    resolve::{Directory, Neighbours},
    syntax::ast,
};

/// How many modules may lie one in another. People nest three or four; what is worked out goes as deep as they do.
const MODULES_DEEP_MAX: usize = 32;

/// What is read so far.
pub(super) struct Reader<'i, 's> {
    pub(super) library: Option<&'i dyn Library>,
    pub(super) memory: Option<&'i Memory>,
    pub(super) sink: &'s mut Sink,
    pub(super) sources: Sources,
    pub(super) parsed: Vec<Arc<ast::File>>,
    /// What each of them says of other directories.
    uses: Vec<Arc<Uses>>,
    /// The first is the project's own.
    pub(super) directories: Vec<Directory>,
}

impl<'i, 's> Reader<'i, 's> {
    /// Reads the project's own files, name and text each.
    pub(super) fn new(files: &[Text], library: Option<&'i dyn Library>, memory: Option<&'i Memory>, sink: &'s mut Sink) -> Self {
        let mut reader = Self { library, memory, sink, sources: Sources::default(), parsed: vec![], uses: vec![], directories: vec![] };
        let files = reader.files(files);
        reader.directories.push(Directory { files, ..Directory::default() });
        reader
    }

    fn files(&mut self, files: &[Text]) -> Vec<usize> {
        let first = self.parsed.len();
        for (tree, uses) in Memory::parse_all(self.memory, files, &mut self.sources, self.sink) {
            self.parsed.push(tree);
            self.uses.push(uses);
        }
        (first..self.parsed.len()).collect()
    }

    /// Opens every module that is used, those that modules use too; each directory once.
    pub(super) fn modules(&mut self) {
        let mut at = 0;
        while at < self.directories.len() {
            for (source, place) in self.named_in(at) {
                let known = self.directories.get(at).is_some_and(|d| d.modules.contains_key(&*source));
                if !known
                    && let Some(opened) = self.open(at, &source, place)
                    && let Some(directory) = self.directories.get_mut(at)
                {
                    directory.modules.insert(source, opened);
                }
            }
            at += 1;
        }
        self.circles();
    }

    /// The sources of the module calls in a directory, each with its place.
    fn named_in(&self, directory: usize) -> Vec<(String, Span)> {
        let files = self.directories.get(directory).map(|d| d.files.clone()).unwrap_or_default();
        files.into_iter().filter_map(|f| self.uses.get(f)).flat_map(|uses| uses.modules.iter().cloned()).collect()
    }

    fn open(&mut self, from: usize, source: &str, place: Span) -> Option<usize> {
        let from = self.directories.get(from).map(|d| d.name.clone()).unwrap_or_default();
        let Some(library) = self.library else {
            self.sink.push(codes::unreadable(source, "no files can be read here", place, "save the project in a directory of its own"));
            return None;
        };
        let opened = match library.open(&from, source, place) {
            Ok(opened) => opened,
            Err(diagnostic) => {
                self.sink.push(diagnostic);
                return None;
            }
        };
        if let Some(known) = self.directories.iter().position(|d| d.name == opened.directory) {
            return Some(known);
        }
        if self.sources.iter().count() + opened.files.len() > Span::FILES_MAX {
            let why = format!("the project has more than {} files with it", Span::FILES_MAX);
            self.sink.push(codes::unreadable(source, &why, place, "put several resources into one file"));
            return None;
        }
        let files = self.files(&opened.files);
        self.directories.push(Directory { name: opened.directory, files, modules: BTreeMap::new() });
        Some(self.directories.len() - 1)
    }

    /// The outputs of the other projects that the project itself names.
    pub(super) fn neighbours(&mut self) -> Neighbours {
        let own = self.directories.first().map(|d| d.files.clone()).unwrap_or_default();
        let named = own.into_iter().filter_map(|f| self.uses.get(f)).flat_map(|uses| &uses.neighbours);
        let mut found = Neighbours::new();
        for (name, path) in named {
            let outputs = match self.library {
                Some(library) => library.outputs(&path.text, path.span),
                None => {
                    let help = "save the project in a directory of its own";
                    Err(neighbour_codes::unreadable(&path.text, "no files can be read here", path.span, help))
                }
            };
            let outputs = outputs.map_err(|diagnostic| self.sink.push(diagnostic)).ok();
            found.entry(name.clone()).or_insert(outputs);
        }
        found
    }

    /// Takes out, with a message, every use of a module that leads back to where it stands, or too deep.
    fn circles(&mut self) {
        // Every directory was opened from the project's own, or from one that was.
        let mut heights = vec![None; self.directories.len()];
        self.follow(0, &mut vec![], &mut heights);
    }

    /// Follows what a directory uses; gives how many modules lie below it, one in another.
    fn follow(&mut self, directory: usize, way: &mut Vec<usize>, heights: &mut [Option<usize>]) -> usize {
        if let Some(known) = heights.get(directory).copied().flatten() {
            return known;
        }
        let mut height = 0;
        way.push(directory);
        for (source, place) in self.named_in(directory) {
            let Some(next) = self.directories.get(directory).and_then(|d| d.modules.get(&source)).copied() else { continue };
            let Some(start) = way.iter().position(|d| *d == next) else {
                let below = if way.len() > MODULES_DEEP_MAX { MODULES_DEEP_MAX } else { self.follow(next, way, heights) };
                if below < MODULES_DEEP_MAX {
                    height = height.max(below + 1);
                    continue;
                }
                let why = format!("it lies more than {MODULES_DEEP_MAX} modules deep");
                self.sink.push(codes::unreadable(&source, &why, place, "use it in a module that is nearer to the project"));
                self.forget(directory, &source);
                continue;
            };
            let around = way.iter().skip(start).chain([&next]);
            let names = around.filter_map(|d| self.directories.get(*d)).map(|d| match &*d.name {
                "" => "the project".to_owned(),
                name => format!("`{name}`"),
            });
            self.sink.push(codes::circle(&names.collect::<Vec<_>>(), place));
            self.forget(directory, &source);
        }
        way.pop();
        if let Some(known) = heights.get_mut(directory) {
            *known = Some(height);
        }
        height
    }

    fn forget(&mut self, directory: usize, source: &str) {
        if let Some(directory) = self.directories.get_mut(directory) {
            directory.modules.remove(source);
        }
    }
}
