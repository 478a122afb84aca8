//! Whole lives of resource types, written in the Markdown files beside this one and played on any EC2.
//!
//! `tests/types/README.md` says how one is written. The same file is played on the simulator as it is, through the SDK on the
//! simulator's own door, and through the SDK on moto.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use secnet::{
    analysis::{self, Inputs},
    apply::{Drivers, Options, Stop, deep::deepen, execute, refresh},
    base::{address::Address, cidr::Cidr, diagnostic::Diagnostic, site::Site},
    call::{Driver, Json, Request, mutates},
    plan::{Action, Input, Plan, drift, plan},
    resources,
    schema::value::Value,
    state::{
        State,
        journal::Journal,
        store::{Lock, Store},
    },
};
use serde_json::json;
use tokio::sync::{mpsc, watch};

/// The region that all files are about.
pub const REGION: &str = "us-east-1";

/// The account that all files are about.
const ACCOUNT: &str = "123456789012";

/// Another region, for what joins two: a file says `account far { id = "123456789012"  region = "eu-west-1" }`.
pub const FAR: &str = "eu-west-1";

/// The way to the region that the files are about, and to the other one.
pub fn both(own: Arc<dyn Driver>, far: Arc<dyn Driver>) -> Arc<dyn Driver> {
    Arc::new(Drivers::new(own, [(Site::new(ACCOUNT, FAR), far)].into()))
}

/// A file of `tests/types/`.
pub struct Life {
    pub path: PathBuf,
    /// Why moto is left out.
    pub not_on_moto: Option<String>,
    /// Why it has an order that is not to be changed.
    pub in_order: Option<String>,
    steps: Vec<Step>,
}

enum Step {
    /// The whole project, and what the plan is to show; where that stands in the file, as lines.
    Project { line: usize, text: String, not_on_moto: bool, shown: String, at: std::ops::Range<usize> },
    /// Calls by somebody else's hand.
    Calls { line: usize, text: String, not_on_moto: bool },
}

/// Every file, in order.
pub fn lives() -> Vec<Life> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let is_life = |path: &PathBuf| path.extension().is_some_and(|e| e == "md") && !path.ends_with("README.md");
    let mut paths: Vec<PathBuf> = entries.filter(is_life).collect();
    paths.sort();
    let only = std::env::var("SECNET_TYPE").ok();
    paths.retain(|path| only.as_deref().is_none_or(|only| path.file_stem().is_some_and(|stem| stem == only)));
    assert!(!paths.is_empty(), "no file in {}", directory.display());
    paths.into_iter().map(Life::read).collect()
}

