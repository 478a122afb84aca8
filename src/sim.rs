//! EC2 in memory, action by action, as strict as EC2 documents it. Layer 8.
//!
//! One model with two doors: [`Sim`] is a [`Driver`] that takes requests as they are; [`handle`] and [`serve`] speak
//! EC2's Query protocol, for the AWS SDK and for any other client. The model knows EC2 only, and nothing of secnet's
//! resource types. Its clock ticks once a call: there is no wall clock, and the same calls give the same ids and states.
//! What EC2 has and this model has not, it refuses (`UnsupportedOperation`) rather than ignore it.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::json;

use crate::call::{Answer, ApiError, Class, Driver, Json, Request, mutates};

mod absent;
mod address;
mod bucket;
mod fault;
mod filter;
mod iam;
mod image;
mod instance;
mod instance_attribute;
mod instance_launch;
mod instance_type;
mod internet_gateway;
mod key_pair;
mod nat_gateway;
mod network_acl;
mod network_interface;
mod page;
mod params;
mod prefix_list;
mod query;
mod refuse;
mod region;
mod route;
mod route_table;
mod security_group;
mod security_group_rule;
mod serve;
mod shapes;
mod store;
mod subnet;
mod tag;
mod transit_attachment;
mod transit_gateway;
mod transit_table;
mod volume;
mod vpc;
mod vpn_gateway;
mod world;
mod xml;

pub use fault::{Fault, FaultKind};
pub use iam::Policy;
pub use serve::{NO_ANSWER, handle, serve};
pub use world::{ACCOUNT, Pace, Quotas, World};

use bucket::Buckets;
use params::Params;
use refuse::{Outcome, refuse};
use store::Store;

/// What carries out an action.
pub(crate) type Handler = fn(&mut World, Params<'_>) -> Outcome;

/// Actions of an area: name, handler, and the parameters that the model knows, separated by spaces.
pub(crate) type Actions = &'static [(&'static str, Handler, &'static str)];

const AREAS: &[Actions] = &[
    vpc::ACTIONS,
    subnet::ACTIONS,
    internet_gateway::ACTIONS,
    route_table::ACTIONS,
    route::ACTIONS,
    network_acl::ACTIONS,
    security_group::ACTIONS,
    security_group_rule::ACTIONS,
    address::ACTIONS,
    nat_gateway::ACTIONS,
    network_interface::ACTIONS,
    instance::ACTIONS,
    instance_attribute::ACTIONS,
    instance_type::ACTIONS,
    image::ACTIONS,
    volume::ACTIONS,
    key_pair::ACTIONS,
    prefix_list::ACTIONS,
    region::ACTIONS,
    tag::ACTIONS,
    transit_gateway::ACTIONS,
    transit_attachment::ACTIONS,
    transit_table::ACTIONS,
    vpn_gateway::ACTIONS,
    absent::ACTIONS,
];

/// Parameters that every action takes.
const EVERYWHERE: [&str; 4] = ["DryRun", "ClientToken", "MaxResults", "NextToken"];

/// How many requests the log holds at most; older ones go first.
const LOG_MAX: usize = 100_000;

/// One region of EC2, in memory.
pub struct Sim {
    inner: Mutex<Inner>,
    region: String,
}

struct Inner {
    world: World,
    store: Option<Store>,
    faults: Vec<Fault>,
    /// EC2's limits on the rate of calls, where they are wanted.
    buckets: Option<Buckets>,
    log: Vec<Request>,
    /// What the caller may do; `None`: everything.
    policy: Option<Policy>,
}

impl Sim {
    /// A new account's region.
    #[must_use]
    pub fn new(region: &str) -> Self {
        Self::of(World::new(region), None)
    }

    /// A world that was made before.
    #[must_use]
    pub fn with_world(world: World) -> Self {
        Self::of(world, None)
    }

    /// The world in a file, or a new one that will be kept there. Each call that changes it is on disk before it is
    /// answered, in a second file beside the first; dropping the `Sim`, or [`Sim::save`], brings the first up to date.
    ///
    /// # Errors
    /// The files cannot be read or written, hold no world of this region, or are in use by another process.
    pub fn load(path: &Path, region: &str) -> io::Result<Self> {
        let (world, store) = Store::open(path, region, |world, request| drop(answer(world, request)))?;
        Ok(Self::of(world, Some(store)))
    }

    fn of(world: World, store: Option<Store>) -> Self {
        let region = world.region.clone();
        Self { inner: Mutex::new(Inner { world, store, faults: vec![], buckets: None, log: vec![], policy: None }), region }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock is held is a bug that its own thread reports; the others go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Writes the world to its file, if it has one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> io::Result<()> {
        self.inner().save()
    }

    /// Carries out one request.
    ///
    /// # Errors
    /// EC2's refusals, and the faults that were asked for. `Unreachable` if the world's file cannot be written.
    pub fn call(&self, request: &Request) -> Result<Json, ApiError> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        if inner.log.len() >= LOG_MAX {
            inner.log.drain(..LOG_MAX / 10);
        }
        inner.log.push(request.clone());
        if let Some(buckets) = &mut inner.buckets {
            buckets.take(request)?;
        }
        let fault = fault::take(&mut inner.faults, &request.action);
        inner.world.advance(1);
        *inner.world.calls.entry(request.action.clone()).or_default() += 1;
        let (now, counter) = (inner.world.now, inner.world.counter);
        let outcome = match &fault {
            Some(kind) => fault::carry_out(kind, &mut inner.world, request),
            None => inner.permit(request).and_then(|()| answer(&mut inner.world, request)),
        };
        let acted = mutates(&request.action) && (outcome.is_ok() || fault == Some(FaultKind::LostAnswer));
        if let (true, Some(store)) = (acted, &mut inner.store) {
            store
                .append(now, counter, request, &inner.world)
                .map_err(|error| ApiError::without_answer(Class::Unreachable, format!("the sandbox's file cannot be written: {error}")))?;
        }
        outcome
    }

    /// From now on calls are refused that come faster than EC2's documented buckets let them.
    pub fn throttle(&self) {
        self.inner().buckets = Some(Buckets::default());
    }

    /// Has a later call go wrong.
    pub fn fault(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    /// From now on the caller may do what a policy allows, and nothing else.
    pub fn obey(&self, policy: Policy) {
        self.inner().policy = Some(policy);
    }

    /// How often an action was called.
    #[must_use]
    pub fn calls(&self, action: &str) -> u64 {
        self.inner().world.calls.get(action).copied().unwrap_or_default()
    }

    /// All calls so far, by action.
    #[must_use]
    pub fn all_calls(&self) -> BTreeMap<String, u64> {
        self.inner().world.calls.clone()
    }

    /// The requests so far, the latest last.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        self.inner().log.clone()
    }

    /// Looks at the world, or changes it behind EC2's back (quotas, pace, the clock): in a file such a change is only
    /// after [`Sim::save`].
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.inner().world)
    }
}

