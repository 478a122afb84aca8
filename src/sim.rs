//! EC2 in memory, action by action, as strict as EC2 documents it. Layer 8.
//!
//! One model with two doors: [`Sim`] is a [`Driver`] that takes requests as they are; [`handle`] and [`serve`] speak
//! EC2's Query protocol, for the AWS SDK and for any other client. The model knows EC2 only, and nothing of secnet's
//! resource types. Its clock ticks once a call: there is no wall clock, and the same calls give the same ids and states.
//! What EC2 has and this model has not, it refuses (`UnsupportedOperation`) rather than ignore it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::json;

#[cfg(test)]
use crate::call::Class;
use crate::call::{Answer, ApiError, Driver, Json, Request, mutates};

mod address;
mod block_public_access;
mod bucket;
mod cloud;
mod dhcp_options;
mod egress_only_internet_gateway;
mod fault;
mod filter;
mod flow_log;
mod iam;
mod image;
mod instance;
mod instance_attribute;
mod instance_connect_endpoint;
mod instance_credit;
mod instance_launch;
mod instance_type;
mod internet_gateway;
mod key_pair;
mod launch_template;
mod nat_gateway;
mod network_acl;
mod network_interface;
mod page;
mod parameter;
mod params;
mod placement_group;
mod prefix_list;
mod query;
mod refuse;
mod region;
mod route;
mod route_table;
mod security_group;
mod security_group_rule;
mod serve;
mod service_quotas;
mod shapes;
mod snapshot;
mod store;
mod subnet;
mod subnet_reservation;
mod tag;
mod transit_attachment;
mod transit_gateway;
mod transit_peering;
mod transit_table;
mod volume;
mod volume_change;
mod vpc;
mod vpc_endpoint;
mod vpc_peering;
mod vpn_connection;
mod vpn_gateway;
mod world;
mod xml;

pub use instance_type::usual as usual_instance_types;
pub use region::REGIONS;

pub use fault::{Fault, FaultKind};
pub use iam::Policy;
pub use network_interface::Requester;
pub use serve::{NO_ANSWER, handle, serve};
pub use world::{ACCOUNT, Pace, Quotas, World};

use bucket::Buckets;
use cloud::{Cloud, Inner, Key};
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
    egress_only_internet_gateway::ACTIONS,
    dhcp_options::ACTIONS,
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
    instance_credit::ACTIONS,
    instance_type::ACTIONS,
    image::ACTIONS,
    volume::ACTIONS,
    volume_change::ACTIONS,
    key_pair::ACTIONS,
    launch_template::ACTIONS,
    placement_group::ACTIONS,
    subnet_reservation::ACTIONS,
    prefix_list::ACTIONS,
    vpc_endpoint::ACTIONS,
    instance_connect_endpoint::ACTIONS,
    flow_log::ACTIONS,
    block_public_access::ACTIONS,
    region::ACTIONS,
    service_quotas::ACTIONS,
    snapshot::ACTIONS,
    tag::ACTIONS,
    transit_gateway::ACTIONS,
    transit_attachment::ACTIONS,
    transit_peering::ACTIONS,
    transit_table::ACTIONS,
    vpc_peering::ACTIONS,
    vpn_gateway::ACTIONS,
    vpn_connection::ACTIONS,
];

/// Parameters that every action takes.
const EVERYWHERE: [&str; 4] = ["DryRun", "ClientToken", "MaxResults", "NextToken"];

/// How many requests the log holds at most; older ones go first.
const LOG_MAX: usize = 100_000;

/// One region of an account in EC2, in memory; other accounts and regions are beside it.
pub struct Sim {
    cloud: Arc<Mutex<Cloud>>,
    here: Key,
}

impl Sim {
    /// A new account's region.
    #[must_use]
    pub fn new(region: &str) -> Self {
        Self::of(Inner::new(World::new(region), None), None)
    }

    /// A world that was made before.
    #[must_use]
    pub fn with_world(world: World) -> Self {
        Self::of(Inner::new(world, None), None)
    }

    /// The world in a file, or a new one that will be kept there. Each call that changes it is on disk before it is
    /// answered, in a second file beside the first; dropping the `Sim`, or [`Sim::save`], brings the first up to date.
    ///
    /// # Errors
    /// The files cannot be read or written, hold no world of this region, or are in use by another process.
    pub fn load(path: &Path, region: &str) -> io::Result<Self> {
        let (world, store) = Store::open(path, World::new(region), cloud::carry_out)?;
        Ok(Self::of(Inner::new(world, Some(store)), Some(path.into())))
    }

    fn of(first: Inner, path: Option<PathBuf>) -> Self {
        let (cloud, here) = Cloud::new(first, path);
        Self { cloud: Arc::new(Mutex::new(cloud)), here }
    }

    /// Another account and region of the same EC2: as it is, or as a new account finds it.
    ///
    /// # Errors
    /// Its file cannot be read or written; one that is kept lies beside the first.
    pub fn beside(&self, account: &str, region: &str) -> io::Result<Self> {
        let here = (account.to_owned(), region.to_owned());
        self.cloud().open(&here)?;
        Ok(Self { cloud: self.cloud.clone(), here })
    }

    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        // A panic while the lock is held is a bug that its own thread reports; the others go on.
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(self.cloud().at(&self.here))
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.here.0
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.here.1
    }

    /// Writes the world to its file, if it has one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> io::Result<()> {
        self.cloud().save()
    }

    /// Carries out one request.
    ///
    /// # Errors
    /// EC2's refusals, and the faults that were asked for. `Unreachable` if the world's file cannot be written.
    pub fn call(&self, request: &Request) -> Result<Json, ApiError> {
        self.cloud().call(&self.here, request)
    }

    /// From now on calls are refused that come faster than EC2's documented buckets let them.
    pub fn throttle(&self) {
        self.inner(|inner| inner.buckets = Some(Buckets::default()));
    }

    /// Has a later call go wrong.
    pub fn fault(&self, fault: Fault) {
        self.inner(|inner| inner.faults.push(fault));
    }

    /// From now on the caller may do what a policy allows, and nothing else.
    pub fn obey(&self, policy: Policy) {
        self.inner(|inner| inner.policy = Some(policy));
    }

    /// Whether the caller may assume a role.
    ///
    /// # Errors
    /// STS's refusal, where the caller's policy does not allow it.
    pub fn assume(&self, role: &str) -> Result<(), ApiError> {
        self.inner(|inner| inner.policy.as_ref().map_or(Ok(()), |policy| iam::assume(policy, &inner.world, role)))
    }

    /// How often an action was called.
    #[must_use]
    pub fn calls(&self, action: &str) -> u64 {
        self.inner(|inner| inner.world.calls.get(action).copied().unwrap_or_default())
    }

    /// All calls so far, by action.
    #[must_use]
    pub fn all_calls(&self) -> BTreeMap<String, u64> {
        self.inner(|inner| inner.world.calls.clone())
    }

    /// The requests so far, the latest last.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        self.inner(|inner| inner.log.clone())
    }

    /// Looks at the world, or changes it behind EC2's back (quotas, pace, the clock): in a file such a change is only
    /// after [`Sim::save`].
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        self.inner(|inner| look(&mut inner.world))
    }
}

impl Driver for Sim {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move { self.call(request) })
    }

    fn region(&self) -> &str {
        &self.here.1
    }

    fn describe(&self) -> String {
        "sandbox".into()
    }
}

/// Checks a request and carries it out. A refusal changes nothing.
fn answer(world: &mut World, request: &Request) -> Outcome {
    cloud::at_the_door(world, request, within)
}

fn within(world: &mut World, request: &Request) -> Outcome {
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
