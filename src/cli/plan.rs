//! `secnet plan`: what an apply would do. Layer 10; changes nothing in EC2.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::diagnostic::Diagnostic;
use crate::cli::{
    Exit, Outcome, Stop,
    json::{Calls, PlanJson, PolicyJson, ReachabilityJson, WeakenedJson},
    permission,
    planfile::PlanFile,
    printer::Printer,
    project::{Project, ProjectArgs},
    report::{self, Message},
    runtime,
    scope::{ReplaceArgs, ScopeArgs, UndoArgs},
    session::Session,
    target::TargetArgs,
};
use crate::plan::{
    Scope,
    render::{Style, render, render_drift},
};

/// Show what an apply would do
#[derive(Debug, Args)]
pub struct Plan {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    replace: ReplaceArgs,
    #[command(flatten)]
    undo: UndoArgs,
    /// Write the plan to a file, for `secnet apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End with 0 if there is nothing to do, 2 if there are changes, 1 on errors
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan to take everything down
    #[arg(long, conflicts_with_all = ["replace", "undo"])]
    destroy: bool,
    /// Ask EC2 whether the plan's calls are permitted, without doing any
    #[arg(long, conflicts_with = "refresh")]
    check_permissions: bool,
    /// Show only what was changed in EC2 without secnet, and would be taken into the state
    #[arg(long, conflicts_with_all = ["refresh", "destroy", "out", "check_permissions", "target", "exclude", "replace"])]
    refresh_only: bool,
}

#[derive(Serialize)]
struct Planned {
    format: u32,
    target: String,
    environment: Option<String>,
    plan: PlanJson,
    reachability: ReachabilityJson,
    policies: Vec<PolicyJson>,
    policies_weakened: Vec<WeakenedJson>,
    calls: Calls,
    diagnostics: Vec<Message>,
}

impl Plan {
    /// Prints the plan.
    ///
    /// # Errors
    /// The project has errors, or EC2 cannot be read.
    pub fn run(self, printer: &Printer) -> Outcome {
        let detailed = self.detailed_exitcode;
        let outcome = runtime()?.block_on(self.planned(printer));
        match outcome {
            Err(stop) if detailed => Err(stop.with_exit(Exit::Findings)),
            outcome => outcome,
        }
    }

    async fn planned(self, printer: &Printer) -> Outcome {
        let project = Project::open_to_ask(&self.project, self.target.place.sandbox)?;
        let (place, deep) = (&self.target.place, self.target.deep);
        let (directory, settings) = (&project.directory, &project.model.project);
        if self.check_permissions {
            permission::can_ask(place)?;
        }
        let session = match self.target.refresh {
            true => Session::open(directory, settings, place, ("plan", self.target.lock), *printer).await?,
            false => Session::unconnected(directory, settings, place, ("plan", self.target.lock), *printer)?,
        };
        let whole = self.destroy && self.scope.is_empty();
        let project = if whole { project } else { session.ask(project, self.target.refresh).await? };
        let scope = if whole { Scope::default() } else { self.scope.scope(&self.replace, self.destroy) };
        let model = if whole { &project.emptied() } else { &project.model };
        let reads = if self.check_permissions { permission::reads(&session, &project.model, deep).await } else { vec![] };
        if permission::denied(&reads) && !permission::can_plan(&session, model, &project.texts, self.target.reading()).await {
            // What cannot be read cannot be planned; that is all there is to say.
            return Err(project.stop(permission::diagnostics(&reads)).with_exit(Exit::Findings));
        }
        let plan = match self.refresh_only {
            true => session.drift(model, deep).await,
            false if self.undo.undo => session.plan_back(model, &project.texts, self.target.reading()).await,
            false => session.plan_of(model, &scope, &project.texts, self.target.reading()).await,
        };
        let plan = plan.map_err(|diagnostics| Stop::new(diagnostics, project.texts.clone()))?;
        if let Some(path) = &self.out {
            let directory = std::path::absolute(&project.directory).unwrap_or_else(|_| project.directory.clone());
            let file = PlanFile::new(directory, place.clone(), &project, plan.clone())?;
            file.write(path)?;
        }
        let permissions =
            if self.check_permissions { permission::calls(&session, &project.model, &plan, reads, deep).await } else { vec![] };
        let denied = permission::denied(&permissions);
        let mut told: Vec<Diagnostic> = project.warnings.iter().chain(&plan.warnings).chain(&plan.proof.diagnostics).cloned().collect();
        told.extend(permission::diagnostics(&permissions));
        let exit = match plan.proof.failing().count() {
            _ if denied => Exit::Findings,
            0 if self.detailed_exitcode && !plan.is_empty() => Exit::Changes,
            0 => Exit::Ok,
            _ => Exit::Findings,
        };
        if printer.json {
            printer.document(&Planned {
                format: 1,
                target: session.describe(),
                environment: session.environment.clone(),
                plan: PlanJson::from(&plan),
                reachability: ReachabilityJson::from(&plan.proof),
                policies: PolicyJson::all(&plan.proof),
                policies_weakened: WeakenedJson::all(&plan),
                calls: session.driver.counts().into(),
                diagnostics: report::to_json(&told, &project.texts),
            });
            return Ok(exit);
        }
        let style = Style { colour: printer.colour() };
        printer.say(&if self.refresh_only { render_drift(&plan, style) } else { render(&plan, style) });
        printer.diagnostics(&told, &project.texts);
        if self.check_permissions && !denied {
            printer.say(&permission::summary(&permissions));
        }
        if let Some(path) = &self.out {
            printer.say(&format!("To apply exactly this: secnet apply {}", crate::cli::load::shown(path)));
        }
        Ok(exit)
    }
}
