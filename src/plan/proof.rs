//! What a plan means for who may reach what: the network as it stands against the one that will be. Layer 6.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

pub mod between;
pub(super) mod recall;

use crate::{
    base::{
        address::Address,
        cidr::Family,
        date::Day,
        diagnostic::{Diagnostic, Sink},
        span::Span,
    },
    call::Json,
    graph::Graph,
    net::{
        Id, Interface, InterfaceAddress, Net, Origin, Owner, Public,
        desired::{self, Desired, Known},
        merge::{self, Names},
        snapshot,
    },
    plan::{
        Input,
        decide::{Decisions, decide},
        lifecycle,
        safe::Against,
        standing::{Standing, Thing},
    },
    prove::{
        chart::Chart,
        lint,
        policy::{self, Judged, Outcome},
        reach, waiver,
    },
    registry::{Observed, Spec},
    resources,
    schema::{
        model,
        value::{Record, Value},
    },
};

/// What a plan means for who may reach what.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// What became of each statement of each policy.
    pub policies: Vec<Verdict>,
    /// What becomes reachable.
    pub added: Vec<Flow>,
    /// What stops being reachable.
    pub removed: Vec<Flow>,
    /// What may become reachable, or may stop being so: nobody can tell.
    pub unknown: Vec<Flow>,
    /// What people are told, with places in the sources. Not kept in plan files.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The policy.
    pub policy: String,
    /// As it is written.
    pub statement: String,
    /// Where it stands: `main.secnet:40`.
    pub place: Option<String>,
    /// What was found.
    pub outcome: Outcome,
    /// A packet that shows it.
    pub packet: Option<String>,
    /// The packet's way.
    pub hops: Vec<String>,
    /// What a proof rests on besides the model.
    pub assumptions: Vec<String>,
    /// Until when and why the project is let off, if it is.
    pub waived: Option<String>,
}

/// Flows between two named things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Who begins.
    pub from: String,
    /// Who answers.
    pub to: String,
    /// `tcp/22`
    pub service: String,
    /// The networks that it comes from, if it comes from outside.
    pub sources: Vec<String>,
    /// The networks that it goes to, if it goes outside.
    pub destinations: Vec<String>,
    /// The lines that cause it.
    pub lines: Vec<Line>,
    /// Why nobody can tell.
    pub doubt: Option<String>,
}

/// A line that lets flows through, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it says: `ingress tcp/5432 from 0.0.0.0/0`.
    pub text: String,
    /// What it belongs to: `security_group.db`.
    pub of: String,
    /// Where it stands: `main.secnet:40`; none for what AWS or somebody else has put there.
    pub place: Option<String>,
    /// Whether it lets answers back, not packets forth.
    pub answer: bool,
    /// Whether this change makes, changes or removes it.
    pub changed: bool,
}

impl Proof {
    /// Takes in what was found of the states between.
    pub(super) fn during(&mut self, against: Vec<Against>, diagnostics: Vec<Diagnostic>) {
        for found in against {
            if let Some(verdict) = self.policies.get_mut(found.statement).filter(|v| v.outcome == Outcome::Proven) {
                verdict.outcome = found.outcome;
                self.diagnostics.push(found.diagnostic);
            }
        }
        self.diagnostics.extend(diagnostics);
    }

    /// The statements that are neither proven nor waived.
    pub fn failing(&self) -> impl Iterator<Item = &Verdict> {
        self.policies.iter().filter(|v| v.outcome != Outcome::Proven && v.waived.is_none())
    }
}

/// Proves what there is to prove about a plan that will be carried out in full.
pub(super) fn prove(input: &Input<'_>, standing: &Standing<'_>, decisions: &Decisions<'_>) -> Result<Proof, Vec<Diagnostic>> {
    let (mut before, mut after) = networks(input, standing, decisions)?;
    let stopped = [before.start_machines(), after.start_machines()].contains(&true);
    let (old, new) = (Chart::new(&before), Chart::new(&after));
    let mut judged = policy::judge(&new, input.model);
    let expired = waiver::let_off(&mut judged, input.model, Day::of(input.observation.at));
    let delta = reach::delta(&old, &new);
    let place = |span: Option<Span>| span.and_then(|s| Some(input.sources?.place(s)));
    let quiet = delta.added.is_empty() && delta.removed.is_empty() && delta.unknown.is_empty();
    let said = |chart: &Chart<'_>| if quiet { Said::new() } else { lines(chart) };
    let lines = Lines { before: said(&old), after: said(&new), place: &place };
    let told = |flows: Vec<reach::Flow>, added: bool| flows.into_iter().map(|f| lines.flow(f, added)).collect();
    let mut diagnostics: Vec<Diagnostic> = expired.into_iter().chain(judged.iter().flat_map(|j| j.diagnostics.clone())).collect();
    // What somebody else has written is not the project's to mend; rules that no policy needs are for who asks for a proof.
    diagnostics.extend(lint::lints(&new).into_iter().filter(|d| !d.labels.is_empty()));
    Ok(Proof {
        policies: judged.iter().map(|j| verdict(j, input, stopped)).collect(),
        added: told(delta.added, true),
        removed: told(delta.removed, false),
        unknown: told(delta.unknown, true),
        diagnostics,
    })
}

