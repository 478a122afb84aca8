//! What a resource type is to everything else. Layer 2: parser, planner, prover, editor, manual and EC2 read its [`Spec`].
//!
//! A type implements [`ResourceType`] in its one file under `resources/`; `Spec::of` erases the Rust type.

pub mod quota;

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Call, Json, Request},
    net::{Net, desired::Desired},
    registry::quota::Quota,
    schema::{
        attr::{Attr, DecodeError, Kind},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

/// A resource type, for those who know it by its word only.
pub struct Spec {
    /// `vpc`
    pub kind: &'static str,
    /// `vpc-`
    pub id_prefix: &'static str,
    /// The kind that it stands for: AWS gives every VPC one, which is adopted in the VPC's block and never made nor deleted.
    pub stands_for: Option<&'static str>,
    /// The manual's words.
    pub doc: &'static str,
    /// A fragment of a project that shows it; see [`ResourceType::EXAMPLE`].
    pub example: &'static str,
    /// What can be written and read.
    pub attrs: LazyLock<Vec<Attr>>,
    /// The sentences it takes.
    pub sentences: &'static [SentenceSpec],
    /// The pieces it is made of besides itself.
    pub parts: &'static [PartSpec],
    /// How many parts of one kind stand in one at most by EC2's own quota, in each family: see `plan/room.rs`.
    pub room: Option<usize>,
    /// Its attributes that say for how many rules one counts that names it, and in which family (`IPv4`, `IPv6`).
    pub counts_as: Option<(&'static str, &'static str)>,
    /// How many of it, or of something in it, EC2 lets stand: see `plan/quota.rs`.
    pub quotas: &'static [Quota],
    /// Its attributes that say into which subnet it is placed.
    pub placed_in: &'static [&'static str],
    /// What of another resource holds for it where it does not say: see [`Inherits`].
    pub inherits: Option<Inherits>,
    /// Its attribute that names an instance type: the zone it is placed in must offer that.
    pub runs_on: Option<&'static str>,
    /// What of it lets packets through for as long as it is there, and never stops any: kinds of its parts, and `""` for the
    /// resource itself. All else may do either.
    pub opens: &'static [&'static str],
    /// Parts that may not be there together with some of other kinds: what goes of the first goes before anything of the others is made or
    /// changed, and what comes of it comes after the others have gone or changed. What stays of both is no matter of order.
    pub bars: &'static [(&'static str, &'static [&'static str])],
    /// What EC2 lets stand but once at a time: a kind of its parts, or `""` for the resource itself, and the attributes in which no two
    /// may be the same; the last one, where it is a network, must not overlap. What takes such a place comes when the one before has gone.
    pub once: &'static [(&'static str, &'static [&'static str])],
    /// Whether EC2 lets go of what it names while it still names it: a template of machines that nobody launches.
    pub loose: bool,
    /// Whether no packet ever meets anything of it.
    pub unseen: bool,
    /// What a sentence shown alone needs around it, besides the attributes that must be: lines of the manual's examples.
    pub around: &'static str,
    /// Its attributes that name a hub and the VPC that it joins to it: what leads from that VPC to the hub waits for it.
    pub joins: Option<(&'static str, &'static str)>,
    /// The attribute that names a resource in whose account and region the other half of it is: it is tagged and read there too.
    pub mirrored: Option<&'static str>,
    /// `ResourceType` of its tags; `None` where EC2 has none for it.
    pub tag_type: Option<&'static str>,
    /// Whether a successor is made before it goes, when it must be replaced.
    pub create_first: bool,
    /// Whether EC2 takes one change of it at a time: what changes it or its parts goes one after the other, what is unmade first,
    /// then its updates in the order of `updates`.
    pub one_at_a_time: bool,
    /// Attributes that, while they are true, keep EC2 from deleting it: see [`Lock`].
    pub locks: &'static [Lock],
    /// Attributes, numbers, that EC2 changes in place to more and never to less: a plan that needs less is refused.
    pub grows: &'static [&'static str],
    /// What EC2 changes only while it is stopped.
    pub still: Option<Still>,
    /// What EC2 tells of one at a time only: see [`Deep`].
    pub deep: &'static [Deep],
    /// What EC2 tells in bulk, but not in its listing: see [`Aside`].
    pub aside: &'static [Aside],
    /// Names of the parts that the call which makes it makes too: all that are wanted then.
    pub made_with: &'static [&'static str],
    /// Attributes that hold JSON: two that mean the same are the same.
    pub documents: &'static [&'static str],
    /// For how long what is done to one is waited for.
    pub patience: Patience,
    /// Attributes that EC2 never tells, however they are set: of something that is imported they are taken as written.
    pub untold: &'static [&'static str],
    /// Its attributes that are secret by themselves: what is written there is sensitive, whoever wrote it.
    pub secrets: &'static [&'static str],
    /// Its attributes that name gateways which learn routes by it: when anything of it changes, what they put into tables is not
    /// known until it was read again.
    pub teaches: &'static [&'static str],
    /// Whether EC2 chooses nothing by itself: what is not written, and can be changed in place, is not to be there.
    pub exact: bool,
    /// Kinds that it is easily taken for, each with what to write instead; `THIS` in it is its address.
    pub taken_for: &'static [(&'static str, &'static str)],
    /// Names of parts that EC2 neither gives to one with this record nor takes from it: where they change, it is replaced.
    pub settled: fn(&Record) -> &'static [&'static str],
    /// How all of them are read.
    pub listing: Listing,
    /// Attributes for which the listing takes a filter, by name: what an `existing` block says of them EC2 looks for. What it says of
    /// others is compared with the answer.
    pub filters: &'static [(&'static str, &'static str)],
    /// Whether a record is what the type says.
    pub check_record: fn(&Record) -> Result<(), DecodeError>,
    /// What is wrong with those of this type in the network as a whole.
    pub check: fn(&Model, &mut Sink),
    /// The pieces that a resource as written is made of.
    pub desired_parts: fn(&Resource, &Model, &mut Sink) -> Vec<Part>,
    /// What must stand before it though it does not name it.
    pub after: fn(&Resource, &Model) -> Vec<Address>,
    /// What AWS attaches by itself to one that is made: sentences for people.
    pub attached: fn(&Resource, &Model) -> Vec<String>,
    /// The same of many, each in its turn: what it depends on is looked up once.
    pub attached_to: fn(&[&Resource], &Model) -> Vec<Vec<String>>,
    /// What it is in the network, for the prover.
    pub network: fn(&Resource, &Desired<'_>, &mut Net),
    /// The calls that make it; the answer of the first tells its id. Of what AWS gives, the first looks it up by its VPC.
    pub create: fn(&Address, &Record) -> Result<Vec<Call>, DecodeError>,
    /// The calls after them that take away what EC2 attaches to a new one because of what it refers to.
    pub bared: fn(&Address, &Record, Others<'_>) -> Vec<Call>,
    /// Id and attributes, from the answer of the first call of `create`.
    pub created: fn(&Json) -> Option<(String, Record)>,
    /// How several are made by one call, where EC2 can.
    pub alike: Option<Alike>,
    /// The calls that change it in place.
    pub updates: &'static [Update],
    /// The calls that change it in place and depend on what it was; they come after `updates`.
    pub shifts: &'static [Shift],
    /// The calls that unmake it, given what is known of it (`id` among it). Of what AWS gives: those that let go of it.
    pub delete: fn(&Address, &Record) -> Vec<Call>,
    /// What an item of the listing says; `None` for something that is gone though still listed.
    pub observe: fn(&Json) -> Option<Observed>,
    /// How its actions go through the SDK.
    #[cfg(feature = "aws")]
    pub actions: &'static [crate::ec2::Action],
}

/// For how long what is done to a resource is waited for, in seconds, where neither its `lifecycle` nor the call itself says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until it is ready.
    pub create: u64,
    /// Until it is as it should be.
    pub update: u64,
    /// Until EC2 lets go of it, and until it is gone.
    pub delete: u64,
}

