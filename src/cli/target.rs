//! Which EC2 a command talks to: AWS, an endpoint in its place, or the sandbox. Layer 10.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{ArgAction, Args, builder::FalseyValueParser};
use serde::{Deserialize, Serialize};

use crate::{
    apply::{Drivers, counts::Counted},
    base::{
        codes::{environment as codes, permission},
        diagnostic::Diagnostic,
        site::Site,
    },
    call::{Answer, ApiError, Class, Driver, Json, Request},
    cli::{
        backend::{self, LockArgs},
        load,
        printer::Printer,
    },
    schema::model,
    sim::{Policy, Sim},
    state::store::{Lock, Store},
};

/// The sandbox's region where nothing says another.
const SANDBOX_REGION: &str = "us-east-1";

/// The options that say where.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub lock: LockArgs,
    /// How many tasks are at work at once; those that only wait for EC2 do not count
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000), env = "SECNET_PARALLELISM")]
    pub parallelism: u16,
    /// Whether EC2 is read before planning; with `false` the plan takes the state's word for what stands
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub refresh: bool,
    /// Also read what EC2 tells by a call for each resource only: user data, and what locks an instance
    #[arg(long, conflicts_with = "refresh")]
    pub deep: bool,
}

/// How much is read before planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing: the state is taken at its word.
    Nothing,
    /// What EC2 lists.
    Lists,
    /// That, and what takes a call for each resource.
    Deep,
}

impl TargetArgs {
    /// How much is read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        match (self.refresh, self.deep) {
            (false, _) => Reading::Nothing,
            (true, false) => Reading::Lists,
            (true, true) => Reading::Deep,
        }
    }
}

/// Where, as a plan file keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct Place {
    /// Use an EC2 in memory, kept under .secnet/sandbox: no account, no cost
    #[arg(long, conflicts_with = "endpoint_url", env = "SECNET_SANDBOX", value_parser = FalseyValueParser::new())]
    pub sandbox: bool,
    /// Use an endpoint in EC2's place, such as http://127.0.0.1:5000
    #[arg(long, value_name = "URL", env = "SECNET_ENDPOINT_URL")]
    pub endpoint_url: Option<String>,
    /// Region, where the project says none
    #[arg(long, env = "SECNET_REGION")]
    pub region: Option<String>,
    /// Profile of ~/.aws/config
    #[arg(long, env = "SECNET_PROFILE")]
    pub profile: Option<String>,
    /// With --sandbox: allow what this IAM policy document allows, or these of several accounts, and nothing else
    #[arg(long = "sandbox-iam-policy", value_name = "FILE", requires = "sandbox")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_iam_policy: Option<PathBuf>,
}

impl Place {
    /// Where the state of a project is kept: that of the sandbox apart from the others, that of each environment too.
    ///
    /// # Errors
    /// It was kept elsewhere so far, or there is no way to it from here.
    pub fn store(&self, directory: &Path, project: &model::Project) -> Result<Store, Diagnostic> {
        match self.sandbox {
            true => backend::of_sandbox(&sandbox(directory), project),
            false => backend::store(directory, project),
        }
    }

    /// The directory that holds `state/` of a project in this directory, where that lies beside the sources.
    #[must_use]
    pub fn above(&self, directory: &Path) -> PathBuf {
        if self.sandbox { sandbox(directory) } else { directory.to_path_buf() }
    }

    /// Where its state is kept here.
    #[must_use]
    pub fn backend(&self, project: &model::Project) -> model::Backend {
        if self.sandbox { backend::in_sandbox(project) } else { project.backend.clone() }
    }

    /// Takes the lock of a state, and remembers where that is.
    ///
    /// # Errors
    /// Somebody else holds it, for longer than one would wait, or there is no way to it.
    pub fn lock(
        &self,
        store: &Store,
        directory: &Path,
        project: &model::Project,
        asked: (&str, LockArgs),
        printer: Printer,
    ) -> Result<Lock, Diagnostic> {
        let (command, LockArgs { lock_timeout }) = asked;
        let told = |held: &Diagnostic| printer.whisper(&format!("Waiting: {}.", held.message));
        let lock = store.lock_within(command, lock_timeout, &told)?;
        if !self.sandbox {
            backend::remember(directory, project)?;
        }
        Ok(lock)
    }

