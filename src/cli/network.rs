//! The network that a command asks about: the project as written, the project among what stands, or a snapshot. Layer 10.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    apply::{Reader, refresh, survey},
    base::diagnostic::Diagnostic,
    call::Driver,
    cli::{
        Stop,
        load::{self, Texts},
        outside::check_accounts,
        outside::read_failed,
        printer::Printer,
        project::{Project, ProjectArgs},
        runtime,
        target::Place,
    },
    net::{Net, merge, snapshot},
    plan::{self, proof},
    resources,
    schema::{
        ask::REGION,
        model::{self, Model},
        same,
    },
    state::store::{age, check_place, check_sites, now},
};

/// Which network a command asks about.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    /// A network as EC2's describe actions answer, in place of the project
    #[arg(long, value_name = "FILE", conflicts_with_all = ["live", "standing", "sandbox", "endpoint_url"])]
    pub snapshot: Option<PathBuf>,
    /// Read what stands in EC2, and ask about the project among it, as an apply would leave it
    #[arg(long)]
    pub live: bool,
    /// Read what stands in EC2, and ask about that alone, whatever the project says
    #[arg(long)]
    pub standing: bool,
    #[command(flatten)]
    pub place: Place,
}

/// A network, and what statements and messages about it refer to.
pub struct Network {
    /// Who may reach what.
    pub net: Net,
    /// The project's model; empty for a snapshot.
    pub model: Model,
    /// What messages point into.
    pub texts: Texts,
    /// Warnings of the sources.
    pub warnings: Vec<Diagnostic>,
}

impl NetworkArgs {
    /// Reads sources or a snapshot, and EC2 if it is to be asked.
    ///
    /// # Errors
    /// The project or the snapshot has errors, or EC2 cannot be read.
    pub fn open(&self, printer: &Printer) -> Result<Network, Stop> {
        if let Some(file) = &self.snapshot {
            return Ok(Network { net: read_snapshot(file)?, model: Model::default(), texts: Texts::default(), warnings: vec![] });
        }
        let asks = self.live || self.standing || self.place.sandbox || self.place.endpoint_url.is_some();
        if self.standing && load::paths(&self.project.directory).is_err() {
            printer.whisper("There is no project here: this is about all that stands in the region.");
            let net = runtime()?.block_on(self.region(printer))?;
            return Ok(Network { net, model: Model::default(), texts: Texts::default(), warnings: vec![] });
        }
        let (net, project) = if asks {
            runtime()?.block_on(self.among_what_stands(Project::open_to_ask(&self.project, self.place.sandbox)?, printer))?
        } else {
            let project = Project::open(&self.project, self.place.sandbox)?;
            let asked = project.model.answers.keys().filter(|key| *key != REGION);
            asked.for_each(|key| printer.whisper(&format!("`{key}` gives what the last apply was told.")));
            let mut read = self.last_read(&project, printer);
            let project = Project { model: joined(&project.model, &mut read), ..project };
            (resources::network_as_read(&project.model, &read), project)
        };
        Ok(Network { net, model: project.model, texts: project.texts, warnings: project.warnings })
    }

    /// What was last read of existing resources; says how old that is. A state that is not usable tells nothing.
    fn last_read(&self, project: &Project, printer: &Printer) -> resources::Read {
        let model = &project.model;
        if !model.resources.values().any(|r| r.existing) {
            return resources::Read::new();
        }
        let Ok(loaded) = self.place.store(&project.directory, &model.project).and_then(|store| store.load()) else {
            return resources::Read::new();
        };
        let read = fitting(loaded.state.last_read(), model);
        for address in read.keys() {
            let at = loaded.state.existing.get(address).map_or(0, |e| e.read_at);
            printer.whisper(&format!("`existing {address}` is as it was read {} ago.", age(now().saturating_sub(at))));
        }
        read
    }

