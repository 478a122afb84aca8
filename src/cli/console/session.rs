//! What the console knows, and what it answers to a line. Layer 10; reads no terminal.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    analysis::{Answer, Parsed},
    base::{
        address::Address,
        cidr::Cidr,
        codes::{console as codes, prove as prove_codes},
        diagnostic::{Diagnostic, Severity},
        service::Service,
        source::Sources,
    },
    call::Json,
    cli::{
        Stop, json,
        load::Texts,
        project::{self, ProjectArgs},
        target::Place,
    },
    prove::{
        chart::Chart,
        trace::{Trace, trace},
    },
    resolve::{self, Purpose},
    resources,
    schema::{
        model::{Model, Resource},
        value::Value,
    },
    state::{self, State},
};

/// Commands, for completion and for what was meant.
pub(super) const COMMANDS: &[&str] = &[":help", ":list", ":quit", ":type"];

/// A project that is asked.
pub(super) struct Session {
    parsed: Parsed,
    model: Model,
    state: Option<State>,
    /// What is wrong with the project.
    pub errors: Vec<Diagnostic>,
    pub texts: Texts,
}

/// What is said to a line.
pub(super) enum Reply {
    Nothing,
    Quit,
    Help,
    Value {
        value: Value,
        text: String,
    },
    Type(String),
    Resource(Box<Thing>),
    /// The service, and how it fares.
    Traces(String, Vec<Trace>),
    Names(Vec<Name>),
    Wrong(Vec<Diagnostic>, Texts),
}

/// A resource.
#[derive(Serialize)]
pub(super) struct Thing {
    pub address: String,
    /// As the state has it.
    pub id: Option<String>,
    pub attributes: Vec<Attribute>,
    pub parts: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Attribute {
    pub name: String,
    pub value: Json,
    pub text: String,
    pub from_state: bool,
}

/// Something that has a name.
#[derive(Serialize)]
pub(super) struct Name {
    pub kind: &'static str,
    pub name: String,
}

impl Session {
    /// Reads a project, which may have errors, and its state, where there is one.
    ///
    /// # Errors
    /// The sources or the state cannot be read.
    pub fn open(args: &ProjectArgs, sandbox: bool) -> Result<Self, Stop> {
        let (parsed, texts) = project::parse(args, sandbox)?;
        let look = parsed.look(Purpose::Plan);
        let (model, errors) = (look.resolved.model, look.diagnostics);
        let errors: Vec<Diagnostic> = errors.into_iter().filter(|d| d.severity == Severity::Error).collect();
        let place = Place { sandbox, ..Place::default() };
        let state = match &*model.project.name {
            "" => None,
            _ => Some(place.store(&args.directory, &model.project)?.load()?),
        };
        let state = state.map(|loaded| state::journal::fold(loaded.state, &loaded.unfinished));
        Ok(Self { parsed, model, state, errors, texts })
    }

    /// Answers a line.
    pub fn answer(&self, line: &str) -> Reply {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "" => Reply::Nothing,
            ":quit" | ":q" | ":exit" => Reply::Quit,
            ":help" | ":h" | ":?" => Reply::Help,
            ":list" => Reply::Names(self.names()),
            ":type" => self.type_of(rest),
            "trace" if !rest.is_empty() && !self.is_local("trace") => self.trace(rest),
            _ if word.starts_with(':') => self.wrong(vec![codes::unknown_command(word, COMMANDS.iter().copied())], None),
            // A comment is no question.
            _ if word.starts_with('#') || word.starts_with("//") => Reply::Nothing,
            _ => self.value(line),
        }
    }

    fn wrong(&self, diagnostics: Vec<Diagnostic>, sources: Option<Sources>) -> Reply {
        let sources = sources.unwrap_or_default();
        Reply::Wrong(diagnostics, Texts { sources, prefix: self.texts.prefix.clone(), own: self.texts.own })
    }

    /// The value of an expression and its type in words; else what is wrong.
    fn evaluate(&self, text: &str) -> Result<(Value, String), Reply> {
        let Answer { resolved, diagnostics, sources } = self.parsed.evaluate(text);
        match resolved.value {
            Some((value, ty)) if diagnostics.is_empty() && !resolve::is_broken(&value) => Ok((value, ty)),
            // What the value rests on is wrong, not the expression.
            Some(_) if diagnostics.is_empty() => Err(Reply::Wrong(self.errors.clone(), self.texts.clone())),
            _ => Err(self.wrong(diagnostics, Some(sources))),
        }
    }

