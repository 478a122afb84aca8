//! A project after resolution. Layer 1: plain data, built by `resolve` and by `state` (for what stood before).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    base::{address::Address, cidr::Cidr, date::Day, service::Service, site::Site, source::Sources, span::Span},
    schema::{
        ask::{Answers, Question},
        resources::Resources,
        value::{Record, Value},
    },
};

/// A whole project.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    /// The `project` block.
    pub project: Project,
    /// Managed and existing resources.
    pub resources: Resources,
    /// Results, by name.
    pub outputs: BTreeMap<String, Output>,
    /// Renames.
    pub moved: Vec<Moved>,
    /// Things in EC2 that are taken under management.
    pub imports: Vec<Import>,
    /// Resources that are managed no more, and stay in EC2.
    pub forgotten: Vec<Forgotten>,
    /// Who may reach what.
    pub policies: Vec<Policy>,
    /// What of the sources and inputs nobody is shown.
    pub sensitive: Sensitive,
    /// Time-outs of what is not wanted any more, though its block is there: a project that is taken down.
    pub timeouts: BTreeMap<Address, Timeouts>,
    /// What it asks EC2 before anything else, whether there is an answer or not.
    pub questions: Vec<Question>,
    /// The answers that it was resolved with, as far as it asks.
    pub answers: Answers,
}

impl Model {
    /// Whether a policy requires anything.
    #[must_use]
    pub fn requires(&self) -> bool {
        self.policies.iter().flat_map(|p| &p.statements).any(|s| s.require)
    }
}

/// What nobody is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sensitive {
    /// The project's variables that say so.
    pub variables: BTreeSet<String>,
    /// Where sensitive values are written out. Those in variables files are where the parser saw them.
    pub literals: BTreeSet<Span>,
}

/// The `project` block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    /// Its name: that of the state file, too.
    pub name: String,
    /// Where it stands; else the environment's region.
    pub region: Option<String>,
    /// Which account it belongs to, if it says so.
    pub account: Option<String>,
    /// Other accounts and regions that it reaches into.
    pub accounts: Vec<Account>,
    /// The environment that it is for, where one was chosen; region and account are those that hold in it.
    pub environment: Option<String>,
    /// The word in the name of the environment's state file.
    pub state: Option<String>,
    /// Tags on everything that carries tags.
    pub tags: BTreeMap<String, Value>,
    /// Keys of tags that others own: neither planned nor removed. A `*` at the end stands for whatever follows.
    pub ignore_tags: Vec<String>,
    /// Where its state is kept.
    pub backend: Backend,
    /// The header of the block.
    pub span: Option<Span>,
}

/// Where a state is kept: the `state` block of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// The bucket that it is kept in; `None`: it lies beside the sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
}

/// A bucket of S3, or of what speaks its language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the keys of all objects begin with.
    pub key: String,
    /// The region it is in; `None`: that of the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A profile of `~/.aws/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A URL that stands in for that of S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// With what the objects are encrypted; `None`: with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// With what a state is encrypted. The secret itself is in no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// A key that is made of a passphrase.
    Passphrase,
    /// A key in a file.
    KeyFile,
}

impl Encryption {
    /// All, by their words.
    pub const ALL: [(&str, Self); 2] = [("passphrase", Self::Passphrase), ("key_file", Self::KeyFile)];

    /// The one of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, encryption)| encryption)
    }
}

impl Project {
    /// What its state goes by: `secure_server`, or `secure_server.prod` in an environment.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.state {
            Some(word) => format!("{}.{word}", self.name),
            None => self.name.clone(),
        }
    }
}

/// An `account` block.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its id and region.
    pub site: Site,
    /// A profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// A role to assume there.
    pub role: Option<String>,
    /// What the role's owner wants to hear.
    pub external_id: Option<String>,
    /// What the role's session is called.
    pub session_name: Option<String>,
    /// The header of the block.
    pub span: Span,
}

/// A resource of the project.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its kind and name.
    pub address: Address,
    /// Whether it is read only: then the record holds filters.
    pub existing: bool,
    /// Attributes, with defaults filled in; what is neither written nor has a default is absent. Tags include the project's.
    pub record: Record,
    /// Sentences as written, in order.
    pub sentences: Vec<Sentence>,
    /// Rules, routes, entries, associations, attachments: nodes of their own.
    pub parts: Vec<Part>,
    /// Resources it must come after, by `after = [...]`.
    pub after: Vec<Address>,
    /// How it may change.
    pub lifecycle: Lifecycle,
    /// The account and region it stands in; `None`: the project's own.
    pub site: Option<Site>,
    /// Where each written attribute's value stands.
    pub spans: BTreeMap<String, Span>,
    /// Kind and name in the source.
    pub span: Option<Span>,
}

