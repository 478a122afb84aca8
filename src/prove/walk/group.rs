//! Security groups: what an interface lets in and out, and to whom a rule that names a group applies. Layer 5.

use crate::{
    base::cidr::Family,
    net::Id,
    prove::{
        chart::{Chart, PeerAt, RuleAt},
        packet::{Range, View, without_ranges},
        reason::Reason,
    },
};

use super::{Admitted, Line, Piece, Place, Spot, Step, Stream, Walk};

impl Walk<'_, '_> {
    /// What an interface's groups let pass; answers pass always.
    pub(super) fn through_groups(&mut self, interface: usize, stream: Stream, inbound: bool) -> Stream {
        let chart = self.chart;
        let Some(at) = chart.interfaces.get(interface).filter(|_| chart.is_filtered(interface)) else { return stream };
        let family = stream.family;
        let rules_of = |group: usize| -> &[RuleAt] {
            chart.groups.get(group).map_or(&[], |g| if inbound { g.ingress.of(family) } else { g.egress.of(family) })
        };
        let empty = at.groups.iter().all(|g| rules_of(*g).is_empty()) && at.missing_group.is_none();
        let (speaker, identity, anybody) = (stream.speaker, stream.identity, self.anybody.clone());
        let anybody = anybody.as_slice();
        let barred = self.barred.clone();
        let barred = barred.as_slice();
        let hidden =
            inbound && identity.is_none() && at.groups.iter().flat_map(|g| rules_of(*g)).any(|r| names_speaker(chart, &r.peer, speaker));
        let denied = if empty {
            Reason::NoRules
        } else if hidden {
            Reason::IdentityLost
        } else {
            Reason::NoRule
        };
        let spot = at.groups.first().map_or(Spot::Interface(interface), |g| Spot::Group(*g));
        let admit = |piece: &Piece, view: &View, found: &mut Vec<Admitted>| {
            for group in &at.groups {
                for rule in rules_of(*group) {
                    let Some(cube) = piece.cube.where_header(view, &rule.header) else { continue };
                    let line = Some(if inbound { Line::Ingress(*group, rule.rule) } else { Line::Egress(*group, rule.rule) });
                    let one = Admitted { cube, line, at: Some(Spot::Group(*group)), doubt: None, pending: None };
                    match &rule.peer {
                        PeerAt::Addresses => found.push(one),
                        PeerAt::Unknown(reason) => found.push(Admitted { doubt: Some(reason.clone()), ..one }),
                        PeerAt::Absent(peer) => found.extend(if_absent(chart, peer, (inbound, speaker, family), view, one)),
                        PeerAt::Group(peer) if inbound => from_group((chart, barred), *peer, family, view, (speaker, identity), one, found),
                        PeerAt::Group(peer) => to_group(chart, (*group, *peer), anybody, (family, view), one, found),
                    }
                }
            }
            if let Some(id) = &at.missing_group {
                let doubt = Some(Reason::Missing(format!("security group `{id}`").into()));
                found.push(Admitted { cube: piece.cube, line: None, at: None, doubt, pending: None });
            }
        };
        self.filter(stream, (spot, denied), admit, |_, _| None)
    }

    /// Drops what was let out for members of a group only and arrives at somebody else, or goes where nobody's group is seen.
    pub(super) fn settle_pending(&mut self, mut stream: Stream, at: Option<usize>) -> Stream {
        if stream.pieces.iter().all(|p| p.pending.is_none()) {
            return stream;
        }
        let known = stream.identity.is_some();
        let mut kept = vec![];
        for mut piece in std::mem::take(&mut stream.pieces) {
            match piece.pending.take() {
                Some((group, peer)) if !(known && at.is_some_and(|i| self.chart.carries(i, peer))) => {
                    let reason = if known && at.is_some() { Reason::NoRule } else { Reason::IdentityLost };
                    if self.explain {
                        let (spot, answer) = (Spot::Group(group), stream.answer);
                        let step = Step { spot, line: None, rewrite: None, stop: Some(reason), answer };
                        kept.push(Piece { trail: piece.trail.then(step), ..piece });
                    } else {
                        self.lose(piece, (stream.asked, stream.answer), (Spot::Group(group), None), reason);
                    }
                }
                _ => kept.push(piece),
            }
        }
        stream.pieces = kept;
        stream
    }
}

