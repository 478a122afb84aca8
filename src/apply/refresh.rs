//! Reading what is there before planning: in bulk, in pages, all kinds at once. Layer 7: changes nothing.
//!
//! A kind is asked for by the project's tag, and what the state knows beyond the answer by its ids, as a filter: so a
//! tag that somebody removed never reads as «gone», and an id that is gone is no error. A kind that the state does not
//! hold is not asked for at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    apply::{
        image, limits, offers,
        read::{FILTER_VALUES_MAX, ReadError, Reader, Work, complete, elements, together},
        sites, survey,
    },
    base::{address::Address, site::Site},
    call::{ApiError, Class, Driver, Json, Request, beside},
    net::desired,
    plan::observation::Observation,
    prove::policy::is_public,
    registry::{Aside, Observed, Spec, quota::Per},
    resources,
    schema::{
        model::{Model, Resource, Statement},
        value::{Record, Value},
    },
    state::{State, seal, store},
};

/// The tag that tells which project something belongs to.
const TAG: &str = "secnet:lineage";

/// The tag that tells what the project calls it.
const ADDRESS: &str = "secnet:address";

/// Reads what the state knows, what else carries the project's tag, existing resources and images, and everything that
/// stands in the same VPCs.
///
/// # Errors
/// EC2 could not be read.
pub async fn refresh(driver: &dyn Driver, model: &Model, state: &State) -> Result<Observation, ReadError> {
    let account = who(driver).await?;
    refresh_as(driver, model, state, account).await
}

/// The same where it is known whose the account is.
///
/// # Errors
/// EC2 could not be read.
pub async fn refresh_as(driver: &dyn Driver, model: &Model, state: &State, account: Option<String>) -> Result<Observation, ReadError> {
    let others = sites::all(model, state);
    let mut all = everywhere(driver, model, state, account, &others).await?;
    limits::look_up(driver, model, state, &mut all).await?;
    Ok(all)
}

async fn everywhere(
    driver: &dyn Driver,
    model: &Model,
    state: &State,
    account: Option<String>,
    others: &BTreeSet<Site>,
) -> Result<Observation, ReadError> {
    if others.is_empty() {
        return one(driver, model, state, account).await;
    }
    let (own_model, own_state) = sites::part(model, state, None);
    let work = others.iter().map(|site| -> Work<'_, _> {
        Box::pin(async move {
            let action = || "DescribeVpcs".to_owned();
            let driver = beside(driver, site).map_err(|error| ReadError { action: action(), error })?;
            let (model, state) = sites::part(model, state, Some(site));
            one(&*driver, &model, &state, Some(site.account().to_owned())).await
        })
    });
    let (own, found) = tokio::join!(one(driver, &own_model, &own_state, account.clone()), together(work.collect()));
    let mut all = own?;
    // As what is drawn from the sources calls it.
    let own = model.project.account.as_deref().unwrap_or(desired::OWN);
    all.network = all.network.take().map(|network| sites::marked(network, own, driver.region()));
    for (site, part) in others.iter().zip(found) {
        sites::join(&mut all, site, part?);
    }
    Ok(all)
}