    async fn among_what_stands(&self, project: Project, printer: &Printer) -> Result<(Net, Project), Stop> {
        let (directory, settings, place) = (&project.directory, &project.model.project, &self.place);
        if let Some(line) = place.first_line(directory, settings) {
            printer.whisper(&line);
        }
        let driver = place.open(directory, settings).await?;
        let loaded = place.store(directory, settings)?.load()?;
        if !loaded.unfinished.is_empty() {
            printer.whisper("An earlier run was interrupted; what it has made last may be missing here until the next apply.");
        }
        check_place(&loaded.state, None, driver.region())?;
        check_sites(&loaded.state, settings)?;
        if let Err(wrong) = check_accounts(&*driver, settings, None).await {
            return Err(project.stop(vec![wrong]));
        }
        printer.whisper(&format!("Reading what stands in {} ...", driver.region()));
        let project = project.answered(&*driver, &loaded.state, true).await?;
        let model = &project.model;
        let observation = match refresh::refresh(&*driver, model, &loaded.state).await {
            Ok(observation) => observation,
            Err(error) => return Err(project.stop(vec![read_failed(&error, &*driver)])),
        };
        let joined = plan::joined(model, &observation).into_owned();
        let project = Project { model: joined, ..project };
        let model = &project.model;
        let input = plan::Input { model, state: &loaded.state, observation: &observation, sources: Some(&project.texts.sources) };
        let (stands, wanted) = match proof::networks_of(&input) {
            Ok(networks) => networks,
            Err(wrong) => return Err(project.stop(wrong)),
        };
        Ok((if self.standing { stands } else { wanted }, project))
    }

    /// All that stands in a region.
    async fn region(&self, printer: &Printer) -> Result<Net, Stop> {
        let directory = &self.project.directory;
        if let Some(line) = self.place.first_line(directory, &model::Project::default()) {
            printer.whisper(&line);
        }
        let driver = self.place.open(directory, &model::Project::default()).await?;
        printer.whisper(&format!("Reading what stands in {} ...", driver.region()));
        let listed =
            survey::survey(&Reader::new(&*driver), None, &survey::Ask { wide: true, exclusions: false, gateways: vec![], far: false })
                .await
                .map_err(|e| read_failed(&e, &*driver))?;
        let mut net = snapshot::of_json("what EC2 answered", &listed).map_err(|wrong| Stop::new(wrong, Texts::default()))?;
        merge::complete(&mut net);
        Ok(net)
    }
}

/// Of what was last read of existing resources, what still fits them: filters that were changed since may find something else.
#[must_use]
pub fn fitting(mut read: resources::Read, model: &Model) -> resources::Read {
    let same = same::by_id(model, |address| read.get(address).map(|observed| observed.id.as_str()));
    for observed in read.values_mut() {
        same::record(&mut observed.record, &same);
        observed.parts.iter_mut().for_each(|(_, record)| same::record(record, &same));
    }
    let asked = |block: &model::Resource| {
        let mut asked = block.record.clone();
        same::record(&mut asked, &same);
        asked
    };
    read.retain(|address, observed| model.resources.get(address).is_some_and(|r| r.existing && observed.fits(&asked(r), false)));
    read
}

/// The model in which what is one thing in EC2 is one resource; what was read of it under its other names is taken out.
#[must_use]
pub fn joined(model: &Model, read: &mut resources::Read) -> Model {
    let same = same::by_id(model, |address| read.get(address).map(|observed| observed.id.as_str()));
    read.retain(|address, _| !same.contains_key(address));
    same::joined(model, &same)
}

/// The same, of a model that nobody needs as it was.
pub fn join(model: &mut Model, read: &mut resources::Read) {
    if read.is_empty() {
        return same::join(model, &same::Same::new());
    }
    let same = same::by_id(model, |address| read.get(address).map(|observed| observed.id.as_str()));
    read.retain(|address, _| !same.contains_key(address));
    same::join(model, &same);
}

/// Reads a snapshot.
///
/// # Errors
/// The file cannot be read, or is no snapshot.
pub fn read_snapshot(file: &Path) -> Result<Net, Stop> {
    let text = load::read(file)?;
    snapshot::read(&load::shown(file), &text).map_err(|wrong| Stop::new(wrong, Texts::default()))
}