impl Patience {
    /// What nobody but the project's own things holds.
    pub const SHORT: Patience = Patience { create: 300, update: 300, delete: 600 };
    /// What interfaces of other services may hold: Lambda lets go of its own within 20 to 45 minutes.
    ///
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
    pub const HELD: Patience = Patience { delete: 2700, ..Self::SHORT };
}

/// What is known of other resources, by address.
pub type Others<'a> = &'a dyn Fn(&Address) -> Option<&'a Record>;

/// One way to change a resource in place.
pub struct Update {
    /// Every attribute that this one changes; each in-place attribute is claimed by exactly one.
    pub attrs: &'static [&'static str],
    /// Whether a resource that was just made with this record still needs it.
    pub after_create: fn(&Record) -> bool,
    /// The calls. The record is the one that is wanted.
    pub calls: fn(&Address, &Record) -> Vec<Call>,
}

/// One way to change a resource in place by calls that depend on what it was: what was given goes, what is new comes.
pub struct Shift {
    /// The attribute; no update or other shift claims it.
    pub attr: &'static str,
    /// Whether a resource that was just made with this record still needs it. It was nothing then.
    pub after_create: fn(&Record) -> bool,
    /// The calls: as EC2 has it, with ids, and as it is wanted.
    pub calls: fn(&Address, &Record, &Record) -> Vec<Call>,
}