fn verdict(judged: &Judged, input: &Input<'_>, stopped: bool) -> Verdict {
    let sources = input.sources;
    let further = [stopped.then_some(policy::STARTED), input.observation.recalled.then_some(policy::RECALLED)];
    Verdict {
        policy: judged.policy.clone(),
        statement: sources.map_or_else(String::new, |s| model::in_words(s, judged.span, &judged.turn)),
        place: sources.map(|s| s.place(judged.span)),
        outcome: judged.outcome,
        packet: judged.packet.clone(),
        hops: judged.hops.clone(),
        assumptions: judged.assumptions.iter().copied().chain(further.into_iter().flatten()).map(str::to_owned).collect(),
        waived: judged.waived.clone(),
    }
}

/// The network as it stands, and as the project would have it, both under the project's names.
///
/// # Errors
/// What is wanted cannot be planned, or EC2's answers cannot be read.
pub fn networks_of(input: &Input<'_>) -> Result<(Net, Net), Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let state = lifecycle::open(input, &mut sink).state;
    let standing = Standing::new(input.model, &state, input.observation, &mut sink);
    let graph = Graph::build(input.model.resources.values().filter(|r| !r.existing));
    let decisions = decide(input.model, &state, &standing, &graph.resources_in_order(), &mut sink);
    if sink.has_errors() { Err(sink.all) } else { networks(input, &standing, &decisions) }
}

/// The network as it stands, and as it will be, both under the project's names.
fn networks(input: &Input<'_>, standing: &Standing<'_>, decisions: &Decisions<'_>) -> Result<(Net, Net), Vec<Diagnostic>> {
    let kept = standing.things.iter().filter(|(address, _)| !decisions.replaced.contains(*address));
    let observed = kept.map(|(address, thing)| (address, thing.observed)).chain(standing.existing.iter().map(|(a, o)| (a, *o)));
    let known: Known = observed.map(|(address, o)| (address.clone(), standing.record_addresses(&o.record))).collect();
    let read = || {
        let named = |o: &Observed| Observed {
            record: standing.record_addresses(&o.record),
            parts: o.parts.iter().map(|(name, record)| (*name, standing.record_addresses(record))).collect(),
            ..o.clone()
        };
        standing.existing.iter().map(|(address, observed)| (address.clone(), named(observed))).collect()
    };
    if input.observation.recalled {
        return Ok(recall::networks((input.model, &known, &read()), standing, decisions));
    }
    let Some(listed) = &input.observation.network else {
        return Ok((Net::default(), resources::network_of_nothing(input.model, &read())));
    };
    let stands = snapshot::of_json("what EC2 answered", listed)?;
    let goes = |address: &Address| decisions.replaced.contains(address) || !decisions.wanted.contains_key(address);
    let (mut all, mut kept, mut managed) = (Names::new(), Names::new(), BTreeSet::new());
    for (address, thing) in &standing.things {
        let (id, name) = (Id::from(&*thing.observed.id), Id::from(address.as_str()));
        managed.insert(name.clone());
        all.insert(id.clone(), name.clone());
        if decisions.stays_behind(thing) && goes(address) {
            // It is somebody else's from now on.
        } else if goes(address) {
            managed.insert(id);
        } else {
            kept.insert(id, name);
        }
    }
    managed.extend(standing.deposed.iter().map(|(_, thing)| Id::from(&*thing.observed.id)));
    managed.extend(input.model.resources.values().filter(|r| !r.existing).map(|r| Id::from(r.address.as_str())));
    for (address, observed) in &standing.existing {
        let (id, name) = (Id::from(&*observed.id), Id::from(address.as_str()));
        all.insert(id.clone(), name.clone());
        kept.insert(id, name);
    }
    name_interfaces(listed, &mut all, &mut kept, &mut managed);
    let (mut before, mut after) = (stands.clone(), stands);
    before.rename(&all);
    after.rename(&kept);
    merge::complete(&mut before);
    let effective = lifecycle::effective(input.model, decisions, standing);
    let model = effective.as_ref().unwrap_or(input.model);
    let mut desired = resources::managed_network(model, &known);
    desired.rename(&kept);
    public_access(&mut after, &mut desired, &Desired::new(model, &known), (standing, &kept));
    let own = elastic_addresses(standing);
    lend_addresses(&mut after, &Desired::new(model, &known), (standing, &own));
    keep_addresses(&after, &mut desired, &Desired::new(model, &known), &own);
    let mut after = merge::merge(after, &managed, desired);
    merge::unlearn(&mut after, &taught(standing, decisions));
    Ok((before, after))
}

