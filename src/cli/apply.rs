//! `secnet apply`: makes it so. Layer 10.

use std::path::Path;

use clap::Args;

use crate::{
    apply::check_base,
    base::{
        codes::{apply as codes, guard},
        date::Day,
        diagnostic::Diagnostic,
    },
    cli::{
        Outcome, Stop,
        execution::Execution,
        planfile::PlanFile,
        printer::Printer,
        project::{Project, ProjectArgs},
        record::RecordArgs,
        runtime,
        scope::{ReplaceArgs, ScopeArgs, UndoArgs},
        session::Session,
        target::TargetArgs,
    },
    plan::sealing,
    schema::{ask::REGION, model::Policy},
    state::store,
};

/// Make what the project says: show the plan, ask, carry it out
#[derive(Debug, Args)]
pub struct Apply {
    /// The project; or in place of its directory a file that `secnet plan --out` has written
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    replace: ReplaceArgs,
    #[command(flatten)]
    undo: UndoArgs,
    /// Go ahead without asking
    #[arg(long)]
    yes: bool,
    /// Agree that policies are taken away or weakened
    #[arg(long)]
    accept_policy_change: bool,
    /// Take into the state what was changed in EC2 without secnet, and change nothing in EC2
    #[arg(long, conflicts_with_all = ["refresh", "accept_policy_change", "target", "exclude", "replace"])]
    refresh_only: bool,
}

impl Apply {
    /// Applies.
    ///
    /// # Errors
    /// The project has errors, EC2 cannot be read, nobody agreed, or a plan file has been overtaken.
    pub fn run(self, printer: &Printer) -> Outcome {
        let runtime = runtime()?;
        if self.project.directory.is_file() { runtime.block_on(self.planned(printer)) } else { runtime.block_on(self.fresh(printer)) }
    }

    async fn fresh(self, printer: &Printer) -> Outcome {
        let project = Project::open_to_ask(&self.project, self.target.place.sandbox)?;
        let session =
            Session::open(&project.directory, &project.model.project, &self.target.place, ("apply", self.target.lock), *printer).await?;
        let project = session.ask(project, self.target.refresh).await?;
        let plan = match self.refresh_only {
            true => session.drift(&project.model, self.target.deep).await,
            false if self.undo.undo => session.plan_back(&project.model, &project.texts, self.target.reading()).await,
            false => session.plan_of(&project.model, &self.scope.scope(&self.replace, false), &project.texts, self.target.reading()).await,
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(diagnostics) => return Err(project.stop(diagnostics)),
        };
        self.execution(&session, &plan, &project, printer).run().await
    }

    /// Applies a plan file: the very plan, or nothing.
    async fn planned(self, printer: &Printer) -> Outcome {
        let path = &*self.project.directory;
        if self.refresh_only {
            return Err(codes::plan_is_stale("a plan file says what is to be done, and `--refresh-only` does nothing of it").into());
        }
        if !self.scope.is_empty() || !self.replace.is_empty() || self.undo.undo {
            return Err(codes::plan_is_stale("what it is about was said when it was made").into());
        }
        let mut file = PlanFile::read(path)?;
        let project = self.as_planned(&file)?;
        let session = Session::open(&file.directory, &project.model.project, &file.place, ("apply", self.target.lock), *printer).await?;
        check_base(&file.plan, &session.state)?;
        let incomplete = |_| codes::plan_is_stale("it needs a sensitive value that the sources do not give any more");
        sealing::unseal(&mut file.plan, &project.model, &session.state).map_err(incomplete)?;
        self.execution(&session, &file.plan, &project, printer).run().await
    }

    /// The project as it was when the plan was made.
    fn as_planned(&self, file: &PlanFile) -> Result<Project, Stop> {
        let shown = |path: &Path| crate::cli::load::shown(path);
        if let Some(asked) = self.project.env()?.filter(|asked| file.given.env.as_ref() != Some(asked)) {
            let made = file.given.env.as_ref().map_or_else(|| "no environment".into(), |name| format!("the environment `{name}`"));
            return Err(codes::plan_is_stale(&format!("it was made for {made}, and `{asked}` is asked for")).into());
        }
        let mut given = file.given.clone();
        given.restore(&file.withheld, &file.salt, &self.project.inputs()?)?;
        let mut answers = file.plan.answers.clone();
        answers.insert(REGION.into(), vec![file.plan.region.clone()]);
        let project = Project::open_with(&file.directory, given, file.place.sandbox, answers)?;
        if project.digest != file.digest {
            let why = format!("the sources in `{}` have changed since", shown(&file.directory));
            return Err(codes::plan_is_stale(&why).into());
        }
        // What is imposed on an apply holds for a plan that was made without it, too.
        if let Some((name, _)) =
            self.project.imposed()?.iter().find(|(_, text)| !file.given.policies.iter().any(|(_, known)| known == text))
        {
            return Err(codes::plan_is_stale(&format!("it was made without the policies of `{name}`")).into());
        }
        let today = Day::of(store::now());
        let used = |p: &&Policy| file.plan.proof.policies.iter().any(|v| v.policy == p.name && v.waived.is_some());
        let over = |p: &Policy| p.waiver.as_ref().filter(|w| w.until < today).map(|w| guard::waiver_expired(&p.name, w.until, w.span));
        let expired: Vec<Diagnostic> = project.model.policies.iter().filter(used).filter_map(over).collect();
        if !expired.is_empty() {
            return Err(project.stop(expired));
        }
        if self.target.place != file.place && self.target.place != crate::cli::target::Place::default() {
            return Err(codes::plan_is_stale("it was made for another target than the options say").into());
        }
        Ok(project)
    }

    fn execution<'a>(
        &'a self,
        session: &'a Session,
        plan: &'a crate::plan::Plan,
        project: &'a Project,
        printer: &Printer,
    ) -> Execution<'a> {
        Execution {
            command: "apply",
            session,
            plan,
            texts: &project.texts,
            warnings: &project.warnings,
            yes: self.yes,
            accept_policy_change: self.accept_policy_change,
            drift: self.refresh_only,
            parallelism: self.target.parallelism,
            record: &self.record,
            printer: *printer,
        }
    }
}
