//! Where what is written leads: sources of modules, other projects, files that functions read. Layer 9.

use std::path::{Path, PathBuf};

use gen_lsp_types::{DocumentLink, Uri};

use crate::{
    base::{
        disk::tidy,
        span::{FileId, Span},
    },
    lsp::{
        names::used_as,
        place::{self, Lines},
        session::Project,
        tree::{Node, nodes},
    },
    resolve,
    syntax::ast::{Expr, ExprKind, Item, Piece},
};

/// Functions among those of files that read none.
const PATHS: [&str; 3] = ["basename", "dirname", "fileset"];

/// The links of a file.
pub(super) fn links(project: &Project, file: FileId, lines: &Lines<'_>) -> Vec<DocumentLink> {
    let Ok(opened) = &project.opened else { return vec![] };
    let Some(parsed) = opened.analysis.files.get(usize::from(file.0)) else { return vec![] };
    let Some(here) = project.path(file).and_then(Path::parent) else { return vec![] };
    let mut found: Vec<(Span, Uri, &str)> = vec![];
    for node in nodes(parsed) {
        match node {
            Node::Item(Item::Module(module)) => {
                let local = used_as(project, here, &module.source.text).and_then(|directory| main_of(project, &directory));
                let target = local.map(|path| place::uri_of(&path)).or_else(|| abroad(&module.source.text));
                found.extend(target.map(|target| (module.source.span, target, "open the module")));
            }
            Node::Item(Item::Neighbour(other)) => {
                let directory = tidy(&here.join(&*other.path.text));
                found.push((other.path.span, place::uri_of(&directory.join("main.secnet")), "open the project"));
            }
            Node::Expr(expr) => found.extend(read(expr, here).map(|(span, path)| (span, place::uri_of(&path), "open the file"))),
            _ => {}
        }
    }
    let link = |(span, target, tooltip): (Span, Uri, &str)| DocumentLink {
        range: lines.of(span),
        target: Some(target),
        tooltip: Some(tooltip.to_owned()),
        data: None,
    };
    found.into_iter().map(link).collect()
}

/// The file of a directory that is opened for it: `main.secnet`, or the first.
fn main_of(project: &Project, directory: &Path) -> Option<PathBuf> {
    let own: Vec<&PathBuf> = project.paths().iter().filter(|p| p.parent() == Some(directory)).collect();
    let main = own.iter().find(|p| p.ends_with("main.secnet")).or(own.first());
    main.map(|path| path.to_path_buf())
}

/// The address of a module in git that was not fetched.
fn abroad(source: &str) -> Option<Uri> {
    let address = source.strip_prefix("git+").filter(|rest| rest.starts_with("https://"))?;
    let end = address.get(8..)?.find("//").map_or(address.len(), |n| n + 8);
    let address = address.get(..end)?.split('?').next()?;
    Some(Uri(address.trim_end_matches(".git").to_owned()))
}

/// The file that a call reads, where its name is written out.
fn read(expr: &Expr, here: &Path) -> Option<(Span, PathBuf)> {
    let ExprKind::Call(name, arguments) = &expr.kind else { return None };
    let of_files = |f: &resolve::Function| f.name == &*name.text && (f.group == "file" || f.name == "templatefile");
    resolve::functions().find(of_files).filter(|f| !PATHS.contains(&f.name))?;
    let first = arguments.first()?;
    let ExprKind::Text(pieces) = &first.kind else { return None };
    let [Piece::Plain(path)] = &**pieces else { return None };
    Some((first.span, tidy(&here.join(&**path))))
}