/// What is read in one account and region.
async fn one(driver: &dyn Driver, model: &Model, state: &State, account: Option<String>) -> Result<Observation, ReadError> {
    let reader = Reader::new(driver);
    let found = existing(&reader, model, state).await?;
    let vpcs = vpcs(model, state, &found);
    let existing: BTreeMap<Address, Vec<Observed>> =
        found.into_iter().map(|(address, found)| (address, found.into_iter().map(|f| f.observed).collect())).collect();
    let wide = model.policies.iter().flat_map(|p| &p.statements).any(beyond_the_internet);
    // What the project itself has put there is read whoever asks, or it would seem to come anew each time.
    let kinds: BTreeSet<&str> = state.resources.keys().map(Address::kind).collect();
    let door = |spec: &Spec| survey::is_door(spec.listing.action) || spec.kind == "transit_gateway_peering_attachment";
    let wide = wide || kinds.into_iter().filter_map(resources::spec).any(door);
    let ask = survey::Ask {
        wide,
        exclusions: model.resources.keys().any(|address| address.kind() == "block_public_access"),
        gateways: state.resources.iter().filter(|(address, _)| address.kind() == "transit_gateway").map(|(_, r)| r.id.clone()).collect(),
        far: !model.project.accounts.is_empty(),
    };
    let network = if vpcs.is_empty() { None } else { Some(survey::survey(&reader, Some(&vpcs), &ask).await?) };
    let routers = if vpcs.is_empty() { survey::gateways(&reader, &ask).await? } else { None };
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let deposed = state.deposed.iter().map(|d| (&d.address, &d.resource));
    for (address, resource) in state.resources.iter().chain(deposed) {
        ids.entry(address.kind()).or_default().insert(&resource.id);
    }
    for import in &model.imports {
        ids.entry(import.to.kind()).or_default().insert(&import.id);
    }
    // What AWS gives is found by its VPC, of which nothing is listed where none stands.
    for resource in model.resources.values().filter(|r| !r.existing && network.is_some()) {
        if resources::spec(resource.address.kind()).is_some_and(|s| s.stands_for.is_some()) {
            ids.entry(resource.address.kind()).or_default();
        }
    }
    let kinds = ids.iter().filter_map(|(kind, ids)| Some((resources::spec(kind)?, ids)));
    let used = |spec: &'static Spec| spec.aside.iter().filter(|aside| says(model, state, spec.kind, aside.attr)).collect();
    let listed = network.as_ref();
    let kinds = together(
        kinds.map(|(spec, ids)| -> Work<'_, _> { Box::pin(kind(&reader, spec, &state.lineage, ids, (listed, used(spec)))) }).collect(),
    );
    let (kinds, images, totals, offered) =
        tokio::join!(kinds, image::look_up(&reader, model, state), totals(&reader, model, state), offers::look_up(&reader, model, state));
    let resources = kinds.into_iter().collect::<Result<_, _>>()?;
    let totals = totals?;
    let region = driver.region().into();
    Ok(Observation {
        account,
        region,
        resources,
        existing,
        images: images?,
        network: network.or(routers),
        totals,
        limits: BTreeMap::new(),
        offered: offered?.map(|offered| (None, offered)).into_iter().collect(),
        sealing_key: sealing_key(model, state)?,
        at: store::now(),
        recalled: false,
        deep: false,
    })
}

/// A new key, where something is sensitive and the state has none. Chance is read like all else from outside: a plan knows none.
pub(super) fn sealing_key(model: &Model, state: &State) -> Result<Option<String>, ReadError> {
    let sensitive = model.resources.values().flat_map(|r| r.record.values()).any(Value::is_sensitive);
    if !sensitive || state.sealing_key.is_some() {
        return Ok(None);
    }
    let failed = |e: getrandom::Error| ReadError {
        action: "the system's source of randomness".into(),
        error: ApiError::without_answer(Class::Unreachable, e.to_string()),
    };
    seal::key().map(Some).map_err(failed)
}

/// Whether a statement is about packets that come neither from the internet nor from things of the project.
pub(super) fn beyond_the_internet(statement: &Statement) -> bool {
    let wide = |value: &Value| match value {
        Value::Any => true,
        Value::Cidr(cidr) => !is_public(*cidr),
        _ => false,
    };
    statement.from.iter().any(wide)
}

/// The VPCs that the project has made or imports, or that it names, or that hold what it names.
fn vpcs(model: &Model, state: &State, existing: &BTreeMap<Address, Vec<Found>>) -> Vec<String> {
    let made = state.resources.iter().filter(|(address, _)| address.kind() == "vpc").map(|(_, vpc)| vpc.id.clone());
    let imported = model.imports.iter().filter(|i| i.to.kind() == "vpc").map(|i| i.id.clone());
    let named = existing.values().flatten().filter_map(|found| found.vpc.clone());
    made.chain(imported).chain(named).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What fits an `existing` block.
pub(super) struct Found {
    pub(super) observed: Observed,
    /// The VPC that it lies in.
    vpc: Option<String>,
}

impl Found {
    fn new(spec: &Spec, item: &Json) -> Option<Self> {
        let observed = (spec.observe)(item)?;
        // EC2 tells the VPC of whatever lies in one; that of a gateway is where it is attached.
        let told = item.get("VpcId").and_then(Json::as_str).map(str::to_owned);
        let vpc = told.or_else(|| observed.record.get("vpc").and_then(Value::as_text).map(str::to_owned));
        Some(Self { observed, vpc })
    }
}

/// How many resources carry the project's tag though the state does not know them.
#[must_use]
pub fn strays(observation: &Observation, state: &State) -> usize {
    let known: BTreeSet<&str> =
        state.resources.values().chain(state.deposed.iter().map(|d| &d.resource)).map(|resource| resource.id.as_str()).collect();
    let ours = |observed: &Observed| observed.tags.get(TAG).is_some_and(|lineage| *lineage == state.lineage);
    // What EC2 makes with a thing of another kind carries the tags of that: an instance's interface.
    let by_itself = |kind: &str, observed: &Observed| {
        let owner = observed.tags.get(ADDRESS).and_then(|text| Address::parse(text));
        owner.is_none_or(|owner| resources::taken_for(owner.kind()) == resources::taken_for(kind))
    };
    let all = observation.resources.iter().flat_map(|(kind, found)| found.iter().map(move |(id, observed)| (kind, id, observed)));
    all.filter(|(kind, id, observed)| !known.contains(id.as_str()) && ours(observed) && by_itself(kind, observed)).count()
}

/// The AWS account that the credentials are for.
///
/// # Errors
/// The call was refused, or there was no answer.
pub async fn who(driver: &dyn Driver) -> Result<Option<String>, ReadError> {
    account(&Reader::new(driver)).await
}

async fn account(reader: &Reader<'_>) -> Result<Option<String>, ReadError> {
    let answer = reader.send(&Request::new("GetCallerIdentity", Json::Object(serde_json::Map::new()))).await?;
    Ok(answer.get("Account").and_then(Json::as_str).map(str::to_owned))
}

/// How many stand of what has a quota for a Region and of which one is to be made.
async fn totals(reader: &Reader<'_>, model: &Model, state: &State) -> Result<BTreeMap<(Option<Site>, &'static str), usize>, ReadError> {
    let stands = |address: &Address| state.resources.contains_key(address) || model.imports.iter().any(|import| import.to == *address);
    let comes = model.resources.values().filter(|r| !r.existing && !stands(&r.address));
    let kinds: BTreeSet<&str> = comes.map(|r| r.address.kind()).collect();
    let counted = |spec: &&'static Spec| spec.quotas.iter().any(|quota| quota.per == Per::Region);
    let specs: Vec<&'static Spec> = kinds.into_iter().filter_map(resources::spec).filter(counted).collect();
    let work =
        specs.iter().map(|spec| -> Work<'_, _> { Box::pin(reader.pages(spec.listing.action, spec.listing.items, &[], spec.listing.page)) });
    let found = together(work.collect()).await;
    specs.iter().zip(found).map(|(spec, items)| Ok(((None, spec.kind), items?.len()))).collect()
}

/// Whether the sources or the state say anything of an attribute of some kind.
pub(super) fn says(model: &Model, state: &State, kind: &str, attribute: &str) -> bool {
    let said = |record: &Record| record.get(attribute).is_some_and(|value| *value != Value::Null);
    let written = model.resources.values().filter(|r| !r.existing && r.address.kind() == kind).any(|r| said(&r.record));
    written || state.resources.iter().filter(|(address, _)| address.kind() == kind).any(|(_, resource)| said(&resource.record))
}

/// All resources of a kind that are the project's. What was listed with its VPC already is not asked for again.
async fn kind(
    reader: &Reader<'_>,
    spec: &'static Spec,
    lineage: &str,
    ids: &BTreeSet<&str>,
    (listed, aside): (Option<&Json>, Vec<&'static Aside>),
) -> Result<(&'static str, BTreeMap<String, Observed>), ReadError> {
    let listing = &spec.listing;
    let mut items = BTreeMap::new();
    let here = listed.filter(|all| spec.listing.items.first().is_some_and(|list| all.get(list).is_some()));
    if let Some(all) = here {
        let tagged = |item: &Json| (spec.observe)(item).is_some_and(|observed| observed.tags.get(TAG).is_some_and(|l| l == lineage));
        collect(spec, elements(all, spec.listing.items).into_iter().cloned().collect(), &mut items);
        items.retain(|id, item| ids.contains(id.as_str()) || spec.stands_for.is_some() || tagged(item));
    } else if spec.tag_type.is_some() {
        let (tag, values) = (format!("tag:{TAG}"), [lineage.to_owned()]);
        collect(spec, reader.pages(listing.action, listing.items, &[(&tag, &values)], listing.page).await?, &mut items);
    }
    let rest: Vec<String> = ids.iter().filter(|id| !items.contains_key(**id)).map(|id| (*id).to_owned()).collect();
    for ids in rest.chunks(FILTER_VALUES_MAX) {
        collect(spec, reader.by_ids(listing, ids).await?, &mut items);
    }
    complete(reader, spec, &mut items).await?;
    for aside in aside {
        for request in (aside.read)(&items) {
            for answer in reader.answers(&request).await? {
                (aside.merge)(&mut items, &answer);
            }
        }
    }
    Ok((spec.kind, items.iter().filter_map(|(id, item)| Some((id.clone(), (spec.observe)(item)?))).collect()))
}

fn collect(spec: &Spec, found: Vec<Json>, items: &mut BTreeMap<String, Json>) {
    items.extend(found.into_iter().filter_map(|item| Some((item.get(spec.listing.id)?.as_str()?.to_owned(), item))));
}

/// Every resource that fits an `existing` block, by the block's address. Blocks that name one another are read in order.
pub(super) async fn existing(reader: &Reader<'_>, model: &Model, state: &State) -> Result<BTreeMap<Address, Vec<Found>>, ReadError> {
    let mut open: Vec<&Resource> = model.resources.values().filter(|r| r.existing).collect();
    let mut found: BTreeMap<Address, Vec<Found>> = BTreeMap::new();
    loop {
        let names_open = |filters: &Record| {
            let mut named = vec![];
            filters.values().for_each(|value| value.resources(&mut named));
            open.iter().any(|r| named.contains(&r.address))
        };
        let (later, now): (Vec<_>, Vec<_>) = open.iter().copied().partition(|r| names_open(&r.record));
        if now.is_empty() {
            return Ok(found);
        }
        let mut alike: BTreeMap<&str, Vec<(&Address, Record)>> = BTreeMap::new();
        let mut work: Vec<Work<'_, _>> = vec![];
        for block in &now {
            let spec = resources::spec(block.address.kind());
            match (spec, resolved(&block.record, state, &found)) {
                (Some(spec), Some(filters)) if has_id(spec, &filters) => {
                    alike.entry(spec.kind).or_default().push((&block.address, filters));
                }
                (Some(spec), Some(filters)) => work.push(Box::pin(fitting(reader, spec, vec![(&block.address, filters)]))),
                // It names something that is not there, so there is nothing that fits.
                _ => drop(found.insert(block.address.clone(), vec![])),
            }
        }
        for (kind, blocks) in alike {
            let mut blocks = blocks.into_iter().peekable();
            while let (Some(spec), Some(_)) = (resources::spec(kind), blocks.peek()) {
                work.push(Box::pin(fitting(reader, spec, blocks.by_ref().take(FILTER_VALUES_MAX).collect())));
            }
        }
        for result in together(work).await {
            found.extend(result?);
        }
        open = later;
    }
}

/// Filters with ids and attributes in the place of references; `None` if one of them is not known.
fn resolved(filters: &Record, state: &State, found: &BTreeMap<Address, Vec<Found>>) -> Option<Record> {
    let attribute = |address: &Address, name: &str| match found.get(address).map(Vec::as_slice) {
        Some([one]) if name == "id" => Some(Value::text(&one.observed.id)),
        Some([one]) => one.observed.record.get(name).cloned(),
        Some(_) => None,
        None => state.attribute(address, name),
    };
    let value = |value: &Value| {
        value.rewrite(&|leaf| match leaf {
            Value::Resource(address) => attribute(address, "id"),
            Value::Attribute(address, name) => attribute(address, name),
            _ => None,
        })
    };
    let record: Record = filters.iter().map(|(name, v)| (name.clone(), value(v))).collect();
    record.values().all(Value::is_known).then_some(record)
}

/// Whether a block says which one it wants by its id, and EC2 can be asked for it so.
fn has_id(spec: &Spec, filters: &Record) -> bool {
    !spec.listing.filter.is_empty() && filters.get("id").and_then(Value::as_text).is_some()
}

/// What fits each of some blocks of a kind: one block, or any number that say an id.
async fn fitting(
    reader: &Reader<'_>,
    spec: &'static Spec,
    blocks: Vec<(&Address, Record)>,
) -> Result<Vec<(Address, Vec<Found>)>, ReadError> {
    let asked = match blocks.as_slice() {
        [(_, filters)] => asked(spec, filters),
        many => {
            let ids: BTreeSet<&str> = many.iter().filter_map(|(_, filters)| filters.get("id")?.as_text()).collect();
            vec![(spec.listing.filter.to_owned(), ids.into_iter().map(str::to_owned).collect())]
        }
    };
    let asked: Vec<(&str, &[String])> = asked.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect();
    let mut items = BTreeMap::new();
    collect(spec, reader.pages(spec.listing.action, spec.listing.items, &asked, spec.listing.page).await?, &mut items);
    // What the listing leaves out is read for those that may still fit.
    let may_fit = |observed: Observed| blocks.iter().any(|(_, filters)| observed.fits(filters, true));
    items.retain(|_, item| (spec.observe)(item).is_some_and(may_fit));
    complete(reader, spec, &mut items).await?;
    let all = |filters: &Record| {
        items.values().filter_map(|item| Found::new(spec, item)).filter(|found| found.observed.fits(filters, false)).collect()
    };
    Ok(blocks.iter().map(|(address, filters)| ((*address).clone(), all(filters))).collect())
}

/// What EC2 is asked for by filters, of what a block says: name and values.
fn asked(spec: &Spec, filters: &Record) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_text().map(str::to_owned);
    let mut asked: Vec<(String, Vec<String>)> = vec![];
    let by_id = filters.get("id").and_then(text).filter(|_| !spec.listing.filter.is_empty());
    asked.extend(by_id.map(|id| (spec.listing.filter.into(), vec![id])));
    asked.extend(spec.filters.iter().filter_map(|(name, filter)| Some(((*filter).to_owned(), vec![text(filters.get(*name)?)?]))));
    if let Some(Value::Map(tags)) = filters.get("tags") {
        asked.extend(tags.iter().filter_map(|(key, value)| Some((format!("tag:{key}"), vec![text(value)?]))));
    }
    asked
}
