//! `secnet trace`: may this pass, by which way, or what stops it. Layer 10; offline, without credentials.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::{
    base::{address::Address, cidr::Cidr, codes::prove as codes, service::Service},
    cli::{
        Exit, Outcome, Stop, load,
        network::{Network, NetworkArgs, read_snapshot},
        printer::Printer,
    },
    prove::{
        cases::{self, CaseResult},
        chart::Chart,
        trace::{Trace, trace},
    },
    schema::value::Value,
};

#[cfg(feature = "aws")]
use crate::cli::runtime;

/// Say whether a service gets from one end to another, by which way, or what stops it
///
/// An end is a resource (instance.server), an id (i-0abc), a network, an address, `internet`, or `me`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Who begins
    #[arg(required_unless_present = "expect", requires = "to", requires = "service")]
    from: Option<String>,
    /// Whom it wants to reach
    to: Option<String>,
    /// What it wants: tcp/22
    service: Option<String>,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Expectations to hold against the snapshot
    #[arg(long, value_name = "FILE", requires = "snapshot", conflicts_with = "from")]
    expect: Option<PathBuf>,
    /// The address that `me` stands for; else AWS's address service is asked
    #[arg(long, value_name = "IP", env = "SECNET_ME")]
    me: Option<IpAddr>,
}

#[derive(Serialize)]
struct Traced<'t> {
    format: u32,
    service: &'t str,
    traces: &'t [Trace],
}

impl TraceArgs {
    /// Traces, or holds expectations against a snapshot.
    ///
    /// # Errors
    /// A file cannot be read, an end does not exist, something is stopped, or an expectation differs.
    pub fn run(&self, printer: &Printer) -> Outcome {
        if let (Some(snapshot), Some(expect)) = (&self.network.snapshot, &self.expect) {
            let net = read_snapshot(snapshot)?;
            let results = cases::run(&net, &load::shown(expect), &load::read(expect)?)?;
            return Ok(show_cases(printer, &results));
        }
        let (Some(from), Some(to), Some(service)) = (&self.from, &self.to, &self.service) else { return Ok(Exit::Usage) };
        let wanted = Service::parse(service).map_err(|_| Stop::from(codes::no_service(service)).with_exit(Exit::Usage))?;
        let Network { net, model, .. } = self.network.open(printer)?;
        let chart = Chart::new(&net);
        let traces = trace(&chart, &model, &self.end(from)?, &self.end(to)?, &[wanted]);
        let traces = traces.map_err(|why| Stop::from(codes::obscure_end(&why)).with_exit(Exit::Findings))?;
        if traces.is_empty() {
            let known: Vec<&str> = model.resources.keys().map(Address::as_str).collect();
            return Err(Stop::from(codes::no_end(from, to, &known)).with_exit(Exit::Usage));
        }
        let reached = traces.iter().all(|t| t.verdict == "reachable");
        if printer.json {
            printer.document(&Traced { format: 1, service, traces: &traces });
        } else {
            traces.iter().for_each(|t| show(printer, service, t));
        }
        Ok(if reached { Exit::Ok } else { Exit::Findings })
    }

    /// An end as it is written.
    fn end(&self, text: &str) -> Result<Value, Stop> {
        if text == "internet" {
            return Ok(Value::Internet);
        }
        if text == "me" {
            return who_am_i(self.me).map(|ip| Value::Cidr(Cidr::host_of(ip)));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Value::Cidr(Cidr::host_of(ip)));
        }
        if let Ok(cidr) = text.parse::<Cidr>() {
            return Ok(Value::Cidr(cidr));
        }
        Ok(Address::parse(text).map_or_else(|| Value::text(text), Value::Resource))
    }
}

/// The caller's own public address, as it was given, or else as AWS's address service sees it.
#[cfg(feature = "aws")]
fn who_am_i(given: Option<IpAddr>) -> Result<IpAddr, Stop> {
    match given {
        Some(ip) => Ok(ip),
        None => {
            runtime()?.block_on(crate::live::own_address()).map_err(|why| Stop::from(codes::who_am_i(&why)).with_exit(Exit::Environment))
        }
    }
}

/// The caller's own public address, as it was given.
#[cfg(not(feature = "aws"))]
fn who_am_i(given: Option<IpAddr>) -> Result<IpAddr, Stop> {
    given.ok_or_else(|| Stop::from(codes::who_am_i("this build has no AWS SDK to ask with")).with_exit(Exit::Usage))
}

/// Shows a trace to people.
pub(super) fn show(printer: &Printer, service: &str, trace: &Trace) {
    let verdict = match trace.verdict {
        "reachable" if !trace.part.is_empty() => "passes in part",
        "reachable" => "passes",
        "unreachable" => "is stopped",
        _ => "may pass, for all that is known",
    };
    printer.say(&format!("{service} from {} to {} {verdict}", trace.from, trace.to));
    for part in &trace.part {
        printer.say(&format!("  what passes: {part}"));
    }
    if !trace.client_ports.is_empty() {
        printer.say(&format!("  for client ports {} only", trace.client_ports.join(", ")));
    }
    if let Some(packet) = &trace.packet {
        printer.say(&format!("  {packet}"));
    }
    for hop in &trace.hops {
        printer.say(&format!("    {hop}"));
    }
    if let Some(reason) = &trace.reason {
        printer.say(&format!("  nobody can tell: {reason}"));
    }
    for blocker in &trace.blockers {
        let answer = if blocker.answer { ", on the way back" } else { "" };
        let code = blocker.code.map_or(String::new(), |c| format!(" [{c}]"));
        printer.say(&format!("  stopped: `{}` {}{answer}{code}", blocker.at, blocker.why));
    }
    for edit in &trace.mend {
        printer.say(&format!("  to let it pass: {edit}"));
    }
}

fn show_cases(printer: &Printer, results: &[CaseResult]) -> Exit {
    let differing = results.iter().filter(|r| !r.differs.is_empty()).count();
    if printer.json {
        printer.document(&results);
    } else {
        for result in results {
            let mark = if result.differs.is_empty() { "holds" } else { "DIFFERS" };
            printer.say(&format!("{mark:<8} {} {}: {}", result.id, result.verdict, result.reason));
            result.differs.iter().for_each(|d| printer.say(&format!("         {d}")));
        }
        printer.say(&format!("{} of {} expectations hold", results.len() - differing, results.len()));
    }
    if differing == 0 { Exit::Ok } else { Exit::Findings }
}