/// An attribute that keeps EC2 from deleting its resource while it is true.
///
/// It is turned off before anything else is changed, and on after. The plan refuses what the sources do not unlock.
#[derive(Debug, Clone, Copy)]
pub struct Lock {
    /// A boolean that is changed in place.
    pub attr: &'static str,
    /// Whether it keeps EC2 from stopping it, too.
    pub stops: bool,
}

/// What EC2 changes only in something that is stopped: all that changes of it goes between one stop and one start.
#[derive(Debug, Clone, Copy)]
pub struct Still {
    /// Attributes, each changed in place by its own update.
    pub attrs: &'static [&'static str],
    /// The calls that stop it.
    pub stop: fn(&Address) -> Vec<Call>,
    /// The calls that start it again.
    pub start: fn(&Address) -> Vec<Call>,
}

/// What EC2 tells of one resource a call, and no listing tells. A refresh leaves it out, or it would take a call for each.
#[derive(Debug, Clone, Copy)]
pub struct Deep {
    /// An attribute among [`Spec::untold`].
    pub attr: &'static str,
    /// The call that asks for it, by id.
    pub read: fn(&str) -> Request,
    /// What the answer says; `None` where there is none.
    pub told: fn(&Json) -> Option<Value>,
}

/// What EC2 tells of many at once by another action than the listing's. It is read only where the sources or the state say anything of
/// it, so that nobody pays for what they do not use.
#[derive(Clone, Copy)]
pub struct Aside {
    /// The attribute.
    pub attr: &'static str,
    /// The action.
    pub action: &'static str,
    /// The requests, for the listing's items, by id.
    pub read: fn(&BTreeMap<String, Json>) -> Vec<Request>,
    /// Puts an answer into the items it belongs to, by id.
    pub merge: fn(&mut BTreeMap<String, Json>, &Json),
}

