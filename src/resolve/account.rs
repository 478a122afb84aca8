//! `account` blocks, and which account and region each resource stands in. Layer 4.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::{name as name_codes, site as codes},
        diagnostic::{Sink, nearest},
        site::Site,
        span::Span,
    },
    registry::Slot,
    resolve::{cell::Resolver, convert::describe},
    resources,
    schema::{
        attr::Type,
        model::{Account, Model, Project, Resource},
        value::Value,
    },
    syntax::ast::{self, Attribute, Entry, Name},
};

/// The word that begins an account block, and that references to one begin with.
pub const WORD: &str = "account";

const SETTINGS: &[&str] = &["external_id", "id", "profile", "region", "role", "session_name"];

impl<'a> Resolver<'a, '_> {
    /// The accounts of the project, beside its own.
    pub(super) fn accounts(&mut self, project: &Project) -> Vec<Account> {
        let elsewhere: Vec<Span> = self.scopes.iter().skip(1).flat_map(|s| &s.accounts).map(|b| b.name.span).collect();
        for at in elsewhere {
            let message = "an `account` block stands in a module".to_owned();
            self.sink.push(codes::account_setting(message, at, "move it to the project, and give the module the account by a variable"));
        }
        let mut found: Vec<Account> = vec![];
        for block in self.scope().map(|s| s.accounts.clone()).unwrap_or_default() {
            let Some(account) = self.account_block(block, project) else { continue };
            let own =
                project.account.as_deref() == Some(account.site.account()) && project.region.as_deref() == Some(account.site.region());
            if own {
                self.sink.push(codes::account_twice(&account.site.to_string(), account.span, project.span));
            } else if let Some(first) = found.iter().find(|other| other.site == account.site) {
                self.sink.push(codes::account_twice(&account.site.to_string(), account.span, Some(first.span)));
            }
            found.push(account);
        }
        found
    }

    fn account_block(&mut self, block: &'a ast::Block, project: &Project) -> Option<Account> {
        let at = block.kind.span.to(block.name.span);
        let before = self.sink.all.len();
        let mut settings: BTreeMap<&str, (String, Span)> = BTreeMap::new();
        let mut seen: Vec<&Name> = vec![];
        for entry in &block.body.entries {
            let (word, place) = entry.head();
            let attribute = match entry {
                Entry::Attribute(attribute) if SETTINGS.contains(&word) => attribute,
                _ => {
                    let meant = nearest(word, SETTINGS.iter().copied());
                    self.sink.push(name_codes::unknown_setting(word, WORD, place, meant, SETTINGS));
                    continue;
                }
            };
            if let Some(first) = seen.iter().find(|n| n.text == attribute.name.text) {
                self.sink.push(name_codes::duplicate(&format!("`{word}`"), place, first.span));
                continue;
            }
            seen.push(&attribute.name);
            let value = if word == "id" { self.account(attribute) } else { self.plain(attribute) };
            settings.extend(value.map(|value| (word, (value, attribute.value.span))));
        }
        let mut wrong = |message: String, at: Span, help: &str| self.sink.push(codes::account_setting(message, at, help));
        if block.each.is_some() {
            wrong("there cannot be many of an `account` block".into(), at, "write a block for each");
        }
        if project.region.is_none() {
            let help = "write `region` into the `project` block: with several accounts it cannot be the environment's";
            wrong("the project says no region of its own".into(), at, help);
        }
        for name in ["external_id", "session_name"] {
            if let (Some((_, at)), None) = (settings.get(name), settings.get("role")) {
                wrong(format!("`{name}` is of no use without `role`"), *at, "write `role = \"arn:aws:iam::...:role/...\"`");
            }
        }
        let missing = !settings.contains_key("id") && !seen.iter().any(|n| &*n.text == "id");
        if missing {
            wrong("the account has no `id`".into(), at, "write its twelve digits: `id = \"222222222222\"`");
        }
        let mut take = |name: &str| settings.remove(name).map(|(value, _)| value);
        let region = take("region").or_else(|| project.region.clone());
        let site = Site::new(&take("id")?, &region?);
        let (profile, role, external_id, session_name) = (take("profile"), take("role"), take("external_id"), take("session_name"));
        let name = block.name.text.to_string();
        (self.sink.all.len() == before).then_some(Account { name, site, profile, role, external_id, session_name, span: at })
    }

    /// `account.NAME`: reports that there is none.
    pub(super) fn step_account(&mut self, name: &Name, at: Span) {
        let accounts = self.scope().map(|s| s.accounts.clone()).unwrap_or_default();
        if accounts.iter().any(|block| block.name.text == name.text) {
            return;
        }
        let meant = nearest(&name.text, accounts.iter().map(|b| &*b.name.text)).map(|name| Address::new(WORD, name));
        self.sink.push(name_codes::unknown_resource(&format!("{WORD}.{}", name.text), at, name.span, meant.as_ref()));
    }

    /// `account.NAME.id` and `.region`.
    pub(super) fn account_member(&mut self, account: &Address, name: &Name) -> Value {
        let site = self.accounts.iter().find(|a| *a.name == *account.name()).map(|a| a.site.clone());
        match (&*name.text, site) {
            ("id", Some(site)) => Value::text(site.account()),
            ("region", Some(site)) => Value::text(site.region()),
            // What is wrong with its block was said.
            (_, None) => Value::Error,
            (other, Some(_)) => {
                let names = ["id", "region"];
                self.sink.push(name_codes::unknown_attribute(other, WORD, name.span, nearest(other, names)));
                Value::Error
            }
        }
    }

    /// The account and region that a resource is put into.
    pub(super) fn site_of(&mut self, value: &Value, attribute: &Attribute) -> Option<Site> {
        match value {
            Value::Resource(address) if address.kind() == WORD => {
                self.accounts.iter().find(|a| *a.name == *address.name()).map(|a| a.site.clone())
            }
            Value::Null | Value::Error => None,
            other => {
                self.sink.push(codes::account_value(&describe(other), attribute.value.span));
                None
            }
        }
    }
}