    /// What a command says first, when it does not touch AWS.
    #[must_use]
    pub fn first_line(&self, directory: &Path, project: &model::Project) -> Option<String> {
        if self.sandbox {
            let world = load::shown(&world(directory, project));
            return Some(format!("Sandbox: an EC2 in memory, kept in {world}; nothing reaches AWS."));
        }
        self.endpoint_url.as_ref().map(|url| format!("Endpoint: {url} stands in for AWS."))
    }

    /// The region: that of the project, which an option may repeat but not change.
    ///
    /// # Errors
    /// The option says another one.
    pub fn region(&self, project: &model::Project) -> Result<Option<String>, Diagnostic> {
        match (&project.region, &self.region) {
            (Some(ours), Some(asked)) if ours != asked => Err(codes::other_region(ours, asked)),
            (Some(region), _) | (None, Some(region)) => Ok(Some(region.clone())),
            (None, None) => Ok(None),
        }
    }

    /// Gets ready to call EC2, and counts the calls.
    ///
    /// # Errors
    /// There is no way to it from here.
    pub async fn open(&self, directory: &Path, project: &model::Project) -> Result<Arc<Counted>, Diagnostic> {
        let region = self.region(project)?;
        let mut others: BTreeMap<Site, Arc<dyn Driver>> = BTreeMap::new();
        let own = if self.sandbox {
            let sim = sim(directory, project, region.as_deref())?;
            let mut policies = self.sandbox_iam_policy.as_deref().map(policies).transpose()?.unwrap_or_default();
            if let Some(own) = policies.remove(OWN) {
                sim.obey(own);
            }
            for account in &project.accounts {
                let unusable = |e: io::Error| codes::sandbox_unusable(&load::shown(&world(directory, project)), &load::reason(&e));
                let other = sim.beside(account.site.account(), account.site.region()).map_err(unusable)?;
                if let Some(policy) = policies.remove(&account.name) {
                    other.obey(policy);
                }
                // A profile has an identity of its own, which the sandbox knows nothing of.
                let role = account.role.as_deref().filter(|_| account.profile.is_none());
                let way = match role.map_or(Ok(()), |role| sim.assume(role)) {
                    Ok(()) => in_process(Arc::new(other)).await?,
                    Err(error) => Arc::new(Refused { region: other.region().to_owned(), error }),
                };
                others.insert(account.site.clone(), way);
            }
            in_process(Arc::new(sim)).await?
        } else {
            for account in &project.accounts {
                others.insert(account.site.clone(), self.live(Some(account.site.region().to_owned()), Some(account)).await?);
            }
            self.live(region, None).await?
        };
        Ok(Arc::new(Counted::new(Arc::new(Drivers::new(own, others)))))
    }

    /// Stands in EC2's place where nothing is asked: opens no connection, and refuses whatever is sent.
    ///
    /// # Errors
    /// Nothing says which region this is about, or an option says another than the project.
    pub fn closed(&self, project: &model::Project, known: Option<&str>) -> Result<Arc<Counted>, Diagnostic> {
        let environment = || ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| std::env::var(name).ok());
        let region = self.region(project)?.or_else(|| known.map(str::to_owned)).or_else(environment).filter(|r| !r.is_empty());
        let region = region.or_else(|| self.sandbox.then(|| SANDBOX_REGION.to_owned())).ok_or_else(codes::no_region)?;
        let name = if self.sandbox { "sandbox" } else { self.endpoint_url.as_deref().unwrap_or("AWS") };
        Ok(Arc::new(Counted::new(Arc::new(Closed { region, name: name.to_owned() }))))
    }

    #[cfg(feature = "aws")]
    async fn live(&self, region: Option<String>, account: Option<&model::Account>) -> Result<Arc<dyn Driver>, Diagnostic> {
        use crate::live::{ConnectOptions, Live, Role};
        let role = |account: &model::Account| {
            let session_name = account.session_name.clone().unwrap_or_else(|| "secnet".into());
            Some(Role { arn: account.role.clone()?, external_id: account.external_id.clone(), session_name })
        };
        let profile = account.and_then(|a| a.profile.clone()).or_else(|| self.profile.clone());
        let (endpoint_url, role) = (self.endpoint_url.clone(), account.and_then(role));
        let options = ConnectOptions { region, profile, endpoint_url, role, ..ConnectOptions::default() };
        Ok(Arc::new(Live::connect(options).await.map_err(|e| connect_failed(&e))?))
    }

    #[cfg(not(feature = "aws"))]
    async fn live(&self, _region: Option<String>, _account: Option<&model::Account>) -> Result<Arc<dyn Driver>, Diagnostic> {
        Err(codes::without_sdk())
    }
}