/// What a resource takes over from another one of the project that it refers to, attribute by attribute, where it says nothing
/// itself. What is only read (an `existing` one) hands nothing down.
#[derive(Debug, Clone, Copy)]
pub struct Inherits {
    /// Its attribute that refers to the other one.
    pub by: &'static str,
    /// Attributes that both have.
    pub attrs: &'static [&'static str],
    /// Those among them that must be said, by the one or by the other.
    pub needs: &'static [&'static str],
    /// An attribute of its own, and those among them that do not come where it is written.
    pub instead: (&'static str, &'static [&'static str]),
    /// An attribute of its own that tells whether the other one says any of these.
    pub says: (&'static str, &'static [&'static str]),
}

/// How resources of a type that differ in nothing but their tags are made by one call.
#[derive(Debug, Clone, Copy)]
pub struct Alike {
    /// Attributes that one alone can have: what has one is made by itself.
    pub alone: &'static [&'static str],
    /// How many one call makes at most.
    pub most: usize,
    /// The parameters of the call that say how many.
    pub count: &'static [&'static str],
    /// The list of what was made, in the answer of the call.
    pub items: &'static str,
    /// The member of an item that counts them from 0, in the answer and in the listing alike: it tells which is which.
    pub index: &'static str,
    /// Attributes that name what comes with each and carries the same tags.
    pub with: &'static [&'static str],
}

/// The shape of a sentence.
#[derive(Debug)]
pub struct SentenceSpec {
    /// Its first word.
    pub head: &'static str,
    /// What follows, in order.
    pub slots: &'static [Slot],
    /// The manual's words.
    pub doc: &'static str,
    /// One that is right.
    pub example: &'static str,
}