/// A rule that names a group which the model lacks: whoever in the model is known to carry it is known; who does outside,
/// nobody can tell.
fn if_absent(chart: &Chart<'_>, peer: &Id, (inbound, speaker, family): (bool, Place, Family), view: &View, one: Admitted) -> Vec<Admitted> {
    let doubt = Some(Reason::Missing(format!("security group `{peer}`").into()));
    let carries = |i: usize| chart.net.interfaces.get(i).is_some_and(|at| at.groups.contains(peer));
    if inbound {
        let maybe = match speaker {
            Place::Behind(_) => true,
            Place::Interface(i) => carries(i),
            Place::Host(_) | Place::Anybody(_) | Place::Internet => false,
        };
        return if maybe { vec![Admitted { doubt, ..one }] } else { vec![] };
    }
    let own = chart.vpcs.iter().flat_map(|v| v.ranges.of(family)).copied().collect::<Vec<Range>>();
    let mut ranges = without_ranges(&[one.cube.field(view.destination)], &own);
    let carriers = chart.interfaces.iter().enumerate().filter(|(i, _)| carries(*i)).flat_map(|(_, at)| &at.addresses);
    ranges.extend(carriers.filter(|a| a.family == family).map(|a| a.range));
    let part = |range: Range| {
        let cube = one.cube.where_field(view.destination, range)?;
        Some(Admitted { cube, line: one.line, at: one.at, doubt: doubt.clone(), pending: None })
    };
    ranges.into_iter().filter_map(part).collect()
}

/// Whether a rule names a group that the speaker carries.
fn names_speaker(chart: &Chart<'_>, peer: &PeerAt, speaker: Place) -> bool {
    match (peer, speaker) {
        (PeerAt::Group(group), Place::Interface(i)) => chart.carries(i, *group),
        _ => false,
    }
}

/// A rule that admits members of a group: the sender is known by its private address, as long as nothing hides it.
fn from_group(
    (chart, barred): (&Chart<'_>, &[usize]),
    peer: usize,
    family: Family,
    view: &View,
    (speaker, identity): (Place, Option<usize>),
    one: Admitted,
    found: &mut Vec<Admitted>,
) {
    let Some(vpc) = identity else { return };
    match speaker {
        Place::Interface(i) if chart.carries(i, peer) => found.push(one),
        Place::Anybody(subnet) if !barred.contains(&peer) => {
            let same = chart.net.security_groups.get(peer).map(|g| &g.vpc) == chart.net.vpcs.get(chart.vpc_of(subnet)).map(|v| &v.id);
            if same {
                found.push(one);
            }
        }
        Place::Host(subnet) => {
            let Some(at) = chart.subnets.get(subnet).filter(|s| s.vpc == vpc) else { return };
            for (n, interface, _) in at.addresses.of(family) {
                if chart.carries(*interface, peer)
                    && let Some(cube) = one.cube.where_field(view.source, Range::one(*n))
                {
                    found.push(Admitted { cube, line: one.line, at: one.at, doubt: None, pending: None });
                }
            }
        }
        _ => {}
    }
}

/// A rule that lets out to members of a group: to their addresses, and whoever it is must carry the group. Anybody who
/// is or could be in a subnet of the group's VPC could carry it.
fn to_group(
    chart: &Chart<'_>,
    (group, peer): (usize, usize),
    anybody: &[usize],
    (family, view): (Family, &View),
    one: Admitted,
    found: &mut Vec<Admitted>,
) {
    let members = chart.groups.get(peer).map_or(&[][..], |g| g.members.of(family).as_slice());
    let vpc = chart.net.security_groups.get(peer).and_then(|g| chart.vpc(&g.vpc));
    let could = anybody.iter().filter(|s| Some(chart.vpc_of(**s)) == vpc).filter_map(|s| chart.subnets.get(*s));
    let could = could.flat_map(|s| s.ranges.of(family).iter());
    for range in members.iter().chain(could) {
        if let Some(cube) = one.cube.where_field(view.destination, *range) {
            found.push(Admitted { cube, line: one.line, at: one.at, doubt: None, pending: Some((group, peer)) });
        }
    }
}