/// Gateways whose tables learn something else when the plan is carried out: what teaches them is made, changed or unmade.
fn taught(standing: &Standing<'_>, decisions: &Decisions<'_>) -> BTreeSet<Id> {
    let ours = standing.things.iter().map(|(address, thing)| (&*thing.observed.id, address));
    let names: BTreeMap<&str, &Address> =
        ours.chain(standing.existing.iter().map(|(address, observed)| (&*observed.id, address))).collect();
    let mut found = BTreeSet::new();
    let mut add = |spec: &Spec, record: &Record| {
        for gateway in spec.teaches.iter().filter_map(|name| desired::named(record.get(*name))) {
            found.extend(names.get(gateway.as_str()).map(|address| Id::from(address.as_str())));
            found.insert(gateway);
        }
    };
    let changes = |address: &Address| {
        let decision = decisions.wanted.get(address);
        decision.is_none_or(|d| d.action.is_some() || d.parts.iter().any(|part| !part.same))
    };
    for decision in decisions.wanted.values().filter(|d| changes(&d.resource.address)) {
        add(decision.spec, &decision.record);
    }
    let going = standing.things.iter().filter(|(address, _)| changes(address)).map(|(_, thing)| thing);
    for thing in going.chain(standing.deposed.iter().map(|(_, thing)| thing)) {
        add(thing.spec, &thing.observed.record);
    }
    found
}

/// Gives interfaces that stay the addresses that they have: AWS hands out a public one at a launch alone, and what
/// somebody else has added stays. Elastic IP addresses of the project are where the project wants them.
fn keep_addresses(stands: &Net, desired: &mut Net, model: &Desired<'_>, own: &BTreeSet<IpAddr>) {
    let held: BTreeMap<&Id, &Interface> = stands.interfaces.iter().map(|i| (&i.id, i)).collect();
    for interface in desired.interfaces.iter_mut().filter(|i| !matches!(i.owner, Owner::NatGateway(_))) {
        let Some(before) = held.get(&interface.id) else { continue };
        let machine = if let Owner::Instance { id, .. } = &interface.owner { Some(id) } else { None };
        let holders = machine.into_iter().chain([&interface.id]).filter_map(|id| Address::parse(id.as_str()));
        let holders: Vec<Address> = holders.collect();
        let wanted = holders.iter().find_map(|address| model.elastic_ip_of(address));
        let foreign = |public: Option<Public>| public.filter(|p| !matches!(p, Public::Known(ip) if own.contains(ip)));
        let mut addresses: Vec<InterfaceAddress> = before.addresses.clone();
        // Further addresses that it is to get.
        let held = |new: &InterfaceAddress| before.addresses.iter().any(|a| new.private.contains(a.private));
        addresses.extend(interface.addresses.iter().skip(1).filter(|new| !held(new)).cloned());
        for address in &mut addresses {
            let here = holders.iter().find_map(|holder| model.elastic_ip_at(holder, address.private));
            address.public = here.or(foreign(address.public));
        }
        if let Some(first) = addresses.iter_mut().find(|a| a.private.family() == Family::V4) {
            // One that is stopped has given its address back, and gets another when it is started.
            let stopped = matches!(before.owner, Owner::Instance { running: false, .. });
            let again = interface.addresses.first().and_then(|a| a.public).filter(|_| stopped);
            first.public = wanted.or(first.public).or(again);
        }
        interface.addresses = addresses;
    }
}

