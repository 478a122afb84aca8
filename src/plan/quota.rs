//! What would stand against EC2's quotas, before anything is sent. Layer 6: pure.
//!
//! What AWS tells of an account is held to. Where it does not tell, what is more than every new account has is a warning, what no account
//! can have an error; and where more stands already than a new account may hold, the quota was raised, and nothing is said.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::quota::{self as codes, Limit},
        diagnostic::{Diagnostic, Severity},
        site::Site,
        span::Span,
    },
    call::Json,
    plan::{
        Action, Change,
        decide::{Decision, Decisions, PartDecision},
        observation::{Limits, Observation},
        room::Lists,
        standing::Standing,
    },
    registry::{
        Spec,
        quota::{Per, Quota, RULES_OF_INTERFACE},
    },
    resources,
    schema::{
        model::Model,
        value::{Record, Value},
    },
};

/// What is looked at.
pub struct Looked<'a> {
    /// What is wanted.
    pub model: &'a Model,
    /// What stands of the project's own.
    pub standing: &'a Standing<'a>,
    /// What was decided.
    pub decisions: &'a Decisions<'a>,
    /// What happens to each resource.
    pub changes: &'a [Change],
    /// What was read.
    pub observation: &'a Observation,
}

/// Warnings of what may be too much.
///
/// # Errors
/// What is too much in any account.
pub fn check(looked: &Looked<'_>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let lists = Lists::new(looked.model, looked.standing);
    let mut found: Vec<Diagnostic> = looked.counts(&lists).iter().filter_map(|count| looked.judge(count)).collect();
    found.extend(looked.rules_of_interfaces(&lists));
    let untold = looked.observation.limits.iter().filter_map(|(site, limits)| Some((site, limits.untold.as_ref()?)));
    found.extend(untold.map(|(site, why)| codes::quotas_not_told(looked.region_of(site.as_ref()), why)));
    let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    if errors.is_empty() { Ok(warnings) } else { Err(errors) }
}

