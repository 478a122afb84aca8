//! `secnet exposure`: all that the internet can reach. Layer 10.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Exit, Outcome,
        load::Texts,
        network::{Network, NetworkArgs},
        printer::Printer,
    },
    net::Origin,
    prove::{
        chart::Chart,
        policy::DOORS,
        reach::{Flow, LineAt, danger::Danger, exposure},
    },
};

/// Say all that the internet can reach, by port, and by which lines; the worst first
#[derive(Debug, Args)]
pub struct Exposure {
    #[command(flatten)]
    pub network: NetworkArgs,
}

#[derive(Serialize)]
struct Exposed<'f> {
    format: u32,
    exposure: Vec<Shown<'f>>,
    /// What is seen, lets packets in, and is not modelled.
    doors: Vec<String>,
    assumptions: Vec<&'static str>,
}

#[derive(Serialize)]
struct Shown<'f> {
    to: &'f str,
    service: &'f str,
    sources: &'f [String],
    /// `open`, `public`, `guarded`, `limited` or `one_way`, the worst first.
    danger: &'static str,
    administrative: &'f [&'static str],
    answered: bool,
    doubt: Option<&'f str>,
    lines: Vec<ShownLine<'f>>,
}

#[derive(Serialize)]
struct ShownLine<'f> {
    of: &'f str,
    text: &'f str,
    answer: bool,
    /// `main.secnet:3`, if it stands in the sources.
    place: Option<String>,
}

impl Exposure {
    /// Prints what the internet reaches.
    ///
    /// # Errors
    /// The project or the snapshot cannot be read.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let Network { net, texts, .. } = self.network.open(printer)?;
        let flows = exposure(&Chart::new(&net));
        let doors: Vec<String> =
            net.doors.iter().map(|d| format!("`{}` is {}, which secnet does not model: it may let in more", d.id, d.what)).collect();
        if printer.json {
            let exposure = flows.iter().map(|f| shown(f, &texts)).collect();
            printer.document(&Exposed { format: 1, exposure, doors, assumptions: vec![DOORS] });
        } else {
            show(printer, &flows, &texts);
            doors.iter().for_each(|door| printer.say(door));
            printer.say(&format!("assuming that {DOORS}"));
        }
        Ok(Exit::Ok)
    }
}

fn shown<'f>(flow: &'f Flow, texts: &Texts) -> Shown<'f> {
    let danger = match flow.danger() {
        Danger::Open => "open",
        Danger::Public => "public",
        Danger::Guarded => "guarded",
        Danger::Limited => "limited",
        Danger::OneWay => "one_way",
    };
    let line = |l: &'f LineAt| ShownLine { of: &l.of, text: &l.text, answer: l.answer, place: place(l, texts) };
    Shown {
        to: &flow.to,
        service: &flow.service,
        sources: &flow.sources,
        danger,
        administrative: &flow.administrative,
        answered: flow.answered,
        doubt: flow.doubt.as_deref(),
        lines: flow.lines.iter().map(line).collect(),
    }
}

/// Where a line stands in the sources, as one can open it from here.
fn place(line: &LineAt, texts: &Texts) -> Option<String> {
    match line.origin {
        Origin::Source(span) => Some(format!("{}{}", texts.prefix, texts.sources.place(span))),
        Origin::Observed | Origin::Aws => None,
    }
}

fn show(printer: &Printer, flows: &[Flow], texts: &Texts) {
    if flows.is_empty() {
        printer.say("the internet reaches nothing");
    }
    for flow in flows {
        let mut text = format!("{} on {} from {}", flow.service, flow.to, flow.sources.join(", "));
        if !flow.administrative.is_empty() {
            let more = flow.administrative.len().saturating_sub(3);
            let named: Vec<&str> = flow.administrative.iter().take(3).copied().collect();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            text.push_str(&format!(": {}{more}", named.join(", ")));
        }
        if let Some(doubt) = &flow.doubt {
            text.push_str(&format!(", for all that is known: {doubt}"));
        } else if !flow.answered {
            text.push_str(", one way: no answer comes back");
        }
        printer.say(&text);
        for line in &flow.lines {
            let back = if line.answer { "back: " } else { "" };
            let at = place(line, texts).map_or(String::new(), |p| format!("  {p}"));
            printer.say(&format!("    {back}{}: {}{at}", line.of, line.text));
        }
    }
}