/// A place in a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    /// This very word.
    Word(&'static str),
    /// Its name, and the words it takes.
    Choice(&'static str, &'static [&'static str]),
    /// Its name; a whole number.
    Number(&'static str),
    /// Its name; a service or a list of services. The value is a list of [`Value::Service`].
    Services(&'static str),
    /// Its name; peers or a list of them. The value is a list of networks (an address is a network of one),
    /// [`Value::Anywhere`], and resources of these kinds.
    Peers(&'static str, &'static [&'static str]),
    /// Its name; a resource of one of these kinds.
    Target(&'static str, &'static [&'static str]),
    /// Its name; a text, which may be left out.
    Text(&'static str),
}

/// A kind of part.
pub struct PartSpec {
    /// `ingress`
    pub name: &'static str,
    /// The manual's words.
    pub doc: &'static str,
    /// The members of its record that tell it from others of its owner.
    pub key: &'static [&'static str],
    /// The members that can change while it stays the same part.
    pub content: &'static [&'static str],
    /// The calls that make some of them.
    pub create: fn(&Address, &[&Record]) -> Vec<Batch>,
    /// The calls that change the content of one: old and new record. `None`: it is unmade and made.
    pub change: Option<ChangePart>,
    /// The calls that unmake some of them.
    pub delete: fn(&Address, &[&Record]) -> Vec<Batch>,
    /// When its owner goes.
    pub removal: Removal,
    /// Whether a successor is made before it goes.
    pub create_first: bool,
    /// Whether whoever refers to the owner needs this part too: a gateway is of use once it is attached.
    pub essential: bool,
    /// The member that names a subnet: all parts of the owner stand before anything is placed in that subnet.
    pub governs: Option<&'static str>,
    /// Whether making it takes the place of another owner's part with the same key: a subnet's new ACL ousts its old one.
    pub takes_over: bool,
    /// As one would write it: `ingress tcp/22 from 203.0.113.0/28`.
    pub show: fn(&Record) -> String,
}

impl PartSpec {
    /// What tells a part from others of its owner, as a text.
    #[must_use]
    pub fn key_of(&self, record: &Record) -> String {
        let members = self.key.iter().map(|k| record.get(*k).map_or_else(String::new, Value::to_string));
        format!("{} {}", self.name, members.collect::<Vec<_>>().join(" "))
    }
}

/// The calls that turn one record of a part into another: owner, old, new.
pub type ChangePart = fn(&Address, &Record, &Record) -> Vec<Call>;

/// What happens to a part when its owner goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// EC2 removes it with its owner.
    WithOwner,
    /// EC2 removes it with its owner, but it is unmade before where it names another resource, which it would hold.
    WithOwnerUnlessItRefers,
    /// It must be unmade first.
    First,
    /// EC2 removes it with its owner, and nothing else unmakes it: one that nobody asked for stays.
    Stays,
}

/// Calls that make or unmake several parts at once.
pub struct Batch {
    /// Which of the records that were given.
    pub of: Vec<usize>,
    /// One after the other.
    pub calls: Vec<Call>,
}

/// How all resources of a type are read, in pages.
pub struct Listing {
    /// `DescribeVpcs`
    pub action: &'static str,
    /// Path to the items of an answer; lists on the way are flattened.
    pub items: &'static [&'static str],
    /// Member of an item that holds its id.
    pub id: &'static str,
    /// The filter that takes ids; empty where EC2 has none, and all are read.
    pub filter: &'static str,
    /// `MaxResults`; `None` where the action has no pages.
    pub page: Option<u16>,
    /// Further reads for these ids, for what the listing leaves out.
    pub more: fn(&[String]) -> Vec<Request>,
    /// Puts an answer of a further read into the items it belongs to, by id.
    pub merge: fn(&mut BTreeMap<String, Json>, &Request, &Json),
}

impl Listing {
    /// A listing that leaves nothing out.
    #[must_use]
    pub const fn new(
        action: &'static str,
        items: &'static [&'static str],
        id: &'static str,
        filter: &'static str,
        page: Option<u16>,
    ) -> Self {
        Self { action, items, id, filter, page, more: |_| vec![], merge: |_, _, _| {} }
    }
}

/// What EC2 says about a resource. References are ids, as text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// Its id.
    pub id: String,
    /// Its attributes; one that cannot be read is absent.
    pub record: Record,
    /// Its parts: name and record.
    pub parts: Vec<(&'static str, Record)>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

impl Observed {
    /// Whether it is what the filters of an `existing` block say; with `so_far`, what was not read yet may still be.
    ///
    /// A list has at least what a filter names; what parts tell counts, as the `subnets` of a table's associations do.
    #[must_use]
    pub fn fits(&self, filters: &Record, so_far: bool) -> bool {
        let by_parts = |name: &str| {
            let member = name.strip_suffix('s').unwrap_or(name);
            let told: Vec<Value> = self.parts.iter().filter_map(|(_, record)| record.get(member)).cloned().collect();
            (!told.is_empty()).then_some(Value::List(told))
        };
        let has_all = |is: &Value, wanted: &Value| matches!(is, Value::List(all) if wanted.elements().iter().all(|w| all.contains(w)));
        filters.iter().all(|(name, wanted)| match (name.as_str(), wanted) {
            ("id", wanted) => wanted.as_text() == Some(&self.id),
            ("tags", Value::Map(tags)) => tags.iter().all(|(key, value)| self.tags.get(key).map(String::as_str) == value.as_text()),
            (name, wanted) => {
                self.record.get(name).cloned().or_else(|| by_parts(name)).map_or(so_far, |is| is == *wanted || has_all(&is, wanted))
            }
        })
    }
}

/// A resource type. See the files of `resources/`.
pub trait ResourceType: Kind + Sized + 'static {
    /// `vpc-`
    const ID_PREFIX: &'static str;
    /// See [`Spec::stands_for`].
    const STANDS_FOR: Option<&'static str> = None;
    /// The manual's words; written by the `resource!` macro.
    const DOC: &'static str;
    /// A fragment of a project that shows how it is used, for the manual. It resolves without a complaint, together with
    /// what the manual's examples take for granted.
    const EXAMPLE: &'static str;
    /// See [`Spec::sentences`].
    const SENTENCES: &'static [SentenceSpec] = &[];
    /// See [`Spec::parts`].
    const PARTS: &'static [PartSpec] = &[];
    /// See [`Spec::room`].
    const ROOM: Option<usize> = None;
    /// See [`Spec::counts_as`].
    const COUNTS_AS: Option<(&'static str, &'static str)> = None;
    /// See [`Spec::quotas`].
    const QUOTAS: &'static [Quota] = &[];
    /// See [`Spec::placed_in`].
    const PLACED_IN: &'static [&'static str] = &[];
    /// See [`Spec::inherits`].
    const INHERITS: Option<Inherits> = None;
    /// See [`Spec::runs_on`].
    const RUNS_ON: Option<&'static str> = None;
    /// See [`Spec::opens`].
    const OPENS: &'static [&'static str] = &[];
    /// See [`Spec::bars`].
    const BARS: &'static [(&'static str, &'static [&'static str])] = &[];
    /// See [`Spec::once`].
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[];
    /// See [`Spec::loose`].
    const LOOSE: bool = false;
    /// See [`Spec::around`].
    const AROUND: &'static str = "";
    /// See [`Spec::unseen`].
    const UNSEEN: bool = false;
    /// See [`Spec::joins`].
    const JOINS: Option<(&'static str, &'static str)> = None;
    /// See [`Spec::mirrored`].
    const MIRRORED: Option<&'static str> = None;
    /// See [`Spec::tag_type`].
    const TAG_TYPE: Option<&'static str>;
    /// See [`Spec::create_first`].
    const CREATE_FIRST: bool = false;
    /// See [`Spec::one_at_a_time`].
    const ONE_AT_A_TIME: bool = false;
    /// See [`Spec::taken_for`].
    const TAKEN_FOR: &'static [(&'static str, &'static str)] = &[];
    /// See [`Spec::locks`].
    const LOCKS: &'static [Lock] = &[];
    /// See [`Spec::grows`].
    const GROWS: &'static [&'static str] = &[];
    /// See [`Spec::still`].
    const STILL: Option<Still> = None;
    /// See [`Spec::deep`].
    const DEEP: &'static [Deep] = &[];
    /// See [`Spec::aside`].
    const ASIDE: &'static [Aside] = &[];
    /// See [`Spec::made_with`].
    const MADE_WITH: &'static [&'static str] = &[];
    /// See [`Spec::documents`].
    const DOCUMENTS: &'static [&'static str] = &[];
    /// See [`Spec::patience`].
    const PATIENCE: Patience = Patience::SHORT;
    /// See [`Spec::untold`].
    const UNTOLD: &'static [&'static str] = &[];
    /// See [`Spec::secrets`].
    const SECRETS: &'static [&'static str] = &[];
    /// See [`Spec::teaches`].
    const TEACHES: &'static [&'static str] = &[];
    /// See [`Spec::exact`].
    const EXACT: bool = false;
    /// See [`Spec::listing`].
    const LISTING: Listing;
    /// See [`Spec::filters`].
    const FILTERS: &'static [(&'static str, &'static str)] = &[];
    /// See [`Spec::updates`]. Tags are changed by the planner, for every type alike.
    const UPDATES: &'static [Update] = &[];
    /// See [`Spec::shifts`].
    const SHIFTS: &'static [Shift] = &[];
    /// See [`Spec::alike`].
    const ALIKE: Option<Alike> = None;
    /// Path to the id in the answer of the first call of `create`.
    const CREATED_ID: &'static [&'static str];
    /// How its actions go through the SDK.
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action];

    /// Its attributes; written by the `resource!` macro.
    fn attrs() -> Vec<Attr>;

    /// Reads a record; written by the `resource!` macro.
    ///
    /// # Errors
    /// An attribute is missing or of another type.
    fn decode(record: &Record) -> Result<Self, DecodeError>;

    /// See [`Spec::check`].
    fn check(_model: &Model, _sink: &mut Sink) {}

    /// Whether it may have parts: most of a kind that seldom has any are not read for them.
    fn has_parts(_this: &Resource) -> bool {
        true
    }

    /// See [`Spec::desired_parts`].
    fn desired_parts(&self, _this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        vec![]
    }

    /// See [`Spec::after`].
    fn after(_this: &Resource, _model: &Model) -> Vec<Address> {
        vec![]
    }

    /// See [`Spec::attached`].
    fn attached(_this: &Resource, _model: &Model) -> Vec<String> {
        vec![]
    }

    /// See [`Spec::attached_to`].
    fn attached_to(all: &[&Resource], model: &Model) -> Vec<Vec<String>> {
        all.iter().map(|this| Self::attached(this, model)).collect()
    }

    /// See [`Spec::network`]. What cannot be said of it in full is a [`Net::unread`], never left out.
    fn network(_this: &Resource, _desired: &Desired<'_>, _net: &mut Net) {}

    /// See [`Spec::settled`].
    fn settled(_record: &Record) -> &'static [&'static str] {
        &[]
    }

    /// See [`Spec::create`].
    fn create(&self, at: &Address) -> Vec<Call>;

    /// See [`Spec::bared`].
    fn bared(_at: &Address, _record: &Record, _others: Others<'_>) -> Vec<Call> {
        vec![]
    }

    /// See [`Spec::created`].
    fn created(answer: &Json) -> Option<(String, Record)> {
        let id = Self::CREATED_ID.iter().try_fold(answer, |at, key| if *key == "0" { at.get(0) } else { at.get(key) })?;
        Some((id.as_str()?.to_owned(), Record::new()))
    }

    /// See [`Spec::delete`].
    fn delete(at: &Address, record: &Record) -> Vec<Call>;

    /// See [`Spec::observe`].
    fn observe(item: &Json) -> Option<Observed>;
}

