//! `secnet inspect`: everything that is attached to a thing, and who reaches whom. Layer 10; offline, without credentials.

use clap::Args;
use serde::Serialize;

use crate::{
    base::{address::Address, codes::prove as codes},
    cli::{
        Exit, Outcome, Stop,
        network::{Network, NetworkArgs},
        printer::Printer,
    },
    prove::{
        chart::Chart,
        inspect::{Inspected, Way, inspect},
    },
    schema::value::Value,
};

/// How many flows are shown of each direction.
const WAYS_MAX: usize = 20;

/// Show everything that is attached to a resource, what AWS attached by itself, what reaches it and what it reaches
#[derive(Debug, Args)]
pub struct Inspect {
    /// A resource (instance.server), or an id (i-0abc)
    address: String,
    #[command(flatten)]
    pub network: NetworkArgs,
}

#[derive(Serialize)]
struct Shown<'i> {
    format: u32,
    interfaces: &'i [Inspected],
}

impl Inspect {
    /// Prints the layers of every interface that the address means.
    ///
    /// # Errors
    /// The project or the snapshot cannot be read, or there is no such thing in it.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let Network { net, model, .. } = self.network.open(printer)?;
        let chart = Chart::new(&net);
        let value = Address::parse(&self.address).map_or_else(|| Value::text(&self.address), Value::Resource);
        let found = inspect(&chart, &model, &value);
        if found.is_empty() {
            let known: Vec<&str> = model.resources.keys().map(Address::as_str).collect();
            return Err(Stop::from(codes::not_there(&self.address, &known)).with_exit(Exit::Usage));
        }
        if printer.json {
            printer.document(&Shown { format: 1, interfaces: &found });
        } else {
            found.iter().for_each(|one| show(printer, one));
        }
        Ok(Exit::Ok)
    }
}

fn show(printer: &Printer, one: &Inspected) {
    printer.say(&one.name);
    for layer in &one.layers {
        let mark = if layer.by_aws { "   (by AWS itself)" } else { "" };
        printer.say(&format!("  {:<17} {}{mark}", layer.kind, layer.name));
        for line in &layer.lines {
            let mark = if line.by_aws && !layer.by_aws { "   (by AWS itself)" } else { "" };
            printer.say(&format!("                      {}{mark}", line.text));
        }
    }
    ways(printer, "reached by", &one.reached_by);
    ways(printer, "reaches", &one.reaches);
}

fn ways(printer: &Printer, title: &str, ways: &[Way]) {
    if ways.is_empty() {
        return printer.say(&format!("  {title:<17} nothing"));
    }
    for (i, way) in ways.iter().take(WAYS_MAX).enumerate() {
        let title = if i == 0 { title } else { "" };
        let networks = if way.networks.is_empty() { String::new() } else { format!(" ({})", way.networks.join(", ")) };
        let answered = if way.answered { "" } else { ", unanswered" };
        let doubt = way.doubt.as_ref().map_or(String::new(), |d| format!(", perhaps: {d}"));
        printer.say(&format!("  {title:<17} {} with {}{networks}{answered}{doubt}", way.other, way.service));
    }
    if let Some(more) = ways.len().checked_sub(WAYS_MAX).filter(|n| *n > 0) {
        printer.say(&format!("                    and {more} more; `--json` has all"));
    }
}
