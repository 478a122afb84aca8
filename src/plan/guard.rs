//! Guarding the guards: what policies demanded when last applied, and no longer do. Layer 6.

use crate::{
    base::{service::Service, source::Sources},
    prove::{
        packet::{Cuboid, traffic, without_boxes},
        policy::is_public,
    },
    schema::{
        model::{Model, Statement},
        value::Value,
    },
    state::{Exception, Promise},
};

/// How many boxes a difference of services may take; more are taken for a difference.
const BOXES_MAX: usize = 10_000;

/// What a project's policies demand.
pub(super) fn promises(model: &Model, sources: Option<&Sources>) -> Vec<Promise> {
    let text = |statement: &Statement| sources.map_or_else(String::new, |s| statement.text(s));
    let promise = |policy: &str, statement: &Statement| Promise {
        policy: policy.to_owned(),
        text: text(statement),
        require: statement.require,
        services: statement.services.clone(),
        from: statement.from.clone(),
        to: statement.to.clone(),
        except: statement.except.iter().map(|(services, from)| Exception { services: services.clone(), from: from.clone() }).collect(),
        client_ports: statement.client_ports,
    };
    model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| promise(&p.name, s))).collect()
}

/// The promises that no single statement keeps any more. Which policy keeps it makes no difference.
///
/// A statement that is written as it was is the same one, whatever the names in it mean now: other maintainers are no
/// other policy, and what they may reach stands in the plan.
pub(super) fn weakened(before: &[Promise], now: &[Promise]) -> Vec<Promise> {
    let same = |new: &Promise, old: &Promise| !old.text.is_empty() && (&new.policy, &new.text) == (&old.policy, &old.text);
    before.iter().filter(|old| !now.iter().any(|new| keeps(new, old) || same(new, old))).cloned().collect()
}

/// Whether whatever keeps the one keeps the other.
fn keeps(new: &Promise, old: &Promise) -> bool {
    let sides = within(&old.from, &new.from) && within(&old.to, &new.to) && served(&old.services, &new.services);
    let ports = match (old.client_ports, new.client_ports) {
        (Some((from, to)), Some((lowest, highest))) => lowest <= from && to <= highest,
        (old, new) => old == new,
    };
    new.require == old.require && sides && ports && new.except.iter().all(|e| old.except.iter().any(|o| excepted(e, o, old)))
}

/// Whether an exception lets pass no more than another one did. One without sources is about all those of its statement.
fn excepted(new: &Exception, old: &Exception, statement: &Promise) -> bool {
    let sources = match (new.from.as_slice(), old.from.as_slice()) {
        (_, []) => true,
        ([], known) => within(&statement.from, known),
        (new, known) => within(new, known),
    };
    sources && served(&new.services, &old.services)
}

/// Whether each of some things is among others.
fn within(some: &[Value], others: &[Value]) -> bool {
    some.iter().all(|one| others.iter().any(|other| is_in(one, other)))
}

fn is_in(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (_, Value::Any) => true,
        (Value::Cidr(a), Value::Cidr(b)) => b.contains(*a),
        (Value::Cidr(a), Value::Internet) => is_public(*a),
        (a, b) => a == b,
    }
}

/// Whether all of some services is among others.
fn served(some: &[Service], others: &[Service]) -> bool {
    let boxes = |services: &[Service]| services.iter().flat_map(traffic).map(Cuboid).collect::<Vec<_>>();
    without_boxes(boxes(some), &boxes(others), BOXES_MAX).is_some_and(|left| left.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Value {
        text.parse().map_or(Value::Error, Value::Cidr)
    }

    fn forbid(wanted: &str, from: Value, except: &[(&str, &str)]) -> Promise {
        let service = |text: &str| Service::parse(text).unwrap_or(Service::Protocol(255));
        Promise {
            policy: "p".into(),
            text: String::new(),
            require: false,
            services: vec![service(wanted)],
            from: vec![from],
            to: vec![Value::text("i-1")],
            except: except.iter().map(|(what, whom)| Exception { services: vec![service(what)], from: vec![net(whom)] }).collect(),
            client_ports: None,
        }
    }

    #[track_caller]
    fn check(old: &Promise, new: &Promise, kept: bool) {
        assert_eq!(weakened(std::slice::from_ref(old), std::slice::from_ref(new)).is_empty(), kept);
    }

    #[test]
    fn a_statement_that_says_more_keeps_what_one_said_that_said_less() {
        let all = forbid("all", Value::Internet, &[]);
        let but_ssh = forbid("all", Value::Internet, &[("tcp/22", "203.0.113.0/28")]);
        check(&but_ssh, &but_ssh, true);
        check(&but_ssh, &all, true);
        check(&all, &but_ssh, false);
        check(&forbid("tcp/80-90", Value::Internet, &[]), &forbid("tcp", Value::Any, &[]), true);
        check(&forbid("tcp", Value::Any, &[]), &forbid("tcp", Value::Internet, &[]), false);
        check(&but_ssh, &forbid("all", Value::Internet, &[("tcp/22", "203.0.113.0/29")]), true);
        check(&but_ssh, &forbid("all", Value::Internet, &[("tcp/22", "203.0.0.0/16")]), false);
        check(&but_ssh, &forbid("all", Value::Internet, &[("tcp", "203.0.113.0/28")]), false);
        check(&forbid("tcp", net("203.0.113.0/28"), &[]), &forbid("tcp", Value::Internet, &[]), true);
        check(&forbid("tcp", net("10.0.0.0/8"), &[]), &forbid("tcp", Value::Internet, &[]), false);
    }

    #[test]
    fn a_require_for_fewer_client_ports_is_weaker() {
        let ports = |client_ports| Promise { require: true, client_ports, ..forbid("tcp/443", Value::Internet, &[]) };
        check(&ports(Some((2000, 3000))), &ports(Some((1024, 65535))), true);
        check(&ports(Some((1024, 65535))), &ports(Some((2000, 3000))), false);
        check(&ports(None), &ports(Some((2000, 3000))), false);
    }
}
