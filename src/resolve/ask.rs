//! What a project asks EC2 before it can be resolved: its zones, what fits an `existing` block, AWS's prefix lists. Layer 4.
//!
//! Nothing is asked here: a question is written down, and the project is resolved again when there is an answer. Without
//! one, what follows is broken, and the question itself is reported at the end, so that neither `try` nor `??` hides it.

use std::collections::BTreeMap;

use crate::{
    base::{
        address::{Address, Key},
        codes::plan as codes,
        diagnostic::nearest,
        span::Span,
    },
    resolve::{
        account,
        cell::Resolver,
        convert::{Spot, attribute_type, convert, is_broken},
        resource::{is_filter, no_filter},
        space::Here,
    },
    resources,
    schema::{
        ask::{Question, REGION, Wanted, ZONES},
        model::{Lifecycle, Model, Resource},
        value::{Record, Value},
    },
    syntax::ast::Name,
};

/// The name in the address of a list that AWS keeps; no block can have it.
const BY_NAME: &str = "by-name";

/// Short names of lists that AWS keeps: what the name in EC2 is after the region.
const LISTS: [&str; 4] = ["s3", "dynamodb", "ec2-instance-connect", "vpc-lattice"];

impl<'a> Resolver<'a, '_> {
    fn ask(&mut self, key: &str, wanted: Wanted, span: Span) -> Option<&Vec<String>> {
        self.unsteady(true);
        self.questions.entry(key.to_owned()).or_insert_with(|| Question { key: key.to_owned(), wanted, span });
        self.answers.get(key)
    }

    /// Whether something has no answer yet, so that what seems to be missing may come of it.
    pub(super) fn is_waiting(&self) -> bool {
        self.questions.keys().any(|key| key != REGION && !self.answers.contains_key(key))
    }

    /// The zones of the region.
    pub(super) fn zones(&mut self, at: Span) -> Value {
        match self.ask(ZONES, Wanted::Zones, at) {
            Some(zones) => Value::List(zones.iter().map(Value::text).collect()),
            None => Value::Error,
        }
    }

    /// A prefix list by its name in EC2, or by the short name of one that AWS keeps: a resource that is only read.
    pub(super) fn prefix_list_named(&mut self, name: &str, at: Span) -> Value {
        self.unsteady(true);
        let address = Address::within("", "prefix_list", BY_NAME, Some(&Key::Text(name.into())));
        if !self.named.contains_key(&address) {
            let full = if LISTS.contains(&name) { format!("com.amazonaws.{}.{name}", self.region_for(at)) } else { name.to_owned() };
            let record = Record::from([("prefix_list_name".to_owned(), Value::text(&full))]);
            self.named.insert(address.clone(), only_read(address.clone(), record, at));
        }
        Value::Resource(address)
    }

    /// The project's region. Where nobody knows it yet, no list has such a name, and what it holds is unknown.
    fn region_for(&mut self, at: Span) -> String {
        if let Some(region) = &self.region {
            return region.clone();
        }
        self.ask(REGION, Wanted::Region, at).and_then(|region| region.first().cloned()).unwrap_or_else(|| "REGION".into())
    }

    /// An attribute of a prefix list that a function names: EC2 tells it. `None` of any other resource.
    pub(super) fn attribute_of_named(&mut self, address: &Address, name: &Name) -> Option<Value> {
        self.named.contains_key(address).then_some(())?;
        if attribute_type(address, &name.text).is_some() {
            return Some(Value::Attribute(address.clone(), name.text.to_string()));
        }
        let spec = resources::spec(address.kind())?;
        let names = spec.attrs.iter().map(|a| a.name).chain(["tags", "id"]);
        self.sink.push(crate::base::codes::name::unknown_attribute(&name.text, spec.kind, name.span, nearest(&name.text, names)));
        Some(Value::Error)
    }

    /// Ids of everything that fits an `existing` block with `for {}`; `None` where that is not known.
    pub(super) fn fitting(&mut self, space: usize, block: usize) -> Option<Vec<Key>> {
        let declared = self.scope_of(space)?.blocks.get(block)?;
        let (attributes, header, spec) = (declared.attributes().to_vec(), declared.header(), declared.spec?);
        let path = self.spaces.get(space)?.path.clone();
        let address = Address::within(&path, &declared.kind().text, &declared.block.name.text, None);
        let (mut one, mut wrong) = (only_read(address.clone(), Record::new(), header), false);
        for attribute in attributes {
            let word = &*attribute.name.text;
            let value = self.at(Here { space, bindings: None }, |this| this.value(&attribute.value));
            if word == account::WORD {
                one.site = self.site_of(&value, attribute);
                continue;
            }
            // The same is told of each that fits; here it is told where none does, too.
            let Some(ty) = attribute_type(&address, word).filter(|_| is_filter(spec, word)) else {
                wrong = true;
                self.sink.push(no_filter(attribute, spec));
                continue;
            };
            let value = convert(value, &ty, Spot::of(&attribute.value), &mut self.sink.all);
            wrong |= is_broken(&value);
            if value != Value::Null {
                one.record.insert(word.to_owned(), value);
            }
        }
        if wrong {
            return None;
        }
        let ids = self.ask(&format!("existing {address}"), Wanted::Fitting(Box::new(one)), header)?;
        Some(ids.iter().map(|id| Key::Text(id.as_str().into())).collect())
    }

    /// Brings what is asked into the model, and reports what has no answer.
    pub(super) fn asked(&mut self, model: &mut Model) {
        model.resources.extend(std::mem::take(&mut self.named));
        let questions: BTreeMap<String, Question> = std::mem::take(&mut self.questions);
        for (key, question) in &questions {
            match self.answers.get(key) {
                Some(answer) => drop(model.answers.insert(key.clone(), answer.clone())),
                // Without it a list is unknown, and nothing is proved with it.
                None if question.wanted == Wanted::Region => {}
                None => self.sink.push(codes::not_asked(key, question.span)),
            }
        }
        model.questions = questions.into_values().collect();
        settle(model);
    }
}

/// Where what has to be found stands: where the things stand that its filters name.
fn settle(model: &mut Model) {
    if model.questions.is_empty() {
        return;
    }
    let mut asked: Model = Model { project: model.project.clone(), resources: model.resources.clone(), ..Model::default() };
    let fitting = |question: &Question| match &question.wanted {
        Wanted::Fitting(one) => Some((**one).clone()),
        Wanted::Zones | Wanted::Region => None,
    };
    asked.resources.extend(model.questions.iter().filter_map(fitting).map(|one| (one.address.clone(), one)));
    super::settle::inherit(&mut asked);
    // What is wrong with it is told of the project itself.
    account::settle(&mut asked, &mut crate::base::diagnostic::Sink::default());
    for question in &mut model.questions {
        if let Wanted::Fitting(one) = &mut question.wanted
            && let Some(settled) = asked.resources.get(&one.address)
        {
            one.site.clone_from(&settled.site);
        }
    }
}

fn only_read(address: Address, record: Record, at: Span) -> Resource {
    Resource {
        address,
        existing: true,
        record,
        sentences: vec![],
        parts: vec![],
        after: vec![],
        lifecycle: Lifecycle::default(),
        site: None,
        spans: BTreeMap::new(),
        span: Some(at),
    }
}
