//! A run against EC2: lock, state, driver; what an interrupted run has left is resolved first. Layer 10.

use std::{path::Path, sync::Arc};

use crate::{
    apply::{counts::Counted, deep, recall, recover, refresh},
    base::{
        codes::{scope as scope_codes, state as codes},
        diagnostic::Diagnostic,
    },
    call::Driver,
    cli::{
        Stop,
        backend::LockArgs,
        load::Texts,
        outside::{check_accounts, read_failed},
        printer::Printer,
        project::Project,
        record::{Header, RecordArgs, Recorder},
        state::transfer,
        target::{Place, Reading},
    },
    plan::{self, Plan, Scope, observation::Observation},
    schema::model::{self, Model},
    state::{
        State,
        event::Event,
        log,
        store::{Loaded, Lock, Store, check_place, check_sites},
        undo,
    },
};

/// What a command that changes something works with.
pub struct Session {
    /// Where the state lies.
    pub store: Store,
    /// The right to change it, until the session ends.
    pub lock: Lock,
    /// As it is now.
    pub state: State,
    /// The way to EC2.
    pub driver: Arc<Counted>,
    /// The environment that it works on.
    pub environment: Option<String>,
    /// Whose the account is, where somebody has asked already.
    account: Option<Option<String>>,
    printer: Printer,
}

impl Session {
    /// Takes the lock, reads the state, and resolves what an interrupted run has left.
    ///
    /// # Errors
    /// Another process holds the lock, the state is not usable, or EC2 cannot be asked.
    pub async fn open(
        directory: &Path,
        project: &model::Project,
        place: &Place,
        command: (&str, LockArgs),
        printer: Printer,
    ) -> Result<Self, Diagnostic> {
        if let Some(line) = place.first_line(directory, project) {
            printer.say(&line);
        }
        let driver = place.open(directory, project).await?;
        let store = place.store(directory, project)?;
        if let Some(name) = &project.environment {
            printer.say(&format!("Environment: {name}, whose state is {}.", store.shown()));
        }
        let lock = place.lock(&store, directory, project, command, printer)?;
        let loaded = store.load()?;
        let mut session =
            Self { store, lock, state: loaded.state, driver, environment: project.environment.clone(), account: None, printer };
        session.account = session.check_place(project).await?;
        if !loaded.unfinished.is_empty() {
            session.recover(&loaded.unfinished).await?;
        }
        Ok(session)
    }

    /// Takes the lock and reads the state, for a plan that asks nothing of anybody: no connection is opened.
    ///
    /// # Errors
    /// Another process holds the lock, the state is not usable, or an interrupted run has left something to find out.
    pub fn unconnected(
        directory: &Path,
        project: &model::Project,
        place: &Place,
        command: (&str, LockArgs),
        printer: Printer,
    ) -> Result<Self, Diagnostic> {
        if let Some(line) = place.first_line(directory, project) {
            printer.say(&line);
        }
        let store = place.store(directory, project)?;
        if let Some(name) = &project.environment {
            printer.say(&format!("Environment: {name}, whose state is {}.", store.shown()));
        }
        let lock = place.lock(&store, directory, project, command, printer)?;
        let Loaded { state, unfinished } = store.load()?;
        if !unfinished.is_empty() {
            return Err(codes::journal_unfinished(&store.journal_path().display().to_string()));
        }
        let driver = place.closed(project, state.region.as_deref())?;
        check_place(&state, project.account.as_deref(), driver.region())?;
        check_sites(&state, project)?;
        Ok(Self { store, lock, state, driver, environment: project.environment.clone(), account: None, printer })
    }

    /// Nothing is asked of EC2 with the credentials of another account, or in another region.
    /// Tells whose the account is if it had to ask.
    async fn check_place(&self, project: &model::Project) -> Result<Option<Option<String>>, Diagnostic> {
        let driver = &*self.driver;
        check_place(&self.state, None, driver.region())?;
        check_sites(&self.state, project)?;
        let own = self.check_own(project).await?;
        check_accounts(driver, project, own.clone().flatten().as_deref()).await?;
        Ok(own)
    }

    async fn check_own(&self, project: &model::Project) -> Result<Option<Option<String>>, Diagnostic> {
        let driver = &*self.driver;
        if project.account.is_none() && self.state.account.is_none() && project.accounts.is_empty() {
            return Ok(None);
        }
        let account = refresh::who(driver).await.map_err(|e| read_failed(&e, driver))?;
        if let (Some(wanted), Some(actual)) = (&project.account, &account)
            && wanted != actual
        {
            return Err(codes::wrong_account("the project", wanted, actual));
        }
        check_place(&self.state, account.as_deref(), driver.region())?;
        Ok(Some(account))
    }

    /// What it works on, for machines: `sandbox`, `http://127.0.0.1:5000`, `AWS`.
    #[must_use]
    pub fn describe(&self) -> String {
        self.driver.describe()
    }

    /// What it works on, for people: `the sandbox`, `http://127.0.0.1:5000`, `AWS, us-east-1`.
    #[must_use]
    pub fn place_name(&self) -> String {
        let place = match &*self.describe() {
            "AWS" => format!("AWS, {}", self.driver.region()),
            "sandbox" => "the sandbox".into(),
            other => other.to_owned(),
        };
        match &self.environment {
            Some(name) => format!("{place}, environment {name}"),
            None => place,
        }
    }

    /// Says about which action EC2 is asked now, for permission alone.
    pub fn tell_asking(&self, action: &str) {
        if !self.printer.json {
            self.printer.whisper(&format!("Asking whether {action} is permitted ..."));
        }
    }