impl Life {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let not_on_moto = lines.iter().find_map(|line| line.strip_prefix("moto: no, ")).map(str::to_owned);
        let in_order = lines.iter().find_map(|line| line.strip_prefix("walks: no, ")).map(str::to_owned);
        let mut steps = vec![];
        let mut at = 0;
        while at < lines.len() {
            let Some(fence) = lines[at].strip_prefix("```") else {
                at += 1;
                continue;
            };
            let from = at + 1;
            let to = (from..lines.len()).find(|i| lines[*i] == "```").unwrap_or_else(|| panic!("{}:{}: no end", path.display(), at + 1));
            let text = lines[from..to].join("\n");
            let (kind, reason) = fence.split_once(", not on moto: ").map_or((fence, None), |(kind, reason)| (kind, Some(reason)));
            let not_on_moto = reason.is_some();
            match (kind, steps.last_mut()) {
                ("secnet", _) => {
                    steps.push(Step::Project { line: at + 1, text, not_on_moto, shown: String::new(), at: to + 1..to + 1 });
                }
                ("plan", Some(Step::Project { shown, at: place, .. })) => (*shown, *place) = (text, at..to + 1),
                ("ec2", _) => steps.push(Step::Calls { line: at + 1, text, not_on_moto }),
                _ => panic!("{}:{}: no such step: ```{fence}", path.display(), at + 1),
            }
            at = to + 1;
        }
        assert!(steps.iter().any(|s| matches!(s, Step::Project { .. })), "{}: no project", path.display());
        Self { path, not_on_moto, in_order, steps }
    }

    /// The kind that it is about.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap().to_string_lossy().into_owned()
    }

    /// Its projects, one a step, each with its `project` block.
    pub fn projects(&self) -> Vec<String> {
        let texts = self.steps.iter().filter_map(|step| match step {
            Step::Project { text, .. } => Some(whole(&self.name(), text)),
            Step::Calls { .. } => None,
        });
        texts.collect()
    }

    /// Applies its projects in this order, whatever that changes; each leaves nothing to do.
    pub async fn walk(&self, driver: Arc<dyn Driver>, order: &[usize]) -> Result<(), String> {
        let stand = Stand::new(&self.name(), driver);
        let projects = self.projects();
        for (i, at) in order.iter().enumerate() {
            stand.apply(&projects[*at]).await.map_err(|e| format!("{} in the order {:?}: {e}", self.name(), &order[..=i]))?;
        }
        Ok(())
    }

    /// Applies each of these of its projects to an EC2 of its own, and then with other names for all that it makes, or for those of one kind: what
    /// was there goes and its like comes, as somebody plans it who has forgotten `moved`. Gives how many were tried, and what went wrong.
    pub async fn renamed(&self, on: &dyn Fn() -> Arc<dyn Driver>, steps: &BTreeSet<usize>) -> (usize, Vec<String>) {
        let (mut tried, mut wrong) = (0, vec![]);
        for (step, project) in self.projects().iter().enumerate().filter(|(step, _)| steps.contains(step)) {
            let mut made = vec![];
            for line in project.lines() {
                let mut words = line.split_whitespace();
                if let (Some(kind), Some(name)) = (words.next(), words.next())
                    && resources::spec(kind).is_some_and(|spec| spec.stands_for.is_none())
                {
                    made.push((kind, name));
                }
            }
            let kinds: BTreeSet<&str> = made.iter().map(|(kind, _)| *kind).collect();
            for only in std::iter::once(None).chain(kinds.iter().map(|kind| Some(*kind)).filter(|_| kinds.len() > 1)) {
                let stand = Stand::new(&self.name(), on());
                let renamed: BTreeSet<_> = made.iter().copied().filter(|(kind, _)| only.is_none_or(|only| only == *kind)).collect();
                let other = called_otherwise(project, &renamed);
                let outcome = async {
                    stand.apply(project).await?;
                    stand.apply(&other).await
                };
                tried += 1;
                let what = only.unwrap_or("everything");
                wrong.extend(outcome.await.err().map(|e| format!("{} step {}, {what} under another name: {e}", self.name(), step + 1)));
            }
        }
        (tried, wrong)
    }

    /// Plays all of it: each step is planned as the file says and applied, and leaves nothing to do; in the end everything is
    /// imported into an empty state and destroyed. Gives what differs, and with `SECNET_BLESS` writes it down.
    pub async fn play(&self, driver: Arc<dyn Driver>, moto: bool) -> Result<(), String> {
        self.play_with(driver, moto, false).await
    }

    /// The same; with `refreshed` the state takes in what another's hand has changed before anything is planned, which makes
    /// no difference to the plan.
    pub async fn play_with(&self, driver: Arc<dyn Driver>, moto: bool, refreshed: bool) -> Result<(), String> {
        let place = |line: usize| format!("{}:{line}", self.path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&self.path).display());
        let mut stand = Stand::new(&self.name(), driver.clone());
        // moto does not keep all that one asks of an instance.
        stand.deep = !moto;
        let mut last = String::new();
        let mut blessed: Vec<(std::ops::Range<usize>, String)> = vec![];
        let mut differs = vec![];
        for step in &self.steps {
            match step {
                Step::Project { not_on_moto: true, .. } | Step::Calls { not_on_moto: true, .. } if moto => {}
                Step::Calls { line, text, .. } => {
                    stand.send_all(text).await.map_err(|e| format!("{}: {e}", place(*line)))?;
                    if refreshed {
                        let drift = stand.drift(&last).await.map_err(|e| format!("{}: {e}", place(*line)))?;
                        stand.carry_out(&drift).await.map_err(|e| format!("{}: {e}", place(*line)))?;
                        let left = stand.drift(&last).await.map_err(|e| format!("{}: {e}", place(*line)))?;
                        if !left.is_empty() {
                            differs.push(format!("{}: this drift is not taken in:\n{}", place(*line), shown(&left)));
                        }
                    }
                }
                Step::Project { line, text, shown: wanted, at, .. } => {
                    let place = place(*line);
                    let whole = whole(&self.name(), text);
                    let plan = stand.apply(&whole).await.map_err(|e| format!("{place}: {e}"))?;
                    let is = shown(&plan);
                    if is != *wanted {
                        differs.push(format!("{place}: the plan shows\n{is}\nand not\n{wanted}"));
                        blessed.push((at.clone(), is));
                    }
                    last = whole;
                }
            }
        }
        if std::env::var_os("SECNET_BLESS").is_some() {
            self.bless(&blessed);
            differs.clear();
        }
        if !differs.is_empty() {
            return Err(differs.join("\n"));
        }
        stand.imported(&last).await.map_err(|e| format!("{}: importing everything: {e}", self.name()))?;
        Ok(())
    }

    fn bless(&self, blessed: &[(std::ops::Range<usize>, String)]) {
        let text = fs::read_to_string(&self.path).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        for (at, shown) in blessed.iter().rev() {
            let fence = ["```plan"].into_iter().chain(shown.lines()).chain(["```"]);
            lines.splice(at.clone(), fence.collect::<Vec<_>>());
        }
        fs::write(&self.path, lines.join("\n") + "\n").unwrap();
    }
}