/// Gives every resource the account and region of what it refers to, where it says none, and reports what cannot be.
pub(super) fn settle(model: &mut Model, sink: &mut Sink) {
    if model.project.accounts.is_empty() {
        return;
    }
    let mut sites: BTreeMap<Address, Option<Site>> = BTreeMap::new();
    for address in model.resources.keys() {
        follow(model, address, &mut sites, &mut BTreeSet::new());
    }
    for (address, site) in sites {
        // What stands where it says stays shared.
        if model.resources.get(&address).is_some_and(|r| r.site != site)
            && let Some(resource) = model.resources.get_mut(&address)
        {
            resource.site = site;
        }
    }
    for resource in model.resources.values() {
        for (other, at, kind) in references(resource) {
            check(model, resource, &other, at, kind, sink);
        }
    }
}

/// Whether a reference places, or is the other side of a rule, or the target of a route.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Attribute,
    Peer,
    Target,
}

/// What a resource refers to, where, and how; what is the other half of it does not count.
fn references(resource: &Resource) -> Vec<(Address, Option<Span>, Kind)> {
    let Some(spec) = resources::spec(resource.address.kind()) else { return vec![] };
    let mut found = vec![];
    for attr in spec.attrs.iter().filter(|a| spec.mirrored != Some(a.name) && is_reference(&a.ty)) {
        let mut named = vec![];
        resource.record.get(attr.name).into_iter().for_each(|value| value.resources(&mut named));
        found.extend(named.into_iter().map(|address| (address, resource.span_of(attr.name), Kind::Attribute)));
    }
    for sentence in &resource.sentences {
        let slots = spec.sentences.iter().filter(|s| s.head == sentence.head).flat_map(|s| s.slots);
        for slot in slots {
            let (name, kind) = match slot {
                Slot::Peers(name, _) => (name, Kind::Peer),
                Slot::Target(name, _) => (name, Kind::Target),
                _ => continue,
            };
            let mut named = vec![];
            sentence.get(name).resources(&mut named);
            found.extend(named.into_iter().map(|address| (address, Some(sentence.span_of(name)), kind)));
        }
    }
    found
}

fn is_reference(ty: &Type) -> bool {
    match ty {
        Type::Ref(_) => true,
        Type::List(of) | Type::Set(of) => is_reference(of),
        _ => false,
    }
}

/// Where a resource stands: as it says, or where the first thing stands that it refers to.
fn follow(model: &Model, address: &Address, sites: &mut BTreeMap<Address, Option<Site>>, open: &mut BTreeSet<Address>) -> Option<Site> {
    if let Some(known) = sites.get(address) {
        return known.clone();
    }
    let resource = model.resources.get(address)?;
    let written = resource.spans.contains_key(WORD);
    let site = if written || !open.insert(address.clone()) {
        resource.site.clone()
    } else {
        let first = references(resource).into_iter().find(|(other, _, kind)| *kind == Kind::Attribute && other != address);
        first.and_then(|(other, ..)| follow(model, &other, sites, open))
    };
    sites.insert(address.clone(), site.clone());
    site
}

fn check(model: &Model, resource: &Resource, other: &Address, at: Option<Span>, kind: Kind, sink: &mut Sink) {
    let Some(named) = model.resources.get(other) else { return };
    if named.site == resource.site {
        return;
    }
    let region = |r: &Resource| r.site.as_ref().map(Site::region).or(model.project.region.as_deref()).map(str::to_owned);
    // What joins two accounts or regions is there in both.
    let mirror = resources::spec(other.kind()).and_then(|s| s.mirrored).and_then(|name| named.reference(name));
    let there = mirror.and_then(|m| model.resources.get(m)).is_some_and(|m| m.site == resource.site);
    if (kind != Kind::Peer && there) || (kind == Kind::Peer && region(named) == region(resource)) {
        return;
    }
    let place = |r: &Resource| r.span_of(WORD);
    sink.push(codes::accounts_differ((&resource.address, resource.site.as_ref(), at), (other, named.site.as_ref(), place(named))));
}