/// Of which quotas it matters what the account has, by account and Region.
#[must_use]
pub fn in_question(looked: &Looked<'_>) -> BTreeMap<Option<Site>, Vec<&'static Quota>> {
    let lists = Lists::new(looked.model, looked.standing);
    let mut found: BTreeMap<Option<Site>, Vec<&'static Quota>> = BTreeMap::new();
    for count in looked.counts(&lists) {
        let beyond = count.quota.ceiling.is_some_and(|ceiling| count.will > ceiling);
        if count.grows_beyond(count.quota.value) && !beyond {
            found.entry(count.site).or_default().push(count.quota);
        }
    }
    found
}

/// Things that a quota is about: how many stand, and how many will.
struct Count {
    quota: &'static Quota,
    /// Where its account and Region are; `None`: the project's own.
    site: Option<Site>,
    stands: usize,
    will: usize,
    /// `in us-east-1`
    place: String,
    /// Where the last that comes is written.
    at: Option<Span>,
}

impl Count {
    /// Whether there will be more than so many, and more than there are.
    fn grows_beyond(&self, value: usize) -> bool {
        self.will > value && self.will > self.stands
    }
}

/// What comes and goes of a group of things: how many, and where the last that comes is written.
#[derive(Default)]
struct Flow {
    stands: usize,
    comes: usize,
    goes: usize,
    last: Option<Span>,
}

impl Flow {
    fn count(&self, quota: &'static Quota, site: Option<Site>, stands: usize, place: String) -> Option<Count> {
        let before = stands + quota.given;
        let will = (before + self.comes).saturating_sub(self.goes);
        (self.comes > 0).then_some(Count { quota, site, stands: before, will, place, at: self.last })
    }
}

impl Looked<'_> {
    /// All that quotas are about.
    fn counts(&self, lists: &Lists) -> Vec<Count> {
        let kinds: BTreeSet<&str> = self.decisions.wanted.keys().map(|address| address.kind()).collect();
        let mut found = vec![];
        for spec in kinds.iter().filter_map(|kind| resources::spec(kind)) {
            for quota in spec.quotas {
                match quota.per {
                    Per::Region | Per::RegionAsKnown => found.extend(self.regions(spec, quota)),
                    Per::Attribute(names) => found.extend(self.by_attribute(spec, quota, names)),
                    Per::Zone(subnet) => found.extend(self.by_zone(spec, quota, subnet)),
                    Per::Part(part) => found.extend(self.parts(spec, quota, part, &|_| [1, 0])),
                    Per::PartByFamily(part, attribute) => {
                        found.extend(self.parts(spec, quota, part, &|record| lists.weight(record, attribute)));
                    }
                    Per::Named(attribute) => found.extend(self.named(spec, quota, attribute)),
                }
            }
        }
        found
    }

    fn judge(&self, count: &Count) -> Option<Diagnostic> {
        let Count { quota, stands, will, place, at, .. } = count;
        match quota.ceiling {
            Some(ceiling) if *will > ceiling => Some(codes::above_ceiling(&quota.limit(), *will, ceiling, place, *at)),
            _ => match self.real(count.site.as_ref(), quota) {
                Some(value) if quota.loose => {
                    count.grows_beyond(value).then(|| codes::above_quota(&Limit { value, ..quota.limit() }, *will, place, *at))
                }
                Some(value) => count.grows_beyond(value).then(|| codes::above_own_quota(&quota.limit(), *will, value, place, *at)),
                None => (count.grows_beyond(quota.value) && *stands <= quota.value)
                    .then(|| codes::above_quota(&quota.limit(), *will, place, *at)),
            },
        }
    }

    /// All resources of a type that stand, come or go, in groups.
    fn flows<K: Ord>(&self, spec: &Spec, group: impl Fn(&Address, Option<&Site>, &Record) -> Vec<K>) -> BTreeMap<K, Flow> {
        let mut flows: BTreeMap<K, Flow> = BTreeMap::new();
        for (address, thing) in self.standing.things.iter().filter(|(_, thing)| thing.spec.kind == spec.kind) {
            for key in group(address, thing.state.site.as_ref(), &thing.state.record) {
                flows.entry(key).or_default().stands += 1;
            }
        }
        for change in self.changes.iter().filter(|change| change.address.kind() == spec.kind) {
            let gone = self.standing.things.get(&change.address).map(|thing| &thing.state.record);
            let wanted = self.decisions.wanted.get(&change.address).map(|decision| decision.resource);
            match (change.action, wanted, gone) {
                (Action::Create, Some(resource), _) => {
                    for key in group(&change.address, change.site.as_ref(), &resource.record) {
                        let flow = flows.entry(key).or_default();
                        (flow.comes, flow.last) = (flow.comes + 1, resource.span.or(flow.last));
                    }
                }
                (Action::Delete, _, Some(record)) => {
                    for key in group(&change.address, change.site.as_ref(), record) {
                        flows.entry(key).or_default().goes += 1;
                    }
                }
                _ => {}
            }
        }
        flows
    }

    /// The zone of a subnet or an interface, as far as it is known before EC2 chooses one.
    pub(super) fn zone(&self, place: &Address) -> Option<String> {
        let written = self.model.resources.get(place).and_then(|r| r.record.get("availability_zone")?.as_text());
        let told = || self.standing.attribute(place, "availability_zone", &self.decisions.replaced);
        written.map(str::to_owned).or_else(|| told()?.as_text().map(str::to_owned))
    }

    /// What the account may hold, where AWS was asked and has told.
    fn real(&self, site: Option<&Site>, quota: &Quota) -> Option<usize> {
        real(&self.observation.limits, site, quota)
    }

    pub(super) fn region_of<'a>(&'a self, site: Option<&'a Site>) -> &'a str {
        site.map_or(self.standing.region, Site::region)
    }

    fn regions(&self, spec: &Spec, quota: &'static Quota) -> Vec<Count> {
        let flows = self.flows(spec, |_, site, _| vec![site.cloned()]);
        let judged = flows.into_iter().filter_map(|(site, flow)| {
            let listed = self.observation.totals.get(&(site.clone(), spec.kind)).copied();
            let known = self.listed(spec, None).max(flow.stands);
            let place = format!("in {}", self.region_of(site.as_ref()));
            flow.count(quota, site, listed.unwrap_or(known), place)
        });
        judged.collect()
    }

    fn by_attribute(&self, spec: &Spec, quota: &'static Quota, names: &[&str]) -> Vec<Count> {
        let named = |_: &Address, _: Option<&Site>, record: &Record| -> Vec<Address> {
            names.iter().filter_map(|name| record.get(*name)?.as_resource().cloned()).collect()
        };
        let judged = self.flows(spec, named).into_iter().filter_map(|(owner, flow)| {
            let id = self.standing.attribute(&owner, "id", &self.decisions.replaced);
            let listed = id.as_ref().and_then(Value::as_text).map_or(0, |id| self.listed(spec, Some(id)));
            // What AWS gives is in the list of what stands.
            let besides = if listed > 0 { quota.given } else { 0 };
            let site = self.model.resources.get(&owner).and_then(|r| r.site.clone());
            flow.count(quota, site, listed.saturating_sub(besides).max(flow.stands), format!("in `{owner}`"))
        });
        judged.collect()
    }

    /// How many of a type stand in the VPCs that were read, or in one of them.
    fn listed(&self, spec: &Spec, vpc: Option<&str>) -> usize {
        let list = spec.listing.items.first().and_then(|list| self.observation.network.as_ref()?.get(list)?.as_array());
        let there = |item: &&Json| vpc.is_none_or(|vpc| item.get("VpcId").and_then(Json::as_str) == Some(vpc));
        list.into_iter().flatten().filter(there).count()
    }

    fn by_zone(&self, spec: &Spec, quota: &'static Quota, attribute: &str) -> Vec<Count> {
        let zone = |_: &Address, site: Option<&Site>, record: &Record| -> Vec<(Option<Site>, String)> {
            let subnet = record.get(attribute).and_then(Value::as_resource);
            subnet.and_then(|subnet| self.zone(subnet)).map(|zone| (site.cloned(), zone)).into_iter().collect()
        };
        let flows = self.flows(spec, zone);
        flows.into_iter().filter_map(|((site, zone), flow)| flow.count(quota, site, flow.stands, format!("in {zone}"))).collect()
    }

    fn parts(&self, spec: &Spec, quota: &'static Quota, kind: &str, weight: &dyn Fn(&Record) -> [usize; 2]) -> Vec<Count> {
        let mut found = vec![];
        for (address, decision) in self.decisions.wanted.iter().filter(|(address, _)| address.kind() == spec.kind) {
            let (stands, will, last) = counted(decision, kind, weight);
            let more = [0, 1].into_iter().find(|family| will[*family] > stands[*family]);
            let Some(family) = more.filter(|_| last.is_some() || will != stands) else { continue };
            let worst = if will[1] > will[family] { 1 } else { family };
            found.push(Count {
                quota,
                site: decision.resource.site.clone(),
                stands: stands[worst] + quota.given,
                will: will[worst] + quota.given,
                place: format!("in `{address}` ({kind})"),
                at: last,
            });
        }
        found
    }

    fn named(&self, spec: &Spec, quota: &'static Quota, attribute: &str) -> Vec<Count> {
        let of_type = self.decisions.wanted.iter().filter(|(address, decision)| address.kind() == spec.kind && decision.action.is_some());
        let counted = of_type.map(|(address, decision)| {
            let count = |record: &Record| record.get(attribute).map_or(0, |value| value.elements().len());
            Count {
                quota,
                site: decision.resource.site.clone(),
                stands: self.standing.things.get(*address).map_or(0, |thing| count(&thing.observed.record)),
                will: count(&decision.resource.record),
                place: format!("of `{address}`"),
                at: decision.resource.span_of(attribute).or(decision.resource.span),
            }
        });
        counted.collect()
    }

    /// What no quota allows: an interface with so many groups, of which one has so many rules.
    fn rules_of_interfaces(&self, lists: &Lists) -> Vec<Diagnostic> {
        let most = |address: &Address| -> usize {
            let Some(decision) = self.decisions.wanted.get(address) else { return 0 };
            let kinds = decision.spec.quotas.iter().filter_map(|quota| match quota.per {
                Per::PartByFamily(part, attribute) => Some((part, attribute)),
                _ => None,
            });
            kinds.flat_map(|(kind, attribute)| counted(decision, kind, &|record| lists.weight(record, attribute)).1).max().unwrap_or(0)
        };
        let mut found = vec![];
        for (address, decision) in self.decisions.wanted.iter().filter(|(_, decision)| decision.action.is_some()) {
            let attributes = decision.spec.quotas.iter().filter_map(|quota| match quota.per {
                Per::Named(attribute) => Some(attribute),
                _ => None,
            });
            for attribute in attributes {
                let groups: Vec<&Address> =
                    decision.resource.record.get(attribute).into_iter().flat_map(Value::elements).filter_map(Value::as_resource).collect();
                let worst = groups.iter().map(|group| (most(group), *group)).max();
                if let Some((rules, group)) = worst.filter(|(rules, _)| rules * groups.len() > RULES_OF_INTERFACE) {
                    let at = decision.resource.span_of(attribute).or(decision.resource.span);
                    found.push(codes::rules_of_interface(address, groups.len(), group, rules, at));
                }
            }
        }
        found
    }
}