    async fn recover(&mut self, unfinished: &[Event]) -> Result<(), Diagnostic> {
        self.printer.say("An earlier run was interrupted; finding out what it has done ...");
        let handed = transfer::resolve(&mut self.state, unfinished)?;
        handed.iter().for_each(|became| self.printer.say(&format!("  {became}")));
        let header = Header {
            command: "recover",
            project: &self.state.project,
            target: self.driver.describe(),
            region: self.driver.region(),
            environment: self.environment.clone(),
            serial: self.state.serial,
        };
        let recorder = Recorder::begin(Some(&self.store), &RecordArgs::default(), &header)?;
        let driver = &*self.driver;
        let (state, found) = recover::recover(driver, self.state.clone(), unfinished).await.map_err(|e| read_failed(&e, driver))?;
        found.iter().for_each(|became| self.printer.say(&format!("  {became}")));
        if found.is_empty() && handed.is_empty() {
            self.printer.say("  nothing was under way; what it had done is in the state now");
        }
        self.state = self.store.finish(&self.lock, state)?;
        let (result, serial) = ("done".into(), Some(self.state.serial));
        // An account that cannot be kept stops nobody.
        recorder.end(log::Event::RunEnded { result, done: 0, failed: 0, not_started: 0, serial, us: 0 }).map(drop)
    }

    /// The project with what EC2 says to what it asks first; without `refresh`, what the state remembers.
    ///
    /// # Errors
    /// There is no answer, or there are errors in what depends on it.
    pub async fn ask(&self, project: Project, refresh: bool) -> Result<Project, Stop> {
        project.answered(&*self.driver, &self.state, refresh).await
    }

    /// Makes a plan of what the state says, and reads nothing.
    ///
    /// # Errors
    /// Something that the state does not know has to be read, or what is wanted cannot be planned.
    fn plan_unread(&self, model: &Model, scope: &Scope, texts: &Texts) -> Result<Plan, Vec<Diagnostic>> {
        let observation = recall::recall(model, &self.state, self.driver.region())?;
        plan::plan_of(&plan::Input { model, state: &self.state, observation: &observation, sources: Some(&texts.sources) }, scope)
    }

    /// Reads what stands, and says where that is not what the state says.
    ///
    /// # Errors
    /// EC2 cannot be read, or an existing resource is not found.
    pub async fn drift(&self, model: &Model, deep: bool) -> Result<Plan, Vec<Diagnostic>> {
        let observation = self.read(model, deep).await?;
        plan::drift(&plan::Input { model, state: &self.state, observation: &observation, sources: None })
    }

    async fn read(&self, model: &Model, deep: bool) -> Result<Observation, Vec<Diagnostic>> {
        let driver = &*self.driver;
        if !self.printer.json {
            self.printer.whisper(&format!("Reading what stands in {} ...", driver.region()));
        }
        let observation = match &self.account {
            Some(account) => refresh::refresh_as(driver, model, &self.state, account.clone()).await,
            None => refresh::refresh(driver, model, &self.state).await,
        };
        let mut observation = observation.map_err(|e| vec![read_failed(&e, driver)])?;
        if deep {
            let told = |done: usize, total: usize| self.tell_deep(done, total);
            let read = deep::deepen(driver, model, &self.state, &mut observation, &told).await;
            read.map_err(|e| vec![read_failed(&e, driver)])?;
        }
        Ok(observation)
    }

    /// Makes a plan of the way back to what stood before the last apply.
    ///
    /// # Errors
    /// There is none, something cannot be put back, or EC2 cannot be read.
    pub async fn plan_back(&self, model: &Model, texts: &Texts, reading: Reading) -> Result<Plan, Vec<Diagnostic>> {
        let kept = undo::read(&self.store).map_err(|e| vec![e])?;
        let kept = kept.ok_or_else(|| vec![scope_codes::nothing_to_undo("no apply has left what it started from")])?;
        let recalled = recall::recall(&Model::default(), &kept.before, self.driver.region())?;
        let (back, scope) = plan::undo::rewound(model, &kept, &self.state, &recalled)?;
        let mut plan = self.plan_of(&back, &scope, texts, reading).await?;
        plan::undo::told(&mut plan, &kept)?;
        Ok(plan)
    }

    /// Says how far the reading of one thing after the other is.
    fn tell_deep(&self, done: usize, total: usize) {
        match done {
            _ if self.printer.json => {}
            0 => self.printer.whisper(&format!("Reading what has no list, by {total} calls ...")),
            done => self.printer.whisper(&format!("  {done} of {total} calls made ...")),
        }
    }

    /// The plan of the whole project.
    ///
    /// # Errors
    /// EC2 cannot be read, or what is wanted cannot be planned.
    pub async fn plan(&self, model: &Model, texts: &Texts, reading: Reading) -> Result<Plan, Vec<Diagnostic>> {
        self.plan_of(model, &Scope::default(), texts, reading).await
    }

    /// Reads what stands and makes a plan, or takes the state's word for that.
    ///
    /// # Errors
    /// EC2 cannot be read, or what is wanted cannot be planned.
    pub async fn plan_of(&self, model: &Model, scope: &Scope, texts: &Texts, reading: Reading) -> Result<Plan, Vec<Diagnostic>> {
        if reading == Reading::Nothing {
            return self.plan_unread(model, scope, texts);
        }
        let observation = self.read(model, reading == Reading::Deep).await?;
        match refresh::strays(&observation, &self.state) {
            0 => {}
            n => self
                .printer
                .whisper(&format!("{n} things in EC2 carry this project's tag, and the state does not know them; they are left alone.")),
        }
        plan::plan_of(&plan::Input { model, state: &self.state, observation: &observation, sources: Some(&texts.sources) }, scope)
    }
}