/// Gives interfaces that the project only reads the Elastic IP addresses that it wants there, and takes away those that it
/// wants elsewhere.
fn lend_addresses(stands: &mut Net, model: &Desired<'_>, (standing, own): (&Standing<'_>, &BTreeSet<IpAddr>)) {
    let read = |id: &Id| Address::parse(id.as_str()).filter(|address| standing.existing.contains_key(address));
    for interface in &mut stands.interfaces {
        let machine = if let Owner::Instance { id, .. } = &interface.owner { Some(id) } else { None };
        let holders: Vec<Address> = machine.into_iter().chain([&interface.id]).filter_map(read).collect();
        if holders.is_empty() {
            continue;
        }
        for address in &mut interface.addresses {
            let here = holders.iter().find_map(|holder| model.elastic_ip_at(holder, address.private));
            let foreign = address.public.filter(|p| !matches!(p, Public::Known(ip) if own.contains(ip)));
            address.public = here.or(foreign);
        }
        // A further interface of an instance is not the one that the instance's address is for.
        let first_of = |holder: &&Address| interface.id.as_str() == holder.as_str();
        let wanted = holders.iter().filter(first_of).find_map(|holder| model.elastic_ip_of(holder));
        if let Some(first) = interface.addresses.iter_mut().find(|a| a.private.family() == Family::V4) {
            first.public = wanted.or(first.public);
        }
    }
}

/// The Elastic IP addresses that the project has made.
fn elastic_addresses(standing: &Standing<'_>) -> BTreeSet<IpAddr> {
    elastic(standing).map(|(_, ip)| ip).collect()
}

/// They, each with the id of its allocation.
fn elastic<'a>(standing: &'a Standing<'_>) -> impl Iterator<Item = (&'a str, IpAddr)> {
    let things = standing.things.iter().chain(standing.deposed.iter().map(|(address, thing)| (address, thing)));
    things.filter(|(address, _)| address.kind() == "elastic_ip").filter_map(|(_, thing)| {
        match thing.observed.record.get("public_ip_address") {
            Some(Value::Ip(ip)) => Some((&*thing.observed.id, *ip)),
            _ => None,
        }
    })
}

/// Interfaces that come and go with an instance or NAT gateway, and attachments with a VPN: the interface's id, and the owner's.
fn own_interfaces(listed: &Json) -> Vec<(Id, Id)> {
    let items = |list: &str| listed.get(list).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let id = |item: &Json, path: &str| item.pointer(path).and_then(Json::as_str).map(Id::from);
    let primary = |item: &&Json| item.pointer("/Attachment/DeviceIndex").and_then(Json::as_i64) == Some(0);
    let of_instances = items("NetworkInterfaces").iter().filter(primary);
    let of_instances = of_instances.filter_map(|i| Some((id(i, "/NetworkInterfaceId")?, id(i, "/Attachment/InstanceId")?)));
    let of_nat_gateways = items("NatGateways").iter().flat_map(|nat| {
        let addresses = nat.get("NatGatewayAddresses").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        addresses.iter().filter_map(move |a| Some((id(a, "/NetworkInterfaceId")?, id(nat, "/NatGatewayId")?)))
    });
    // A VPN is attached to a transit gateway by itself.
    let of_vpns = items("TransitGatewayAttachments").iter().filter(|a| a.pointer("/ResourceType").and_then(Json::as_str) == Some("vpn"));
    let of_vpns = of_vpns.filter_map(|a| Some((id(a, "/TransitGatewayAttachmentId")?, id(a, "/ResourceId")?)));
    of_instances.chain(of_nat_gateways).chain(of_vpns).collect()
}

/// Interfaces that come with something go by its name, and go with it.
fn name_interfaces(listed: &Json, all: &mut Names, kept: &mut Names, managed: &mut BTreeSet<Id>) {
    for (interface, owner) in own_interfaces(listed) {
        if let Some(name) = all.get(&owner).cloned() {
            all.entry(interface.clone()).or_insert(name);
        }
        match kept.get(&owner).cloned() {
            Some(name) => drop(kept.entry(interface).or_insert(name)),
            None if managed.contains(&owner) => drop(managed.insert(interface)),
            _ => {}
        }
    }
    for (interface, endpoint, subnet) in interfaces_of_endpoints(listed) {
        let name = |names: &Names| Some(desired::in_subnet(names.get(&endpoint)?, names.get(&subnet).unwrap_or(&subnet)));
        all.extend(name(all).map(|name| (interface.clone(), name)));
        match name(kept) {
            Some(name) => {
                managed.insert(name.clone());
                kept.insert(interface, name);
            }
            None if managed.contains(&endpoint) => drop(managed.insert(interface)),
            None => {}
        }
    }
}

