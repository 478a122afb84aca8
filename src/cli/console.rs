//! `secnet console`: a project, asked line by line. Layer 10; changes nothing and calls nothing.
//!
//! On a terminal, lines can be edited and are remembered; else they are read from standard input, one answer each.

mod editor;
mod session;

use std::io::{self, BufRead, IsTerminal};

use clap::{Args, builder::FalseyValueParser};
use serde::Serialize;

use crate::{
    base::codes::environment as codes,
    cli::{
        Exit, Outcome, Stop, load,
        printer::Printer,
        project::ProjectArgs,
        report::{self, Message},
        trace,
    },
    prove::trace::Trace,
};

use session::{Reply, Session, Thing};

/// Ask a project: the values of expressions, what a resource is, who reaches what
#[derive(Debug, Args)]
pub struct Console {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Look at the state of the sandbox
    #[arg(long, env = "SECNET_SANDBOX", value_parser = FalseyValueParser::new())]
    sandbox: bool,
}

const HELP: &str = "\
EXPRESSION             its value: length(subnet.private), vpc.main.cidr_block
ADDRESS                a resource: vpc.main, module.edge.vpc
trace FROM TO SERVICE  whether it gets there: trace internet instance.server tcp/22
:type EXPRESSION       its type
:list                  all names of the project
:help                  this
:quit                  end; so does Ctrl-D";

/// An answer as machines read it: one line each.
#[derive(Serialize)]
struct Line<'r> {
    format: u32,
    input: &'r str,
    #[serde(flatten)]
    answer: Answer<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer<'r> {
    Value { plain: crate::call::Json, text: &'r str, known_after_apply: bool },
    Type(&'r str),
    Resource(&'r Thing),
    Traces(&'r [Trace]),
    Names(&'r [session::Name]),
    Help(&'r str),
    Diagnostics(Vec<Message>),
}

impl Console {
    /// Reads lines and answers each.
    ///
    /// # Errors
    /// The sources cannot be read, or the terminal cannot.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let session = Session::open(&self.project, self.sandbox)?;
        if !session.errors.is_empty() {
            printer.diagnostics(&session.errors, &session.texts);
            printer.whisper("The project has errors; what does not rest on them can be asked all the same.");
        }
        if io::stdin().is_terminal() && io::stdout().is_terminal() && !printer.json {
            return Self::talk(&session, printer);
        }
        let mut exit = Exit::Ok;
        for line in io::stdin().lock().lines() {
            let line = line.map_err(|e| Stop::from(codes::unreadable("standard input", &load::reason(&e))))?;
            match session.answer(&line) {
                Reply::Quit => break,
                reply => {
                    if matches!(reply, Reply::Wrong(..)) {
                        exit = Exit::Findings;
                    }
                    show(printer, &line, &reply);
                }
            }
        }
        Ok(exit)
    }

    fn talk(session: &Session, printer: &Printer) -> Outcome {
        let failed = |why: String| Stop::from(codes::unreadable("the terminal", &why));
        let mut editor = editor::Editor::new(session.words()).map_err(failed)?;
        printer.say(":help says what can be asked; Ctrl-D ends.");
        while let Some(line) = editor.next().map_err(failed)? {
            match session.answer(&line) {
                Reply::Quit => break,
                reply => show(printer, &line, &reply),
            }
        }
        editor.save();
        Ok(Exit::Ok)
    }
}

fn show(printer: &Printer, line: &str, reply: &Reply) {
    if printer.json {
        let answer = match reply {
            Reply::Nothing | Reply::Quit => return,
            Reply::Value { value, text } => Answer::Value { plain: super::json::plain(value), text, known_after_apply: !value.is_known() },
            Reply::Type(ty) => Answer::Type(ty),
            Reply::Resource(thing) => Answer::Resource(thing),
            Reply::Traces(_, traces) => Answer::Traces(traces),
            Reply::Names(names) => Answer::Names(names),
            Reply::Help => Answer::Help(HELP),
            Reply::Wrong(diagnostics, texts) => Answer::Diagnostics(report::to_json(diagnostics, texts)),
        };
        // Our own types, whose maps have texts for keys, always turn into JSON.
        return printer.result(&serde_json::to_string(&Line { format: 1, input: line.trim(), answer }).unwrap_or_default());
    }
    match reply {
        Reply::Nothing | Reply::Quit => {}
        Reply::Value { text, .. } => printer.result(text),
        Reply::Type(ty) => printer.result(ty),
        Reply::Resource(thing) => show_thing(printer, thing),
        Reply::Traces(service, traces) => traces.iter().for_each(|t| trace::show(printer, service, t)),
        Reply::Names(names) => names.iter().for_each(|n| printer.result(&format!("{:<9} {}", n.kind, n.name))),
        Reply::Help => printer.result(HELP),
        Reply::Wrong(diagnostics, texts) => printer.diagnostics(diagnostics, texts),
    }
}

fn show_thing(printer: &Printer, thing: &Thing) {
    let id = thing.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
    printer.result(&format!("{}{id}", thing.address));
    let width = thing.attributes.iter().map(|a| a.name.chars().count() + 1).max().unwrap_or_default();
    for attribute in &thing.attributes {
        let origin = if attribute.from_state { "   # from the state" } else { "" };
        printer.result(&format!("    {:width$} {}{origin}", format!("{}:", attribute.name), attribute.text));
    }
    thing.parts.iter().for_each(|part| printer.result(&format!("    {part}")));
}
