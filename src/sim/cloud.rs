//! Several accounts and regions, a world each, and what passes between them. Layer 8.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

use crate::{
    call::{ApiError, Class, Json, Request, mutates},
    sim::{
        Fault, FaultKind, LOG_MAX, Policy, answer,
        bucket::Buckets,
        fault, iam,
        refuse::Outcome,
        region, shapes,
        store::Store,
        transit_peering, vpc_peering,
        world::{ACCOUNT, World},
    },
};

/// An account and a region.
pub(crate) type Key = (String, String);

/// Every world, by whose and where it is.
pub(crate) struct Cloud {
    worlds: BTreeMap<Key, Inner>,
    /// The first one, which quotas and pace of the others are taken from.
    home: Key,
    /// Its file; those of the others lie beside it.
    path: Option<PathBuf>,
}

/// A world, and what a test or a command asks of it.
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) store: Option<Store>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) log: Vec<Request>,
    /// EC2's limits on the rate of calls, where they are wanted.
    pub(crate) buckets: Option<Buckets>,
    /// What the caller may do; `None`: everything.
    pub(crate) policy: Option<Policy>,
}

impl Inner {
    pub(crate) fn new(world: World, store: Option<Store>) -> Self {
        Self { world, store, faults: vec![], log: vec![], buckets: None, policy: None }
    }

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

fn unwritten(error: &io::Error) -> ApiError {
    ApiError::without_answer(Class::Unreachable, format!("the sandbox's file cannot be written: {error}"))
}

impl Cloud {
    pub(crate) fn new(first: Inner, path: Option<PathBuf>) -> (Self, Key) {
        let home = (first.world.account.clone(), first.world.region.clone());
        (Self { worlds: BTreeMap::from([(home.clone(), first)]), home: home.clone(), path }, home)
    }

    /// A world that is there.
    pub(crate) fn at(&mut self, key: &Key) -> &mut Inner {
        // Handles are given out for worlds that are there, and none is ever taken away.
        self.worlds.entry(key.clone()).or_insert_with(|| Inner::new(World::of(&key.0, &key.1), None))
    }

    /// Sees to it that a world is there: in memory, in its file, or as a new account finds it.
    ///
    /// # Errors
    /// Its file cannot be read or written.
    pub(crate) fn open(&mut self, key: &Key) -> io::Result<()> {
        if self.worlds.contains_key(key) {
            return Ok(());
        }
        let (account, region) = key;
        let mut fresh = World::of(account, region);
        if let Some(home) = self.worlds.get(&self.home) {
            (fresh.quotas, fresh.pace) = (home.world.quotas.clone(), home.world.pace.clone());
        }
        let inner = match &self.path {
            None => Inner::new(fresh, None),
            Some(path) => {
                let path = path.with_extension(format!("{account}.{region}.json"));
                let (world, store) = Store::open(&path, fresh, carry_out)?;
                Inner::new(world, Some(store))
            }
        };
        self.worlds.insert(key.clone(), inner);
        Ok(())
    }

    pub(crate) fn save(&mut self) -> io::Result<()> {
        self.worlds.values_mut().try_for_each(Inner::save)
    }

    /// Carries out one request in a world, and tells others what of it concerns them.
    pub(crate) fn call(&mut self, key: &Key, request: &Request) -> Result<Json, ApiError> {
        if request.action.starts_with("AuthorizeSecurityGroup") {
            self.tell_groups(key).map_err(|e| unwritten(&e))?;
        }
        let inner = self.at(key);
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
            store.append(now, counter, request, &inner.world).map_err(|e| unwritten(&e))?;
        }
        for id in std::mem::take(&mut inner.world.outbox) {
            self.deliver(key, &id).map_err(|e| unwritten(&e))?;
        }
        outcome
    }

    /// Tells the other side of a peering what this one has done.
    fn deliver(&mut self, key: &Key, id: &str) -> io::Result<()> {
        let other = vpc_peering::other_world(&self.at(key).world, id).or_else(|| transit_peering::other_world(&self.at(key).world, id));
        let Some(other) = other.filter(|(_, there)| region::exists(there)) else {
            return Ok(());
        };
        self.open(&other)?;
        let Some(mut from) = self.worlds.remove(key) else { return Ok(()) };
        vpc_peering::deliver(&mut from.world, &mut self.at(&other).world, id);
        transit_peering::deliver(&mut from.world, &mut self.at(&other).world, id);
        // What came from outside is in no file of calls.
        let saved = from.save().and_then(|()| self.at(&other).save());
        self.worlds.insert(key.clone(), from);
        saved
    }

    /// A rule may name groups of peered VPCs of other accounts in the same region.
    fn tell_groups(&mut self, key: &Key) -> io::Result<()> {
        let peered: BTreeSet<String> = self.at(key).world.peered_vpcs().into_iter().collect();
        let mut found = BTreeMap::new();
        for ((account, _), inner) in self.worlds.iter().filter(|((account, region), _)| *region == key.1 && *account != key.0) {
            let groups = inner.world.groups.iter().filter(|(_, group)| peered.contains(&group.vpc));
            found.extend(groups.map(|(id, group)| (id.clone(), (group.vpc.clone(), account.clone()))));
        }
        let inner = self.at(key);
        for (_, account) in found.values_mut() {
            *account = inner.world.exchanged(account);
        }
        if inner.world.peer_groups == found {
            return Ok(());
        }
        inner.world.peer_groups = found;
        inner.save()
    }
}

/// Carries out a request that was kept.
pub(crate) fn carry_out(world: &mut World, request: &Request) {
    let _ = answer(world, request);
    world.outbox.clear();
}

/// Where every world looks the same from outside, whatever account it is of.
pub(crate) fn at_the_door(world: &mut World, request: &Request, within: impl FnOnce(&mut World, &Request) -> Outcome) -> Outcome {
    if world.account == ACCOUNT {
        return within(world, request);
    }
    let inside = Request { action: request.action.clone(), params: exchanged(world, &request.params) };
    match within(world, &inside) {
        Ok(answer) => Ok(exchanged(world, &answer)),
        Err(error) => Err(ApiError { message: world.exchanged(&error.message), ..error }),
    }
}

fn exchanged(world: &World, json: &Json) -> Json {
    match json {
        Json::String(text) => world.exchanged(text).into(),
        Json::Array(items) => items.iter().map(|item| exchanged(world, item)).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), exchanged(world, value))).collect(),
        other => other.clone(),
    }
}