/// A project of a file, with its `project` block.
fn whole(name: &str, text: &str) -> String {
    format!("project {name} {{ region = \"{REGION}\" }}\n{text}")
}

/// A text in which these, kind and name, have other names: where they are declared and where they are named.
fn called_otherwise(text: &str, renamed: &BTreeSet<(&str, &str)>) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let declared = line.split_whitespace().next().filter(|kind| resources::spec(kind).is_some());
        let mut before = [""; 2];
        for word in line.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').flat_map(|w| match w.char_indices().last() {
            Some((at, c)) if !c.is_alphanumeric() && c != '_' => vec![&w[..at], &w[at..]],
            _ => vec![w],
        }) {
            let [kind, between] = before;
            let names =
                between == "." || between == " " && declared == Some(kind) && out.ends_with(&format!("{kind} ")) && line.starts_with(kind);
            if names && renamed.contains(&(kind, word)) && (between == "." || line.starts_with(&format!("{kind} {word}"))) {
                out.push_str("other_");
            }
            out.push_str(word);
            if !word.is_empty() {
                before = [between, word];
            }
        }
        out.push('\n');
    }
    out
}

/// A project's directory and the EC2 it stands in.
struct Stand {
    driver: Arc<dyn Driver>,
    /// Whether what EC2 tells of one at a time only is held against what was applied.
    deep: bool,
    store: Store,
    lock: Lock,
    project: String,
    /// What earlier calls of somebody else's have told.
    told: BTreeMap<String, String>,
    _directory: tempfile::TempDir,
}