/// The `lifecycle` block of a resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lifecycle {
    /// Whether it may neither be deleted nor replaced.
    pub protect: bool,
    /// `Some(true)`: its successor is made before it goes; `Some(false)`: after. Else as its type has it.
    pub create_first: Option<bool>,
    /// Attributes whose changes in EC2 or in the sources are left as they are.
    pub ignore: Vec<String>,
    /// For how long is waited, where it says so.
    pub timeouts: Timeouts,
    /// The block.
    pub span: Option<Span>,
}

/// For how long what is done to a resource is waited for, in seconds; what is not said is as its type has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// Until it is ready.
    pub create: Option<u64>,
    /// Until it is as it should be.
    pub update: Option<u64>,
    /// Until EC2 lets go of it, and until it is gone.
    pub delete: Option<u64>,
}

impl Resource {
    /// Where an attribute stands, or else the resource.
    #[must_use]
    pub fn span_of(&self, attribute: &str) -> Option<Span> {
        self.spans.get(attribute).copied().or(self.span)
    }

    /// The resource that an attribute refers to.
    #[must_use]
    pub fn reference(&self, attribute: &str) -> Option<&Address> {
        self.record.get(attribute).and_then(Value::as_resource)
    }
}

/// A sentence that fitted its kind's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Its first word.
    pub head: &'static str,
    /// What stands in its slots, by the slot's name; each with its place.
    pub slots: BTreeMap<&'static str, (Value, Span)>,
    /// The whole.
    pub span: Span,
}

impl Sentence {
    /// What stands in a slot; null where it was left out.
    #[must_use]
    pub fn get(&self, slot: &str) -> &Value {
        self.slots.get(slot).map_or(&Value::Null, |(value, _)| value)
    }

    /// Where a slot stands, or else the sentence.
    #[must_use]
    pub fn span_of(&self, slot: &str) -> Span {
        self.slots.get(slot).map_or(self.span, |(_, span)| *span)
    }
}

/// A piece of a resource that EC2 makes and unmakes by itself: a rule, a route, an entry, an association.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Which of its kind's parts: `ingress`, `route`, `association`.
    pub name: &'static str,
    /// What it says.
    pub record: Record,
    /// The sentence or attribute it comes from.
    pub span: Option<Span>,
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// May hold attributes that are known after apply.
    pub value: Value,
    /// What people are told about it.
    pub description: Option<String>,
    /// Whether it is never shown.
    pub sensitive: bool,
    /// Where.
    pub span: Span,
}

/// A rename.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The address it had.
    pub from: Address,
    /// The address it has.
    pub to: Address,
    /// The statement.
    pub span: Span,
}

/// `import vpc.main from "vpc-0abc"`
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What it is called here.
    pub to: Address,
    /// Its id in EC2.
    pub id: String,
    /// The statement.
    pub span: Span,
}

/// `forget subnet.legacy`
#[derive(Debug, Clone, PartialEq)]
pub struct Forgotten {
    /// The address it had.
    pub address: Address,
    /// The statement.
    pub span: Span,
}

/// A policy, type-checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it must hold in every intermediate state.
    pub during_apply: bool,
    /// Its sentences.
    pub statements: Vec<Statement>,
    /// Whether it comes from outside the project, which cannot let itself off.
    pub imposed: bool,
    /// Whether the project lets itself off for a while.
    pub waiver: Option<Waiver>,
    /// Its header.
    pub span: Span,
}

/// What lets a project off a policy, until its day is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiver {
    /// The last day on which it holds.
    pub until: Day,
    /// Why.
    pub reason: String,
    /// The statement.
    pub span: Span,
}

/// A sentence of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `require` or else `forbid`.
    pub require: bool,
    /// What flows.
    pub services: Vec<Service>,
    /// From where: resources, networks, addresses, `internet`, `any`.
    pub from: Vec<Value>,
    /// To where.
    pub to: Vec<Value>,
    /// What a `forbid` lets pass: services, and sources (none: those of the statement).
    pub except: Vec<(Vec<Service>, Vec<Value>)>,
    /// Client ports, where it says so.
    pub client_ports: Option<(u16, u16)>,
    /// What the names of the `for` around it stand for in this turn: `s = subnet.private["a"]`; empty outside of one.
    pub turn: String,
    /// The whole.
    pub span: Span,
}

impl Statement {
    /// As one wrote it, and which turn of a `for` it is.
    #[must_use]
    pub fn text(&self, sources: &Sources) -> String {
        in_words(sources, self.span, &self.turn)
    }

    /// The networks that it names.
    pub fn networks(&self) -> impl Iterator<Item = Cidr> {
        let excepted = self.except.iter().flat_map(|(_, from)| from);
        let named = self.from.iter().chain(&self.to).chain(excepted);
        named.filter_map(|value| if let Value::Cidr(cidr) = value { Some(*cidr) } else { None })
    }
}

/// A statement as one wrote it, and which turn of a `for` it is.
#[must_use]
pub fn in_words(sources: &Sources, span: Span, turn: &str) -> String {
    let text = sources.one_line(span);
    if turn.is_empty() { text } else { format!("{text}  ({turn})") }
}