/// How many parts of a kind stand and will stand, and where the last of the new ones is written.
fn counted(decision: &Decision<'_>, kind: &str, weight: &dyn Fn(&Record) -> [usize; 2]) -> ([usize; 2], [usize; 2], Option<Span>) {
    let sum = |[a, b]: [usize; 2], record: &Record| {
        let [c, d] = weight(record);
        [a + c, b + d]
    };
    let parts: Vec<&PartDecision> = decision.parts.iter().filter(|part| part.spec.name == kind).collect();
    let stands = parts.iter().filter_map(|part| part.observed.as_ref()).fold([0, 0], sum);
    let stays = |part: &&&PartDecision| part.wanted.is_some() || part.is_left();
    let will = parts.iter().filter(stays).filter_map(|part| part.wanted.as_ref().or(part.observed.as_ref())).fold([0, 0], sum);
    (stands, will, parts.iter().filter(|part| part.observed.is_none()).filter_map(|part| part.span).next_back())
}
/// What an account may hold, where AWS was asked and has told.
fn real(limits: &BTreeMap<Option<Site>, Limits>, site: Option<&Site>, quota: &Quota) -> Option<usize> {
    let told = &limits.get(&site.cloned())?.told;
    let own = told.get(quota.code).copied();
    // Where one is raised by raising another, it may be told as it was before.
    own.max(quota.with.and_then(|code| told.get(code).copied()))
}

/// How many parts of a kind a resource may hold of each family, where that is known of its account.
pub(super) fn of_parts(limits: &BTreeMap<Option<Site>, Limits>, site: Option<&Site>, spec: &Spec, part: &str) -> Option<usize> {
    let quota = spec.quotas.iter().find(|quota| matches!(quota.per, Per::PartByFamily(of, _) if of == part))?;
    real(limits, site, quota)
}