impl Stand {
    fn new(name: &str, driver: Arc<dyn Driver>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), name);
        let lock = store.lock("test").unwrap();
        Self { driver, deep: true, store, lock, project: name.into(), told: BTreeMap::new(), _directory: directory }
    }

    fn state(&self) -> State {
        self.store.load().unwrap().state
    }

    async fn plan(&self, text: &str) -> Result<Plan, String> {
        self.make(text, plan, false).await
    }

    async fn drift(&self, text: &str) -> Result<Plan, String> {
        self.make(text, drift, false).await
    }

    async fn make(&self, text: &str, make: fn(&Input<'_>) -> Result<Plan, Vec<Diagnostic>>, deep: bool) -> Result<Plan, String> {
        let analysis = analysis::analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
        if analysis.has_errors() {
            return Err(format!("{:#?}", analysis.diagnostics));
        }
        let state = self.state();
        let mut observation = refresh::refresh(&*self.driver, &analysis.model, &state).await.map_err(|e| e.to_string())?;
        if deep {
            deepen(&*self.driver, &analysis.model, &state, &mut observation, &|_, _| {}).await.map_err(|e| e.to_string())?;
        }
        let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: Some(&analysis.sources) };
        make(&input).map_err(|found| found.into_iter().map(|d| format!("{} {}", d.code.id, d.message)).collect::<Vec<_>>().join("\n"))
    }

    async fn carry_out(&self, plan: &Plan) -> Result<(), String> {
        let journal = Journal::create(&self.store, &self.lock).unwrap();
        let (progress, _watcher) = mpsc::unbounded_channel();
        let (_stop, asked) = watch::channel(Stop::No);
        let outcome = execute(plan, self.state(), journal, self.driver.clone(), Options::default(), progress, asked).await;
        let outcome = outcome.map_err(|d| d.message)?;
        outcome.save(&self.store, &self.lock).unwrap();
        let failed: Vec<_> = outcome.failed.iter().map(|f| format!("{}: {:?}", plan.tasks[f.task].title, f.error)).collect();
        if outcome.is_success() { Ok(()) } else { Err(failed.join("\n")) }
    }

    /// Plans and applies; nothing is left to do then, and nothing has become reachable.
    async fn apply(&self, text: &str) -> Result<Plan, String> {
        let plan = self.plan(text).await?;
        self.carry_out(&plan).await?;
        let again = self.plan(text).await?;
        if !again.is_empty() {
            return Err(format!("after an apply nothing is left to do, but:\n{}", shown(&again)));
        }
        let drifted = self.drift(text).await?;
        if !drifted.is_empty() {
            return Err(format!("after an apply nothing has drifted, but:\n{}", shown(&drifted)));
        }
        let (wanted, drifted) = (self.make(text, secnet::plan::plan, self.deep).await?, self.make(text, drift, self.deep).await?);
        if let Some(other) = [wanted, drifted].into_iter().find(|read| !read.is_empty()) {
            return Err(format!("after an apply what is read one by one is as it is wanted, but:\n{}", shown(&other)));
        }
        let flows = [&again.proof.added, &again.proof.removed, &again.proof.unknown];
        if flows.iter().any(|f| !f.is_empty()) {
            return Err(format!("after an apply nothing becomes reachable, but: {flows:#?}"));
        }
        Ok(plan)
    }

    /// `Action {json}`, one a line; `name = Action {json} /pointer` keeps what is there in the answer, for `{name}`.
    async fn send_all(&mut self, calls: &str) -> Result<(), String> {
        for call in calls.lines().filter(|l| !l.trim().is_empty()) {
            let (name, call) = match call.split_once(" = ") {
                Some((name, call)) if !name.contains(' ') => (Some(name), call),
                _ => (None, call),
            };
            let (action, rest) = call.split_once(' ').ok_or_else(|| format!("no call: {call}"))?;
            let mut rest = rest.to_owned();
            let known = self.state().resources.into_iter().map(|(address, r)| (address.to_string(), r.id));
            for (name, id) in known.chain(self.told.clone()) {
                rest = rest.replace(&format!("{{{name}}}"), &id);
            }
            let mut values = serde_json::Deserializer::from_str(&rest).into_iter::<Json>();
            let params = values.next().and_then(Result::ok).ok_or_else(|| format!("no JSON: {rest}"))?;
            let pointer = rest[values.byte_offset()..].trim().to_owned();
            assert!(mutates(action) || name.is_some(), "{action} changes nothing");
            let answer = self.driver.send(&Request::new(action, params)).await.map_err(|e| format!("{action}: {e}"))?;
            if let Some(name) = name {
                let told = answer.pointer(&pointer).and_then(Json::as_str).ok_or_else(|| format!("nothing at {pointer} of {answer}"))?;
                self.told.insert(name.into(), told.into());
            }
        }
        Ok(())
    }

    /// Takes everything over into an empty state, which changes tags alone, and destroys it: nothing is left of it.
    async fn imported(self, text: &str) -> Result<(), String> {
        let resources = self.state().resources;
        for resource in resources.values().filter(|r| !r.secnet_id.is_empty()) {
            let keys = ["secnet:id", "secnet:lineage", "secnet:address"].map(|key| json!({"Key": key}));
            let untag = Request::new("DeleteTags", json!({"Resources": [resource.id], "Tags": keys}));
            self.way(resource.site.as_ref()).send(&untag).await.map_err(|e| e.to_string())?;
        }
        let imports: Vec<String> = resources.iter().map(|(address, r)| format!("import {address} from \"{}\"", r.id)).collect();
        let mut heir = Stand::new(&self.project, self.driver.clone());
        heir.deep = self.deep;
        let text = format!("{text}\n{}", imports.join("\n"));
        let plan = heir.plan(&text).await?;
        let other = |c: &&secnet::plan::Change| {
            let tags_alone = c.attributes.iter().all(|a| a.name.starts_with("tags.secnet:")) && c.parts.is_empty();
            c.action != Action::Update || !tags_alone
        };
        let others: Vec<_> = plan.changes.iter().filter(other).map(|c| &c.address).collect();
        if !others.is_empty() || plan.changes.is_empty() {
            return Err(format!("tags alone are to change, but {others:?}:\n{}", shown(&plan)));
        }
        heir.apply(&text).await?;
        let accounts: Vec<&str> = text.lines().filter(|line| line.starts_with("account ")).collect();
        let plan = heir.plan(&whole(&heir.project, &accounts.join("\n"))).await?;
        heir.carry_out(&plan).await.map_err(|e| format!("destroying: {e}"))?;
        // What AWS gives goes with its VPC, if EC2 is right.
        for (address, resource) in resources.iter().filter(|(a, _)| resources::spec(a.kind()).unwrap().stands_for.is_none()) {
            if heir.stands(address, resource).await? {
                return Err(format!("{address} ({}) still stands", resource.id));
            }
        }
        Ok(())
    }

    /// The way to an account and region.
    fn way(&self, site: Option<&Site>) -> Arc<dyn Driver> {
        site.map_or_else(|| self.driver.clone(), |site| self.driver.beside(site).expect("a way there"))
    }

    async fn stands(&self, address: &Address, resource: &secnet::state::Resource) -> Result<bool, String> {
        let (id, driver) = (&resource.id, self.way(resource.site.as_ref()));
        let spec = resources::spec(address.kind()).unwrap();
        let mut params = json!({});
        if let Some(page) = spec.listing.page {
            params["MaxResults"] = page.into();
        }
        loop {
            let answer = driver.send(&Request::new(spec.listing.action, params.clone())).await.map_err(|e| e.to_string())?;
            let mut items = vec![&answer];
            for key in spec.listing.items {
                let below = items.into_iter().filter_map(|at| at.get(key));
                items = below.flat_map(|at| at.as_array().map_or(std::slice::from_ref(at), Vec::as_slice)).collect();
            }
            if items.into_iter().filter_map(|item| (spec.observe)(item)).any(|observed| observed.id == *id) {
                return Ok(true);
            }
            match answer.get("NextToken").and_then(Json::as_str) {
                Some(token) => params["NextToken"] = token.into(),
                None => return Ok(false),
            }
        }
    }
}