/// A driver to nowhere.
struct Closed {
    region: String,
    name: String,
}

impl Driver for Closed {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        let message = format!("{} was not sent: this run asks nothing of EC2", request.action);
        Box::pin(async move { Err(ApiError::without_answer(Class::Invalid, message)) })
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}

/// A driver to where nobody is let in.
struct Refused {
    region: String,
    error: ApiError,
}

impl Driver for Refused {
    fn send<'a>(&'a self, _: &'a Request) -> Answer<'a> {
        Box::pin(async move { Err(self.error.clone()) })
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn describe(&self) -> String {
        "sandbox".into()
    }
}

/// `.secnet/sandbox`
fn sandbox(project: &Path) -> PathBuf {
    project.join(".secnet").join("sandbox")
}

/// `.secnet/sandbox/world.json`, or that of an environment: they may be in different accounts and regions.
fn world(directory: &Path, project: &model::Project) -> PathBuf {
    sandbox(directory).join(project.state.as_ref().map_or_else(|| "world.json".into(), |word| format!("world.{word}.json")))
}

/// The sandbox of a project.
///
/// # Errors
/// Its file cannot be read, or holds another region.
pub fn sim(directory: &Path, project: &model::Project, region: Option<&str>) -> Result<Sim, Diagnostic> {
    let path = world(directory, project);
    Sim::load(&path, region.unwrap_or(SANDBOX_REGION)).map_err(|e| codes::sandbox_unusable(&load::shown(&path), &load::reason(&e)))
}

/// What the project's own account is called where those of its `account` blocks go by their names.
pub const OWN: &str = "project";

/// The policies of a sandbox's callers, by account: a document, or several as `iam-policy --json` prints them.
///
/// # Errors
/// The file cannot be read, or has a policy that the sandbox does not understand.
pub fn policies(path: &Path) -> Result<BTreeMap<String, Policy>, Diagnostic> {
    let text = load::read(path)?;
    let bad = |why: String| permission::bad_policy(&load::shown(path), &why);
    let parse = |text: &str| Policy::parse(text).map_err(bad);
    match serde_json::from_str::<Json>(&text) {
        Ok(Json::Object(documents)) if !documents.contains_key("Statement") && !documents.is_empty() => {
            documents.into_iter().map(|(name, document)| Ok((name, parse(&document.to_string())?))).collect()
        }
        _ => Ok(BTreeMap::from([(OWN.to_owned(), parse(&text)?)])),
    }
}

/// The SDK's path into the sandbox: all but the socket is as with EC2.
#[cfg(feature = "aws")]
async fn in_process(sim: Arc<Sim>) -> Result<Arc<dyn Driver>, Diagnostic> {
    use crate::live::Live;
    let region = sim.region().to_owned();
    let door = Arc::new(move |body: &str, target: Option<&str>| crate::sim::handle(&sim, body, target));
    Ok(Arc::new(Live::over(door, &region).map_err(|e| connect_failed(&e))?))
}

#[cfg(not(feature = "aws"))]
async fn in_process(sim: Arc<Sim>) -> Result<Arc<dyn Driver>, Diagnostic> {
    Ok(sim)
}

#[cfg(feature = "aws")]
fn connect_failed(error: &crate::live::ConnectError) -> Diagnostic {
    use crate::live::ConnectError;
    match error {
        ConnectError::NoRegion => codes::no_region(),
        ConnectError::BadRegion(region) => crate::cli::outside::unknown_region(region),
        other => codes::no_connection(&other.to_string(), other.help()),
    }
}
