//! `secnet destroy`: takes down everything that the project has made. Layer 10.

use clap::Args;

use crate::cli::{
    Outcome,
    execution::Execution,
    printer::Printer,
    project::{Project, ProjectArgs},
    record::RecordArgs,
    runtime,
    scope::{ReplaceArgs, ScopeArgs},
    session::Session,
    target::TargetArgs,
};
use crate::plan::Scope;

/// Take down everything that the project has made: show what goes, ask, do it
#[derive(Debug, Args)]
pub struct Destroy {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    pub record: RecordArgs,
    /// Go ahead without asking
    #[arg(long)]
    yes: bool,
}

impl Destroy {
    /// Destroys.
    ///
    /// # Errors
    /// The project has errors, EC2 cannot be read, or nobody agreed.
    pub fn run(self, printer: &Printer) -> Outcome {
        runtime()?.block_on(async {
            let project = Project::open_to_ask(&self.project, self.target.place.sandbox)?;
            let session =
                Session::open(&project.directory, &project.model.project, &self.target.place, ("destroy", self.target.lock), *printer)
                    .await?;
            let whole = self.scope.is_empty();
            let project = if whole { project } else { session.ask(project, self.target.refresh).await? };
            let (model, scope) = match whole {
                true => (project.emptied(), Scope::default()),
                false => (project.model.clone(), self.scope.scope(&ReplaceArgs::default(), true)),
            };
            let mut plan = match session.plan_of(&model, &scope, &project.texts, self.target.reading()).await {
                Ok(plan) => plan,
                Err(diagnostics) => return Err(project.stop(diagnostics)),
            };
            // Everything goes, and everybody knows why.
            plan.changes.iter_mut().for_each(|change| change.reason = None);
            let execution = Execution {
                command: "destroy",
                session: &session,
                plan: &plan,
                texts: &project.texts,
                warnings: &[],
                yes: self.yes,
                accept_policy_change: false,
                drift: false,
                parallelism: self.target.parallelism,
                record: &self.record,
                printer: *printer,
            };
            execution.run().await
        })
    }
}
