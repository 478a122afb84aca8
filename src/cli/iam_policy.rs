//! `secnet iam-policy`: the smallest IAM policy that a plan needs; and asking EC2 for it, for `plan`. Layer 10.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use crate::{
    apply::{reads, rebuild},
    base::{codes::permission as codes, diagnostic::nearest, site::Site},
    call::Request,
    cli::{
        Exit, Outcome, Stop, permission,
        printer::Printer,
        project::{Project, ProjectArgs},
        runtime,
        session::Session,
        target::{OWN, TargetArgs},
    },
    iam::{
        self, Asked, Scope,
        document::{CHARACTERS_MAX, Document, Need},
    },
    schema::model::{self, Bucket},
};

/// Print the smallest IAM policy document that this plan needs, or one for each account
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
    /// The document of this account alone; the project's own goes by `project`
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
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
    /// To read, and to find by its tags what the project has made
    Recover,
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
        let callers = callers(settings);
        if let Some(name) = self.account.as_deref().filter(|name| callers.iter().all(|caller| caller.name != *name)) {
            let names: Vec<&str> = callers.iter().map(|caller| &*caller.name).collect();
            return Err(codes::no_such_account(name, nearest(name, names.iter().copied()), &names).into());
        }
        // The document alone goes to standard output, so that it can be piped.
        let quiet = printer.aside();
        let session = match self.target.refresh {
            true => Session::open(directory, settings, place, ("iam-policy", self.target.lock), quiet).await?,
            false => Session::unconnected(directory, settings, place, ("iam-policy", self.target.lock), quiet)?,
        };
        let project = session.ask(project, self.target.refresh).await?;
        let settings = &project.model.project;
        let stop = |diagnostics| Stop::new(diagnostics, project.texts.clone());
        let planned = |model| session.plan(model, &project.texts, self.target.reading());
        let plan = planned(&project.model).await.map_err(&stop)?;
        let scope = Scope { account: plan.account.clone().or_else(|| settings.account.clone()), ..permission::scope(&session) };
        let mut calls = vec![];
        let emptied = project.emptied();
        let gone = match self.purpose {
            Purpose::Destroy | Purpose::All => Some(planned(&emptied).await.map_err(&stop)?),
            Purpose::Plan | Purpose::Apply | Purpose::Recover => None,
        };
        if matches!(self.purpose, Purpose::Apply | Purpose::All) {
            calls.extend(iam::asked(&plan));
        }
        let takedown = iam::takedown(&project.model, &session.state);
        if let Some(gone) = &gone {
            calls.extend(iam::asked(gone));
            calls.extend(takedown.iter().map(|(call, unmakes)| Asked { call, unmakes: *unmakes }));
        }
        let mut asked: BTreeMap<Option<Site>, Vec<Request>> = session
            .driver
            .counts()
            .by_site
            .into_iter()
            .map(|(site, actions)| (site, actions.into_iter().map(|action| Request::new(&action, serde_json::json!({}))).collect()))
            .collect();
        for (site, requests) in reads::by_site(&project.model, &session.state, self.target.deep, calls.iter().map(|asked| asked.call)) {
            let all = asked.entry(site).or_default();
            all.extend(requests);
            if matches!(self.purpose, Purpose::Recover | Purpose::All) {
                all.extend(rebuild::READS.map(|action| Request::new(action, serde_json::json!({}))));
            }
        }
        let documents: Vec<(&Caller, Document)> =
            callers.iter().map(|caller| (caller, Document::of(caller.needs(&calls, &asked, &scope)))).collect();
        self.print(printer, &project, &documents, &scope);
        Ok(Exit::Ok)
    }

    fn print(&self, printer: &Printer, project: &Project, documents: &[(&Caller, Document)], scope: &Scope) {
        // IAM takes no document that allows nothing; whoever asks for it by name is shown it.
        let wanted = |caller: &Caller, document: &Document| match &self.account {
            Some(name) => *name == caller.name,
            None => documents.len() == 1 || !document.is_empty(),
        };
        let chosen: Vec<&(&Caller, Document)> = documents.iter().filter(|(caller, document)| wanted(caller, document)).collect();
        let several = documents.len() > 1 && self.account.is_none();
        if several && printer.json {
            let all: BTreeMap<&str, &Document> = chosen.iter().map(|(caller, document)| (&*caller.name, document)).collect();
            printer.document(&all);
        } else {
            let text = |(caller, document): &&(&Caller, Document)| match several {
                true => format!("# {}\n{}", caller.title(scope), document.text()),
                false => document.text(),
            };
            printer.result(&chosen.iter().map(text).collect::<Vec<_>>().join("\n\n"));
        }
        for (caller, document) in chosen {
            let characters = document.characters();
            if characters > CHARACTERS_MAX {
                let whose = several.then_some(&*caller.name);
                printer.diagnostics(&[codes::not_single_policy(whose, characters, CHARACTERS_MAX)], &project.texts);
            }
        }
    }
}

