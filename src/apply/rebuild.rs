//! A lost state, out of the account: what carries the project's tags. Layer 7: changes nothing in EC2.
//!
//! One listing of tags in each account and region tells address, id and origin of everything; a refresh then reads what was
//! found, kind by kind, as before every plan.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::json;

use crate::{
    apply::{
        execute::noted,
        find, image,
        read::{ReadError, Reader},
        refresh::refresh,
    },
    base::{address::Address, diagnostic::Diagnostic, site::Site, source::Sources},
    call::{Driver, Json, beside},
    plan::{self, Plan, rebuilt},
    resources,
    schema::model::{Model, Project},
    state::{Deposed, Resource, State},
};

const LINEAGE: &str = "secnet:lineage";
const ADDRESS: &str = "secnet:address";

/// What it reads beyond what a plan does.
pub const READS: [&str; 1] = [TAGS];
const TAGS: &str = "DescribeTags";

/// Something that carries the tags of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// What the project calls it.
    pub address: Address,
    /// EC2's id.
    pub id: String,
    /// The tag `secnet:id`.
    pub secnet_id: String,
    /// The account and region; `None`: the project's own.
    pub site: Option<Site>,
}

/// What was found of each lineage.
pub type Lineages = BTreeMap<String, Vec<Tagged>>;

/// Everything that carries the tags of some project, in every account and region of this one.
///
/// # Errors
/// EC2 could not be read.
pub async fn search(driver: &dyn Driver, project: &Project) -> Result<Lineages, ReadError> {
    let mut found = Lineages::new();
    in_site(driver, None, &mut found).await?;
    for account in &project.accounts {
        let other = at(driver, &account.site)?;
        in_site(&*other, Some(&account.site), &mut found).await?;
    }
    Ok(found)
}

fn at(driver: &dyn Driver, site: &Site) -> Result<std::sync::Arc<dyn Driver>, ReadError> {
    beside(driver, site).map_err(|error| ReadError { action: "DescribeTags".into(), error })
}

async fn in_site(driver: &dyn Driver, site: Option<&Site>, found: &mut Lineages) -> Result<(), ReadError> {
    let params = json!({"Filters": [{"Name": "key", "Values": [LINEAGE, ADDRESS, find::TAG]}]});
    let mut things: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for tag in Reader::new(driver).all(TAGS, &["Tags"], params, Some(1000)).await? {
        let text = |member: &str| tag.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
        things.entry(text("ResourceId")).or_default().insert(text("Key"), text("Value"));
    }
    for (id, tags) in things {
        let (Some(lineage), Some(address)) = (tags.get(LINEAGE), tags.get(ADDRESS).and_then(|a| Address::parse(a))) else { continue };
        // What comes with something (rules, volumes, interfaces) carries its owner's address.
        if !resources::spec(address.kind()).is_some_and(|spec| id.starts_with(spec.id_prefix)) {
            continue;
        }
        let all = found.entry(lineage.clone()).or_default();
        // The other half of what spans two accounts is tagged too.
        if all.iter().all(|tagged| tagged.id != id) {
            let secnet_id = tags.get(find::TAG).cloned().unwrap_or_default();
            all.push(Tagged { address, id, secnet_id, site: site.cloned() });
        }
    }
    Ok(())
}

/// The state of a lineage as far as its tags tell: no attributes yet.
#[must_use]
pub fn outline(model: &Model, lineage: &str, found: &[Tagged]) -> State {
    let mut state = State::empty(&model.project.key(), lineage.to_owned());
    for Tagged { address, id, secnet_id, site } in found.iter().cloned() {
        let site = model.resources.get(&address).filter(|r| !r.existing).map_or(site, |r| r.site.clone());
        let resource = Resource { id, secnet_id, record: BTreeMap::new(), parts: vec![], after: vec![], protect: false, site };
        match state.resources.entry(address) {
            Entry::Occupied(first) => state.deposed.push(Deposed { address: first.key().clone(), resource }),
            Entry::Vacant(place) => drop(place.insert(resource)),
        }
    }
    state
}

/// A state that was rebuilt.
#[derive(Debug)]
pub struct Rebuilt {
    /// All that EC2 tells.
    pub state: State,
    /// What it does not tell, in words.
    pub untold: Vec<String>,
    /// What there would be to do with this state; or why that cannot be said.
    pub plan: Result<Plan, Vec<Diagnostic>>,
}

/// Rebuilds a state from its outline.
///
/// # Errors
/// EC2 could not be read.
pub async fn rebuild(driver: &dyn Driver, model: &Model, mut state: State, sources: Option<&Sources>) -> Result<Rebuilt, ReadError> {
    untagged(driver, model, &mut state).await?;
    let mut observation = refresh(driver, model, &state).await?;
    rebuilt::choose(model, &mut state, &observation);
    let mut untold = rebuilt::fill(model, &mut state, &observation);
    // What runs stays what it is: a newer image is asked for, and never comes by itself.
    state.images = running(driver, model, &state, &mut untold).await?;
    observation.images.retain(|key, _| !state.images.contains_key(key));
    state.account = observation.account.clone();
    state.region = Some(observation.region.clone());
    let plan = plan::plan(&plan::Input { model, state: &state, observation: &observation, sources });
    let state = match &plan {
        Ok(plan) => {
            rebuilt::agree(model, &mut state, plan);
            let mut learned = plan.clone();
            // What the sources say about the state itself is done by an apply.
            learned.moves.clear();
            learned.imports.clear();
            learned.gone.clear();
            noted(&learned, state, driver.region())
        }
        Err(_) => state,
    };
    Ok(Rebuilt { state, untold, plan })
}

/// What takes no tags is the project's where it is as the project has it.
async fn untagged(driver: &dyn Driver, model: &Model, state: &mut State) -> Result<(), ReadError> {
    for wanted in model.resources.values().filter(|r| !r.existing) {
        let Some(spec) = resources::spec(wanted.address.kind()).filter(|spec| spec.tag_type.is_none()) else { continue };
        let other = wanted.site.as_ref().map(|site| at(driver, site)).transpose()?;
        let reader = Reader::new(other.as_deref().unwrap_or(driver));
        let items = reader.pages(spec.listing.action, spec.listing.items, &[], spec.listing.page).await?;
        let same = |item: &Json| {
            let observed = (spec.observe)(item)?;
            let as_written = wanted.record.iter().all(|(name, value)| observed.record.get(name).is_none_or(|is| *is == value.bare()));
            as_written.then_some(observed.id)
        };
        let Some(id) = items.iter().find_map(same) else { continue };
        let site = wanted.site.clone();
        let resource =
            Resource { id, secnet_id: String::new(), record: BTreeMap::new(), parts: vec![], after: vec![], protect: false, site };
        state.resources.insert(wanted.address.clone(), resource);
    }
    Ok(())
}

/// The images that instances were made from, by the calls that found them.
async fn running(
    driver: &dyn Driver,
    model: &Model,
    state: &State,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<String, crate::state::Image>, ReadError> {
    let mut images = BTreeMap::new();
    for (site, pinned) in image::run(model, state, notes) {
        let other = site.as_ref().map(|site| at(driver, site)).transpose()?;
        let reader = Reader::new(other.as_deref().unwrap_or(driver));
        let found: BTreeMap<String, _> = image::by_id(&reader, pinned.values().cloned().collect()).await?.into_iter().collect();
        images.extend(pinned.into_iter().filter_map(|(key, id)| Some((key, found.get(&id)?.clone()))));
    }
    Ok(images)
}