impl Spec {
    /// The Spec of a type.
    #[must_use]
    pub const fn of<T: ResourceType>() -> Spec {
        Spec {
            kind: T::KIND,
            id_prefix: T::ID_PREFIX,
            stands_for: T::STANDS_FOR,
            doc: T::DOC,
            example: T::EXAMPLE,
            attrs: LazyLock::new(T::attrs),
            sentences: T::SENTENCES,
            parts: T::PARTS,
            room: T::ROOM,
            counts_as: T::COUNTS_AS,
            quotas: T::QUOTAS,
            placed_in: T::PLACED_IN,
            inherits: T::INHERITS,
            runs_on: T::RUNS_ON,
            opens: T::OPENS,
            bars: T::BARS,
            once: T::ONCE,
            loose: T::LOOSE,
            unseen: T::UNSEEN,
            around: T::AROUND,
            joins: T::JOINS,
            mirrored: T::MIRRORED,
            tag_type: T::TAG_TYPE,
            create_first: T::CREATE_FIRST,
            one_at_a_time: T::ONE_AT_A_TIME,
            taken_for: T::TAKEN_FOR,
            settled: T::settled,
            locks: T::LOCKS,
            grows: T::GROWS,
            still: T::STILL,
            deep: T::DEEP,
            aside: T::ASIDE,
            made_with: T::MADE_WITH,
            documents: T::DOCUMENTS,
            patience: T::PATIENCE,
            untold: T::UNTOLD,
            secrets: T::SECRETS,
            teaches: T::TEACHES,
            exact: T::EXACT,
            listing: T::LISTING,
            filters: T::FILTERS,
            check_record: |record| T::decode(record).map(drop),
            check: T::check,
            desired_parts: |this, model, sink| match T::PARTS {
                [] => vec![],
                _ if !T::has_parts(this) => vec![],
                _ => T::decode(&this.record).map(|t| t.desired_parts(this, model, sink)).unwrap_or_default(),
            },
            after: T::after,
            attached: T::attached,
            attached_to: T::attached_to,
            network: T::network,
            create: |at, record| T::decode(record).map(|t| t.create(at)),
            bared: T::bared,
            created: T::created,
            alike: T::ALIKE,
            updates: T::UPDATES,
            shifts: T::SHIFTS,
            delete: T::delete,
            observe: T::observe,
            #[cfg(feature = "aws")]
            actions: T::ACTIONS,
        }
    }