impl Inner {
    /// EC2 looks at permissions before it looks for things, and after it has understood the request.
    fn permit(&self, request: &Request) -> Result<(), ApiError> {
        let Some(policy) = &self.policy else { return Ok(()) };
        shapes::check_request(&request.action, &request.params)?;
        iam::check(policy, &self.world, &request.action, &request.params)
    }

    fn save(&mut self) -> io::Result<()> {
        self.store.as_mut().map_or(Ok(()), |store| store.picture(&self.world))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What cannot be written now is in the calls' file, and is carried out again at the next start.
        let _ = self.save();
    }
}

impl Driver for Sim {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move { self.call(request) })
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn describe(&self) -> String {
        "sandbox".into()
    }
}

/// Checks a request and carries it out. A refusal changes nothing.
fn answer(world: &mut World, request: &Request) -> Outcome {
    let (action, params) = (&*request.action, Params::new(&request.params));
    shapes::check_request(action, &request.params)?;
    let (_, handler, known) = AREAS
        .iter()
        .copied()
        .flatten()
        .find(|(name, ..)| *name == action)
        .ok_or_else(|| refuse("UnsupportedOperation", format!("The sandbox has no {action}.")))?;
    let model = |name: &&str| known.split(' ').chain(EVERYWHERE).any(|known| known == *name);
    if let Some(name) = params.names().find(|name| !model(name)) {
        return Err(refuse("UnsupportedOperation", format!("The sandbox does not model the parameter {name} of {action}.")));
    }
    if params.flag("DryRun") == Some(true) {
        return Err(refuse("DryRunOperation", "Request would have succeeded, but DryRun flag is set."));
    }
    if let Some(id) = named_ids(&request.params).into_iter().find(|id| world.hidden.contains_key(*id)) {
        return Err(refuse::unknown(id));
    }
    match params.text("ClientToken").filter(|token| !token.is_empty() && mutates(action)) {
        Some(token) => once(world, action, token, *handler, &request.params),
        None => handler(world, params),
    }
}

/// All texts in a request outside its filters: what is hidden among them is not found.
fn named_ids(params: &Json) -> Vec<&str> {
    match params {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(named_ids).collect(),
        Json::Object(map) => {
            map.iter().filter(|(name, _)| !matches!(&***name, "Filters" | "Filter")).flat_map(|(_, value)| named_ids(value)).collect()
        }
        _ => vec![],
    }
}

/// The same token and the same request: the same answer, and nothing more is done.
fn once(world: &mut World, action: &str, token: &str, handler: Handler, params: &Json) -> Outcome {
    let key = format!("{action} {token}");
    if let Some(known) = world.tokens.get(&key) {
        return match known.asked == *params {
            true => Ok(known.answered.clone()),
            false => Err(refuse(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )),
        };
    }
    let answered = handler(world, Params::new(params))?;
    let token = world::Token { asked: params.clone(), answered: answered.clone(), at: world.now };
    world.remember(key, token);
    Ok(answered)
}

/// `{"Return": true}`, as many actions answer.
pub(crate) fn done() -> Outcome {
    Ok(json!({"Return": true}))
}

#[cfg(test)]
mod tests;