    fn value(&self, text: &str) -> Reply {
        let value = match self.evaluate(text) {
            Ok((value, _)) => value,
            Err(reply) => return reply,
        };
        if let Value::Resource(address) = &value
            && let Some(resource) = self.model.resources.get(address)
        {
            return Reply::Resource(Box::new(self.thing(resource)));
        }
        let value = value.rewrite(&|leaf| match leaf {
            Value::Attribute(address, name) => self.in_state(address, name),
            _ => None,
        });
        let later =
            if matches!(value, Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)) { "   # known after apply" } else { "" };
        Reply::Value { text: format!("{value}{later}"), value }
    }

    /// What EC2 has decided, as the state has it.
    fn in_state(&self, address: &Address, name: &str) -> Option<Value> {
        let state = self.state.as_ref()?;
        let (id, record) = match (state.resources.get(address), state.existing.get(address)) {
            (Some(resource), _) => (&resource.id, &resource.record),
            (None, Some(existing)) => (&existing.id, &existing.record),
            (None, None) => return None,
        };
        if name == "id" { Some(Value::text(id)) } else { record.get(name).cloned() }
    }

    /// A resource: as it is written, then what only the state knows of it.
    fn thing(&self, resource: &Resource) -> Thing {
        let address = &resource.address;
        let spec = resources::spec(address.kind());
        let stored = self.state.as_ref().and_then(|s| s.resources.get(address));
        let attribute = |(name, value): (&String, &Value), from_state| Attribute {
            name: name.clone(),
            value: json::plain(value),
            text: value.to_string(),
            from_state,
        };
        let written = resource.record.iter().filter(|(_, value)| **value != Value::Null).map(|pair| attribute(pair, false));
        let only_stored = stored.iter().flat_map(|s| &s.record).filter(|(name, _)| !resource.record.contains_key(*name));
        let attributes = written.chain(only_stored.map(|pair| attribute(pair, true))).collect();
        let show = |part: &crate::schema::model::Part| Some((spec?.part(part.name)?.show)(&part.record));
        let parts = resource.parts.iter().filter_map(show).filter(|text| !text.is_empty()).collect();
        Thing { address: address.to_string(), id: stored.map(|s| s.id.clone()), attributes, parts }
    }

    fn type_of(&self, text: &str) -> Reply {
        match self.evaluate(text) {
            Ok((_, ty)) => Reply::Type(ty),
            Err(reply) => reply,
        }
    }

    /// `trace FROM TO SERVICE`
    fn trace(&self, rest: &str) -> Reply {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [from, to, service] = words.as_slice() else {
            let why = format!("a trace takes two ends and a service, and here {} stand", words.len());
            return self.wrong(vec![codes::trace_shape(&why)], None);
        };
        if !self.errors.is_empty() {
            return self.wrong(vec![codes::not_traced()], None);
        }
        let end = |text: &str| {
            self.evaluate(text).map(|(value, _)| if let Value::Ip(ip) = value { Value::Cidr(Cidr::host_of(ip)) } else { value })
        };
        let (from_value, to_value, services) = match (end(from), end(to), self.evaluate(service)) {
            (Ok(from), Ok(to), Ok((services, _))) => (from, to, services),
            (Err(reply), ..) | (_, Err(reply), _) | (.., Err(reply)) => return reply,
        };
        let wanted = |value: &Value| if let Value::Service(service) = value { Some(service.clone()) } else { None };
        let Some(services) = services.elements().iter().map(wanted).collect::<Option<Vec<Service>>>().filter(|s| !s.is_empty()) else {
            return self.wrong(vec![codes::trace_shape(&format!("`{service}` is no service"))], None);
        };
        let net = resources::network(&self.model);
        match trace(&Chart::new(&net), &self.model, &from_value, &to_value, &services) {
            Ok(traces) if traces.is_empty() => {
                let known: Vec<&str> = self.model.resources.keys().map(Address::as_str).collect();
                self.wrong(vec![prove_codes::no_end(from, to, &known)], None)
            }
            Ok(traces) => Reply::Traces((*service).to_owned(), traces),
            Err(why) => self.wrong(vec![prove_codes::obscure_end(&why)], None),
        }
    }

    fn is_local(&self, word: &str) -> bool {
        self.parsed.names().iter().any(|(kind, name)| matches!(*kind, "variable" | "let") && name == word)
    }

    fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.parsed.names().into_iter().map(|(kind, name)| Name { kind, name }).collect();
        names.extend(self.model.resources.keys().map(|a| Name { kind: "resource", name: a.to_string() }));
        names
    }

    /// Everything that can be completed.
    pub fn words(&self) -> BTreeSet<String> {
        let mut words: BTreeSet<String> = COMMANDS.iter().map(|c| (*c).to_owned()).collect();
        words.extend(resolve::functions().map(|f| format!("{}(", f.name)));
        words.extend(["trace ", "anywhere", "internet"].map(str::to_owned));
        words.extend(self.parsed.names().into_iter().filter(|(kind, _)| *kind != "output").map(|(_, name)| name));
        for address in self.model.resources.keys() {
            words.insert(address.to_string());
            let attributes = resources::spec(address.kind()).into_iter().flat_map(|s| s.attrs.iter().map(|a| a.name).chain(["id", "tags"]));
            words.extend(attributes.map(|a| format!("{address}.{a}")));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_understood() {
        let parsed = Parsed::read(&[("main.secnet".into(), "project p { }\nlet n = 1\n".into())], &crate::analysis::Inputs::default());
        let session = Session { model: Model::default(), state: None, errors: vec![], texts: Texts::default(), parsed };
        for command in COMMANDS {
            assert!(!matches!(session.answer(&format!("{command} n")), Reply::Wrong(..)), "{command}");
        }
        assert!(matches!(session.answer("n + 1"), Reply::Value { value: Value::Int(2), .. }));
    }
}
