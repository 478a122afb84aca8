//! `secnet docs`: the manual, in the terminal or as a site. Layer 10.

use std::{fmt::Write as _, fs, path::PathBuf};

use clap::{Args, CommandFactory};
use serde::Serialize;

use crate::{
    base::codes::environment as codes,
    cli::{CommandLine, Exit, Outcome, Stop, load, printer::Printer},
    manual::{self, Group, Page, site, terminal},
};

/// Show the manual: resource types, functions, the language, commands, messages
///
/// `secnet docs subnet`, `secnet docs subnet.cidr_block`, `secnet docs network_acl.in`, `secnet docs E0301`
#[derive(Debug, Args)]
pub struct Docs {
    /// What it is about; without one, all topics are listed
    topic: Option<String>,
    /// Write the manual as a site of HTML files into a directory
    #[arg(long, value_name = "DIR", conflicts_with_all = ["topic", "json"])]
    site: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Listed<'m> {
    format: u32,
    topics: Vec<Entry<'m>>,
}

#[derive(Serialize)]
struct Entry<'m> {
    topic: &'m str,
    title: &'m str,
    group: &'static str,
    summary: &'m str,
    sections: Vec<String>,
}

#[derive(Serialize)]
struct Shown<'m> {
    format: u32,
    topic: String,
    title: &'m str,
    group: &'static str,
    markdown: String,
}

impl Docs {
    /// Prints it, or writes it.
    ///
    /// # Errors
    /// There is no such topic, or the site cannot be written.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let pages = pages();
        match (&self.site, &self.topic) {
            (Some(directory), _) => return write(directory, &pages, printer),
            (None, Some(topic)) => show(topic, &pages, printer)?,
            (None, None) => list(&pages, printer),
        }
        Ok(Exit::Ok)
    }
}

/// Every page of the manual, the commands among them.
pub(super) fn pages() -> Vec<Page> {
    let mut pages = manual::pages();
    pages.push(commands());
    manual::sorted(pages)
}

fn show(wanted: &str, pages: &[Page], printer: &Printer) -> Result<(), Stop> {
    let found = manual::find(pages, wanted);
    let topic = found.ok_or_else(|| codes::unknown_topic(wanted, manual::topics(pages).iter().map(String::as_str)))?;
    if printer.json {
        let section = topic.section.as_ref().map(|s| format!(".{}", s.id)).unwrap_or_default();
        let id = format!("{}{section}", topic.page.id);
        let group = topic.page.group.title();
        printer.document(&Shown { format: 1, topic: id, title: topic.title(), group, markdown: topic.markdown() });
    } else {
        printer.result(&terminal::set(&topic.markdown(), printer.prose()));
    }
    Ok(())
}

fn list(pages: &[Page], printer: &Printer) {
    if printer.json {
        printer.document(&Listed { format: 1, topics: pages.iter().map(entry).collect() });
        return;
    }
    let mut text = String::from("`secnet docs TOPIC` shows one of these, or a piece of it, such as `subnet.cidr_block` or `E0301`.\n");
    for group in Group::ALL {
        let _ = write!(text, "\n## {}\n", group.title());
        for page in pages.iter().filter(|p| p.group == group) {
            let _ = write!(text, "\n- **{}**: {}", page.id, page.summary);
        }
        text.push('\n');
    }
    printer.result(&terminal::set(&text, printer.prose()));
}

fn entry(page: &Page) -> Entry<'_> {
    let sections = page.sections().into_iter().map(|s| s.id).collect();
    Entry { topic: &page.id, title: &page.title, group: page.group.title(), summary: &page.summary, sections }
}

fn write(directory: &PathBuf, pages: &[Page], printer: &Printer) -> Outcome {
    let failed = |path: &PathBuf| {
        let shown = load::shown(path);
        move |e: std::io::Error| Stop::from(codes::unwritable(&shown, &load::reason(&e)))
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    let files = site::files(pages);
    for (name, text) in &files {
        let path = directory.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    printer.say(&format!("{} files are written into {}; begin with index.html.", files.len(), load::shown(directory)));
    Ok(Exit::Ok)
}

/// The commands, as the command line itself knows them.
fn commands() -> Page {
    let mut text = String::from(
        "Each command says the same with `--help`. The project's directory comes after the command, and is the current one if it is \
         left out.\n\nExit codes: 0 done; 1 errors in the project, a policy that is not proven, or not all was done; 2 wrong usage, or \
         changes under `plan --detailed-exitcode`; 3 files, state, credentials, endpoints; 4 a bug in secnet.\n",
    );
    let line = CommandLine::command();
    for command in line.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        describe(command, command.get_name(), "##", &mut text);
    }
    Page {
        id: "commands".into(),
        title: "The commands".into(),
        summary: "what `secnet` can be told to do, with every option".into(),
        group: Group::Reference,
        text,
    }
}

fn describe(command: &clap::Command, path: &str, level: &str, text: &mut String) {
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "\n{level} `{path}`\n\n{}\n", about.trim());
    for argument in command.get_arguments().filter(|a| !a.is_hide_set() && !matches!(a.get_id().as_str(), "help" | "version")) {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let values: Vec<String> = argument.get_possible_values().iter().map(|v| format!("`{}`", v.get_name())).collect();
        let takes = argument.get_action().takes_values();
        let values = if values.is_empty() || !takes { String::new() } else { format!(" ({})", values.join(", ")) };
        let variable = argument.get_env().map(|e| format!("; also `{}`", e.to_string_lossy())).unwrap_or_default();
        let _ = write!(text, "\n- `{}`: {help}{values}{variable}", usage(argument));
    }
    text.push('\n');
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        describe(inner, &format!("{path} {}", inner.get_name()), "###", text);
    }
}

/// `--out FILE`, `-v`, `DIR`
fn usage(argument: &clap::Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let name = match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => return value,
    };
    if argument.get_action().takes_values() { format!("{name} {value}") } else { name }
}
