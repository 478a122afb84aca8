//! Whether the instance types that are asked for can be had where they are asked for. Layer 6: pure.

use std::collections::BTreeSet;

use crate::{
    base::{
        address::Address,
        codes::quota as codes,
        diagnostic::{Diagnostic, Severity, nearest},
    },
    plan::{Action, decide::Decision, observation::Offered, quota::Looked},
    resources,
    schema::value::Value,
};

/// Warnings of what could not be looked up.
///
/// # Errors
/// A type that there is not, or not in its zone.
pub fn check(looked: &Looked<'_>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut found: Vec<Diagnostic> =
        looked.decisions.wanted.iter().filter_map(|(address, decision)| looked.offer(address, decision)).collect();
    let untold = looked.observation.offered.iter().filter_map(|(site, offered)| match offered {
        Offered::Untold(why) => Some(codes::offers_not_told(looked.region_of(site.as_ref()), why)),
        Offered::Told { .. } => None,
    });
    found.extend(untold);
    let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    if errors.is_empty() { Ok(warnings) } else { Err(errors) }
}

impl Looked<'_> {
    fn offer(&self, address: &Address, decision: &Decision<'_>) -> Option<Diagnostic> {
        let attribute = decision.spec.runs_on?;
        let changes = decision.attributes.iter().any(|(name, ..)| *name == attribute);
        if !matches!(decision.action, Some(Action::Create | Action::Replace)) && !changes {
            return None;
        }
        let name = decision.record.get(attribute).map(Value::inner).and_then(Value::as_text)?;
        let site = decision.resource.site.as_ref();
        // What was not asked for stands so already, where it stands.
        let Offered::Told { zones, known } = self.observation.offered.get(&site.cloned())? else { return None };
        let at = decision.resource.span_of(attribute).or(decision.resource.span);
        let Some(offered) = zones.get(name) else {
            // Names are only read where one was not found.
            let meant = nearest(name, known.iter().map(String::as_str));
            return (!known.is_empty()).then(|| codes::no_such_type(name, self.region_of(site), meant, at));
        };
        let (holder, zone) = self.zone_of(decision)?;
        let zones: BTreeSet<&str> = offered.iter().map(String::as_str).collect();
        let place = self.model.resources.get(&holder).and_then(|r| r.span_of("availability_zone").or(r.span));
        (!zones.contains(&*zone)).then(|| codes::not_offered(address, name, (&holder, &zone, place), &zones, at))
    }

    /// What says in which zone something is placed, and that zone, as far as it is known before EC2 chooses one.
    fn zone_of(&self, decision: &Decision<'_>) -> Option<(Address, String)> {
        let record = &decision.resource.record;
        let direct = decision.spec.placed_in.iter().find_map(|name| record.get(*name)?.as_resource());
        // What stands on an interface stands where that does.
        let mut named = vec![];
        record.values().for_each(|value| value.resources(&mut named));
        let mut through = named.iter().filter(|a| resources::spec(a.kind()).is_some_and(|spec| !spec.placed_in.is_empty()));
        let place = direct.or_else(|| through.next())?;
        let subnet = self.model.resources.get(place).filter(|r| !r.existing).and_then(|r| {
            let names = resources::spec(place.kind())?.placed_in;
            names.iter().find_map(|name| r.record.get(*name)?.as_resource())
        });
        let holder = subnet.unwrap_or(place);
        Some((holder.clone(), self.zone(holder)?))
    }
}