/// The plan's changes, one a line: `~ security_group.web`, and below it what of it changes.
pub fn shown(plan: &Plan) -> String {
    let mark = |action: Action| match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "-/+",
        Action::Delete => "-",
        Action::Forget => "<",
    };
    let mut lines = vec![];
    for change in &plan.changes {
        lines.push(format!("{} {}", mark(change.action), change.address));
        if matches!(change.action, Action::Update | Action::Replace) {
            for attribute in &change.attributes {
                // These tags are random.
                lines.push(match matches!(&*attribute.name, "tags.secnet:id" | "tags.secnet:lineage") {
                    true => format!("    {}", attribute.name),
                    false => format!("    {}: {} -> {}", attribute.name, steady(&attribute.old), steady(&attribute.new)),
                });
            }
            for part in &change.parts {
                let text = match (&part.old, &part.new) {
                    (Some(old), Some(new)) => format!("{old} -> {new}"),
                    (old, new) => old.iter().chain(new).cloned().collect(),
                };
                let text = text.split(' ').map(without_choice).collect::<Vec<_>>().join(" ");
                lines.push(format!("    {} {text}{}", mark(part.action), if part.foreign { " (foreign)" } else { "" }));
            }
        }
    }
    lines.join("\n")
}

/// A word, without what AWS has chosen of a /64 in it: it is the nth of a VPC's.
fn without_choice(word: &str) -> String {
    let (bare, end) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
    match bare.parse::<Cidr>() {
        Ok(cidr) if cidr.prefix() == 64 && !bare.starts_with("2001:db8:") => {
            format!("(/64 number {} of the VPC's){end}", (cidr.first_number() >> 64) & 0xff)
        }
        _ => word.to_owned(),
    }
}

/// A value without what differs from run to run: the order in which EC2 tells a set, the end of a name that secnet made.
fn steady(value: &Value) -> String {
    match value {
        Value::List(elements) => {
            let mut shown: Vec<String> = elements.iter().map(steady).collect();
            shown.sort();
            format!("[{}]", shown.join(", "))
        }
        Value::Text(text) => match text.rsplit_once('-') {
            Some((name, end)) if end.len() == 8 && end.bytes().all(|b| b.is_ascii_hexdigit()) => format!("\"{name}-...\""),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}
