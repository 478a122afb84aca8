//! `secnet iam-policy`: the smallest IAM policy that a plan needs; and asking EC2 for it, for `plan`. Layer 10.

use clap::{Args, ValueEnum};

use crate::{
    apply::reads,
    base::codes::permission as codes,
    cli::{
        Exit, Outcome, Stop, permission,
        printer::Printer,
        project::{Project, ProjectArgs},
        runtime,
        session::Session,
        target::TargetArgs,
    },
    iam::{
        self, Asked, Scope,
        document::{CHARACTERS_MAX, Document},
    },
};

/// Print the smallest IAM policy document that this plan needs
#[derive(Debug, Args)]
pub struct IamPolicy {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// What it is to allow
    #[arg(long = "for", value_name = "WHAT", default_value = "apply")]
    purpose: Purpose,
}

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// To read what stands
    Plan,
    /// To read, and to carry out the plan as it is now
    Apply,
    /// To read, and to take down everything the project makes
    Destroy,
    /// All of it
    All,
}

impl IamPolicy {
    /// Prints the document.
    ///
    /// # Errors
    /// The project has errors, or EC2 cannot be read.
    pub fn run(self, printer: &Printer) -> Outcome {
        runtime()?.block_on(self.printed(printer))
    }

    async fn printed(self, printer: &Printer) -> Outcome {
        let project = Project::open_to_ask(&self.project, self.target.place.sandbox)?;
        let place = &self.target.place;
        let (directory, settings) = (&project.directory, &project.model.project);
        // The document alone goes to standard output, so that it can be piped.
        let quiet = printer.aside();
        let session = match self.target.refresh {
            true => Session::open(directory, settings, place, "iam-policy", quiet).await?,
            false => Session::unconnected(directory, settings, place, "iam-policy", quiet)?,
        };
        let project = session.ask(project, self.target.refresh).await?;
        let settings = &project.model.project;
        let stop = |diagnostics| Stop::new(diagnostics, project.texts.clone());
        let planned = |model| session.plan(model, &project.texts, self.target.refresh);
        let plan = planned(&project.model).await.map_err(&stop)?;
        let scope = Scope { account: plan.account.clone().or_else(|| settings.account.clone()), ..permission::scope(&session) };
        let mut calls = vec![];
        let emptied = project.emptied();
        let gone = match self.purpose {
            Purpose::Destroy | Purpose::All => Some(planned(&emptied).await.map_err(&stop)?),
            Purpose::Plan | Purpose::Apply => None,
        };
        if matches!(self.purpose, Purpose::Apply | Purpose::All) {
            calls.extend(iam::asked(&plan));
        }
        let takedown = iam::takedown(&project.model, &session.state);
        if let Some(gone) = &gone {
            calls.extend(iam::asked(gone));
            calls.extend(takedown.iter().map(|(call, unmakes)| Asked { call, unmakes: *unmakes }));
        }
        let counts = session.driver.counts();
        let made = counts.by_action.keys().filter(|action| *action != "GetCallerIdentity").map(|action| iam::of_read(action, &scope));
        let reads = reads::of(&project.model, &session.state, calls.iter().map(|asked| asked.call));
        let reads = reads.iter().map(|request| iam::of_read(&request.action, &scope));
        let needs: Vec<_> = calls.iter().flat_map(|asked| iam::of_call(*asked, &scope)).chain(reads).chain(made).collect();
        let document = Document::of(needs);
        printer.result(&document.text());
        let characters = document.characters();
        if characters > CHARACTERS_MAX {
            printer.diagnostics(&[codes::not_single_policy(characters, CHARACTERS_MAX)], &project.texts);
        }
        Ok(Exit::Ok)
    }
}