    /// The kind that it is taken for, where either will do: its own, or the one that it stands for.
    #[must_use]
    pub fn taken_for(&self) -> &'static str {
        self.stands_for.unwrap_or(self.kind)
    }

    /// Whether a text looks like an id of the type: `tgw-rtb-0` is none of a type whose ids begin with `tgw-`.
    #[must_use]
    pub fn is_id(&self, text: &str) -> bool {
        text.strip_prefix(self.id_prefix).is_some_and(|rest| self.id_prefix.is_empty() || !rest.contains('-'))
    }

    /// The calls that change one that was just made with this record into what is wanted.
    #[must_use]
    pub fn after_create(&self, at: &Address, record: &Record) -> Vec<Call> {
        let updates = self.updates.iter().filter(|u| (u.after_create)(record)).flat_map(|u| (u.calls)(at, record));
        let shifts = self.shifts.iter().filter(|s| (s.after_create)(record)).flat_map(|s| (s.calls)(at, &Record::new(), record));
        updates.chain(shifts).collect()
    }

    /// The attribute of this name.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.iter().find(|a| a.name == name)
    }

    /// The kind of part of this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&'static PartSpec> {
        self.parts.iter().find(|p| p.name == name)
    }
}

/// Declares a resource type's struct, its attributes and how a record is read.
///
/// Each attribute: doc comments, `name: RustType`, perhaps `= default`, then what changing it costs.
#[macro_export]
macro_rules! resource {
    ( $(#[doc = $doc:literal])* $name:ident = $kind:literal { $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty $(= $default:expr)? , $change:ident ; )* } ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $( $(#[doc = $fdoc])* pub $field: $ty ),* }

        impl $crate::schema::attr::Kind for $name {
            const KIND: &'static str = $kind;
        }

        impl $name {
            /// The manual's words.
            const WORDS: &'static str = concat!($($doc, "\n"),*);

            fn attributes() -> Vec<$crate::schema::attr::Attr> {
                vec![$( $crate::schema::attr::Attr {
                    name: stringify!($field),
                    ty: <$ty as $crate::schema::attr::Field>::ty(),
                    doc: concat!($($fdoc, "\n"),*),
                    change: $crate::schema::attr::Change::$change,
                    required: $crate::resource!(@default $($default)?).is_none() && <$ty as $crate::schema::attr::Field>::REQUIRED,
                    default: $crate::resource!(@default $($default)?),
                } ),*]
            }

            fn from_record(record: &$crate::schema::value::Record) -> Result<Self, $crate::schema::attr::DecodeError> {
                Ok(Self { $( $field: $crate::schema::attr::field(record, stringify!($field), $crate::resource!(@default $($default)?))? ),* })
            }
        }
    };
    (@default $d:expr) => { Some($d) };
    (@default) => { None::<$crate::schema::value::Value> };
}

/// Writes the methods of [`ResourceType`] that are the same for every type.
#[macro_export]
macro_rules! declared {
    () => {
        const DOC: &'static str = Self::WORDS;

        fn attrs() -> Vec<$crate::schema::attr::Attr> {
            Self::attributes()
        }

        fn decode(record: &$crate::schema::value::Record) -> Result<Self, $crate::schema::attr::DecodeError> {
            Self::from_record(record)
        }
    };
}

/// Declares the resource types: a module each, and the list of their Specs.
#[macro_export]
macro_rules! resources {
    ($($module:ident: $name:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// Every resource type, in the order in which the manual lists them.
        pub static ALL: &[&$crate::registry::Spec] = &[$({
            static SPEC: $crate::registry::Spec = $crate::registry::Spec::of::<$module::$name>();
            &SPEC
        }),*];
    };
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spec({})", self.kind)
    }
}

impl std::fmt::Debug for PartSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartSpec({})", self.name)
    }
}