/// Somebody whose permissions are looked at when calls are made: the project's own caller, and whoever acts in an account.
struct Caller {
    /// As `--account` takes it.
    name: String,
    /// Where its calls go; `None`: to the project's own account and region.
    site: Option<Site>,
    /// The role that it is, where secnet assumes one.
    role: Option<String>,
    /// The roles that it assumes.
    assumes: Vec<String>,
    /// Whether it calls EC2 at all: the identity of a profile may do nothing but assume a role.
    calls: bool,
    /// The bucket in which it keeps the state, and what the state goes by there.
    state: Option<(Bucket, String)>,
}

/// Who calls, the project's own caller first.
fn callers(project: &model::Project) -> Vec<Caller> {
    let assumed = |profile: Option<&String>| -> Vec<String> {
        project.accounts.iter().filter(|a| a.profile.as_ref() == profile).filter_map(|a| a.role.clone()).collect()
    };
    let state = project.backend.bucket.as_ref().map(|bucket| (bucket.clone(), project.key()));
    let (others_state, own_state) = state.into_iter().partition::<Vec<_>, _>(|(bucket, _)| bucket.profile.is_some());
    let own = Caller { name: OWN.into(), site: None, role: None, assumes: assumed(None), calls: true, state: own_state.into_iter().next() };
    let keeper = others_state.into_iter().map(|state| Caller {
        name: "state".into(),
        site: None,
        role: None,
        assumes: vec![],
        calls: false,
        state: Some(state),
    });
    let others = project.accounts.iter().map(|account| Caller {
        name: account.name.clone(),
        site: Some(account.site.clone()),
        role: account.role.clone(),
        assumes: vec![],
        calls: true,
        state: None,
    });
    let profiles: std::collections::BTreeSet<&String> =
        project.accounts.iter().filter(|a| a.role.is_some()).filter_map(|a| a.profile.as_ref()).collect();
    let profiles = profiles.into_iter().map(|profile| Caller {
        name: format!("profile {profile}"),
        site: None,
        role: None,
        assumes: assumed(Some(profile)),
        calls: false,
        state: None,
    });
    std::iter::once(own).chain(others).chain(profiles).chain(keeper).collect()
}

impl Caller {
    /// `account.shared, 222222222222/us-east-1, as arn:aws:iam::222222222222:role/secnet`
    fn title(&self, scope: &Scope) -> String {
        let role = self.role.as_ref().map(|role| format!(", as {role}")).unwrap_or_default();
        match &self.site {
            Some(site) => format!("account.{}: {site}{role}", self.name),
            None if self.calls => format!("{}: {}/{}", self.name, scope.account.as_deref().unwrap_or("*"), scope.region),
            None => self.name.clone(),
        }
    }

    /// What it must be allowed: of all calls and reads those that it makes.
    fn needs(&self, calls: &[Asked<'_>], asked: &BTreeMap<Option<Site>, Vec<Request>>, scope: &Scope) -> Vec<Need> {
        let mut needs: Vec<Need> = self.assumes.iter().map(|role| iam::of_role(role)).collect();
        needs.extend(self.state.iter().flat_map(|(bucket, project)| iam::of_state(bucket, project, scope)));
        if self.calls {
            let here = scope.at(self.site.as_ref());
            // Nobody needs a permission to ask who they are.
            let reads = asked.get(&self.site).into_iter().flatten().filter(|request| request.action != "GetCallerIdentity");
            needs.extend(reads.map(|request| iam::of_read(&request.action, &here)));
            let calls = calls.iter().filter(|asked| asked.call.site == self.site);
            needs.extend(calls.flat_map(|asked| iam::of_call(*asked, scope)));
        }
        needs
    }
}