/// The region's switch is the project's where it writes one, and what the project lets off is let off as it says; what
/// somebody else has let off stays so.
fn public_access(after: &mut Net, desired: &mut Net, model: &Desired<'_>, (standing, kept): (&Standing<'_>, &Names)) {
    let target = |thing: &Thing<'_>| {
        let record = &thing.observed.record;
        let id = Id::from(record.get("vpc").or_else(|| record.get("subnet"))?.as_text()?);
        Some(kept.get(&id).cloned().unwrap_or(id))
    };
    let of = |kind: &'static str| standing.things.iter().filter(move |(address, _)| address.kind() == kind).map(|(_, thing)| thing);
    let own: BTreeSet<Id> = of("block_public_access_exclusion").filter_map(target).collect();
    for switch in &mut after.block_public_access {
        switch.exclusions.retain(|(id, _)| !own.contains(id));
    }
    let others: Vec<_> = after.exclusions.iter().filter(|(id, _)| !own.contains(id)).cloned().collect();
    let mut places: BTreeSet<_> = of("block_public_access").map(|thing| model.place(thing.state.site.as_ref())).collect();
    places.extend(desired.block_public_access.iter().map(|switch| (switch.region.clone(), switch.account.clone())));
    after.block_public_access.retain(|switch| !places.contains(&(switch.region.clone(), switch.account.clone())));
    let mut wanted = resources::block_public_access_exclusion::drawn(model);
    wanted.iter_mut().for_each(|(id, _)| *id = kept.get(id).cloned().unwrap_or_else(|| id.clone()));
    after.block_public_access.iter_mut().for_each(|switch| switch.exclusions.extend(wanted.iter().cloned()));
    desired.block_public_access.iter_mut().for_each(|switch| switch.exclusions.extend(others.iter().cloned()));
}

/// The interfaces of endpoints, each with its endpoint and its subnet.
fn interfaces_of_endpoints(listed: &Json) -> Vec<(Id, Id, Id)> {
    let items = |list: &str| listed.get(list).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let text = |item: &Json, member: &str| item.get(member).and_then(Json::as_str).map(Id::from);
    let subnets: BTreeMap<Id, Id> =
        items("NetworkInterfaces").iter().filter_map(|i| Some((text(i, "NetworkInterfaceId")?, text(i, "SubnetId")?))).collect();
    let mut found = vec![];
    for (list, id) in [("VpcEndpoints", "VpcEndpointId"), ("InstanceConnectEndpoints", "InstanceConnectEndpointId")] {
        for endpoint in items(list) {
            let interfaces = endpoint.get("NetworkInterfaceIds").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            for interface in interfaces.iter().filter_map(Json::as_str).map(Id::from) {
                if let (Some(endpoint), Some(subnet)) = (text(endpoint, id), subnets.get(&interface)) {
                    found.push((interface, endpoint, subnet.clone()));
                }
            }
        }
    }
    found
}

/// What each element says, line by line, to tell which lines a change touches.
type Said = BTreeMap<String, BTreeSet<String>>;

/// Every rule, entry and route by what it belongs to.
fn lines(chart: &Chart<'_>) -> Said {
    let mut said = Said::new();
    for (of, text) in reach::all_lines(chart) {
        said.entry(of).or_default().insert(text);
    }
    said
}

struct Lines<'a> {
    before: Said,
    after: Said,
    place: &'a dyn Fn(Option<Span>) -> Option<String>,
}

impl Lines<'_> {
    fn flow(&self, flow: reach::Flow, added: bool) -> Flow {
        let line = |line: reach::LineAt| {
            let other = if added { &self.before } else { &self.after };
            let changed = !other.get(&line.of).is_some_and(|said| said.contains(&line.text));
            let place = if matches!(line.origin, Origin::Source(_)) { (self.place)(line.origin.span()) } else { None };
            Line { text: line.text, of: line.of, place, answer: line.answer, changed }
        };
        Flow {
            from: flow.from,
            to: flow.to,
            service: flow.service,
            sources: flow.sources,
            destinations: flow.destinations,
            lines: flow.lines.into_iter().map(line).collect(),
            doubt: flow.doubt,
        }
    }
}
