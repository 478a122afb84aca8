//! Small models for the tests of resource types.

use crate::{
    base::{
        address::Address,
        diagnostic::Sink,
        service::Service,
        span::{FileId, Span},
    },
    resources,
    schema::{
        model::{Model, Part, Resource, Sentence},
        value::{Record, Value},
    },
};

/// `subnet.app`, as a value.
pub fn reference(address: &str) -> Value {
    Value::Resource(Address::parse(address).expect("an address"))
}

/// A list.
pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect())
}

/// A network or an address.
pub fn net(text: &str) -> Value {
    text.parse().map(Value::Cidr).or_else(|_| text.parse().map(Value::Ip)).expect("a network or address")
}

/// A list of services.
pub fn services(texts: &[&str]) -> Value {
    list(texts.iter().map(|text| Value::Service(Service::parse(text).expect("a service"))))
}

/// A resource with these attributes and the defaults of its type; each attribute has a place of its own.
pub fn resource(address: &str, attributes: &[(&str, Value)]) -> Resource {
    let address = Address::parse(address).expect("an address");
    let spec = resources::spec(address.kind()).expect("a kind");
    let defaults = spec.attrs.iter().filter_map(|a| Some((a.name.to_owned(), a.default.clone()?)));
    let written = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let spans = attributes.iter().enumerate().map(|(i, (name, _))| ((*name).to_owned(), place(10 + i))).collect();
    let record: Record = defaults.chain(written).collect();
    let (sentences, parts, after) = (vec![], vec![], vec![]);
    Resource {
        address,
        existing: false,
        record,
        sentences,
        parts,
        after,
        lifecycle: Default::default(),
        site: None,
        spans,
        span: Some(place(0)),
    }
}

/// Some place.
pub fn place(n: usize) -> Span {
    Span::new(FileId(0), n, n + 1)
}

impl Resource {
    /// With one sentence more.
    pub fn says(mut self, head: &'static str, slots: &[(&'static str, Value)]) -> Self {
        let span = place(100 + self.sentences.len());
        let slots = slots.iter().map(|(name, value)| (*name, (value.clone(), span))).collect();
        self.sentences.push(Sentence { head, slots, span });
        self
    }
}

/// A model of these resources.
pub fn model(resources: impl IntoIterator<Item = Resource>) -> Model {
    Model { resources: resources.into_iter().map(|r| (r.address.clone(), r)).collect(), ..Model::default() }
}

/// A VPC with a subnet, `10.0.0.0/16` and `10.0.1.0/24`, and these.
pub fn network(more: impl IntoIterator<Item = Resource>) -> Model {
    let vpc = resource("vpc.main", &[("cidr_block", net("10.0.0.0/16"))]);
    let subnet = resource("subnet.app", &[("vpc", reference("vpc.main")), ("cidr_block", net("10.0.1.0/24"))]);
    model([vpc, subnet].into_iter().chain(more))
}

/// The parts of a resource of a model, and all that is wrong with the model, by code and message.
pub fn judged(model: &Model, address: &str) -> (Vec<Part>, Vec<String>) {
    let mut sink = Sink::default();
    let mut parts = vec![];
    for resource in model.resources.values() {
        let spec = resources::spec(resource.address.kind()).expect("a kind");
        let of_this = (spec.desired_parts)(resource, model, &mut sink);
        if resource.address.as_str() == address {
            parts = of_this;
        }
    }
    resources::ALL.iter().for_each(|spec| (spec.check)(model, &mut sink));
    (parts, sink.all.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect())
}

/// All that is wrong with a model.
pub fn complaints(model: &Model) -> Vec<String> {
    judged(model, "").1
}

/// The parts of a resource, as people see them.
pub fn shown(model: &Model, address: &str) -> Vec<String> {
    let spec = resources::spec(address.split('.').next().unwrap_or_default()).expect("a kind");
    judged(model, address).0.iter().map(|part| (spec.part(part.name).expect("a part").show)(&part.record)).collect()
}
