//! Named values, each worked out when it is first needed, once, whatever the order of the sources. Layer 4.
//!
//! What a cell needs is found by walking its expression first, and worked out before it without recursion, so that a
//! chain of ten thousand names is no danger to the stack; only what a value hides (a resource behind a `let`) recurses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    base::{
        address::Address,
        codes::{name as codes, value as value_codes},
        diagnostic::Sink,
        disk::Disk,
        span::{FileId, Span},
    },
    resolve::{
        convert::{Spot, attribute_type, convert, is_broken},
        kept::{Name, Tracer, Unchanged},
        scope::{Declared, Local, Scope},
        sensitive::is_marked,
        space::{Cell, Extent, Here, Instance, Space, State},
        template::Templates,
        variable::Given,
    },
    schema::{
        ask::{Answers, Question},
        attr::Type,
        model::{Resource, Sensitive},
        resources::Quick,
        value::Value,
    },
    syntax::ast::{Attribute, Each, Expr},
};

/// How many expressions may be under evaluation one inside the other.
pub(super) const DEPTH_MAX: usize = 600;
/// What a cell that is found only while evaluating counts for in that depth.
const CELL_DEPTH: usize = 16;

/// A cell that is being worked out.
struct Frame {
    cell: Cell,
    /// Where the frame before names it.
    at: Span,
    /// What it names, and where, last first.
    needs: Vec<(Cell, Span)>,
}

/// What resolution knows while it goes on.
pub(super) struct Resolver<'a, 's> {
    /// One for each directory; the first is the project's own.
    pub(super) scopes: Vec<Scope<'a>>,
    /// One for each use of a directory; the first is the project itself.
    pub(super) spaces: Vec<Space<'a>>,
    /// Where what is evaluated now stands.
    pub(super) here: Here<'a>,
    /// By address, what is found so far of modules and of blocks of which there may be many: space, block, instance.
    pub(super) repeated: HashMap<Address, (usize, usize, usize), Quick>,
    pub(super) sink: &'s mut Sink,
    pub(super) given: BTreeMap<String, Given>,
    /// What a test gives for variables of the project.
    pub(super) with: BTreeMap<&'a str, &'a Attribute>,
    /// Whether it is a mistake that there is no `project` block.
    pub(super) needs_project: bool,
    /// Files that are imposed on the project from outside.
    pub(super) imposed: BTreeSet<FileId>,
    pub(super) templates: Templates<'a>,
    /// What functions read files through.
    pub(super) disk: Option<&'a dyn Disk>,
    /// Outputs of other projects.
    pub(super) neighbours: super::neighbour::Neighbours,
    /// What EC2 has answered.
    pub(super) answers: Answers,
    /// What has to be asked of EC2, by the key of the answer.
    pub(super) questions: BTreeMap<String, Question>,
    /// AWS's prefix lists that functions name, which are read like existing ones.
    pub(super) named: BTreeMap<Address, Resource>,
    /// The region, where it is known.
    pub(super) region: Option<String>,
    /// Tags of the project, beneath those of every resource.
    pub(super) project_tags: BTreeMap<String, Value>,
    /// The accounts of the project, beside its own.
    pub(super) accounts: Vec<crate::schema::model::Account>,
    /// How many elements were gone through, in every `for` so far.
    pub(super) elements: usize,
    pub(super) depth: usize,
    pub(super) suggestions: usize,
    /// What nobody is shown.
    pub(super) concealed: Sensitive,
    /// What is as it was in the text before.
    pub(super) unchanged: Unchanged,
    /// What notes all that is looked up, where something is kept for the next text.
    pub(super) tracer: Option<Tracer>,
    /// Where something could not be parsed.
    broken: Vec<Span>,
    frames: Vec<Frame>,
}

impl<'a, 's> Resolver<'a, 's> {
    pub(super) fn new(scopes: Vec<Scope<'a>>, given: BTreeMap<String, Given>, broken: Vec<Span>, sink: &'s mut Sink) -> Self {
        let mut resolver = Self {
            scopes,
            spaces: vec![],
            here: Here::default(),
            repeated: HashMap::default(),
            sink,
            given,
            with: BTreeMap::new(),
            needs_project: true,
            imposed: BTreeSet::new(),
            templates: Templates::default(),
            disk: None,
            neighbours: BTreeMap::new(),
            answers: Answers::new(),
            questions: BTreeMap::new(),
            named: BTreeMap::new(),
            region: None,
            project_tags: BTreeMap::new(),
            accounts: vec![],
            elements: 0,
            depth: 0,
            suggestions: 0,
            concealed: Sensitive::default(),
            unchanged: Unchanged::default(),
            tracer: None,
            broken,
            frames: vec![],
        };
        resolver.add_space(0, "".into(), None);
        resolver
    }

    /// Adds a use of a directory, and says which it is.
    pub(super) fn add_space(
        &mut self,
        scope: usize,
        path: std::sync::Arc<str>,
        caller: Option<(usize, usize, super::space::Bindings<'a>)>,
    ) -> usize {
        let index = self.spaces.len();
        if let Some(declared) = self.scopes.get(scope) {
            let space = Space::new(scope, declared, path, caller);
            // What the project itself has one of is found by its name.
            for block in (0..space.blocks.len()).filter(|_| index > 0) {
                self.repeated
                    .extend(space.instances(declared, block).iter().enumerate().map(|(i, one)| (one.address.clone(), (index, block, i))));
            }
            self.spaces.push(space);
        }
        index
    }

    /// The declarations of a space.
    pub(super) fn scope_of(&self, space: usize) -> Option<&Scope<'a>> {
        self.scopes.get(self.spaces.get(space)?.scope)
    }

    /// The declarations that hold here.
    pub(super) fn scope(&self) -> Option<&Scope<'a>> {
        self.scope_of(self.here.space)
    }

    /// Whether a word is a name here, so that it means no kind and no word of a sentence.
    pub(super) fn is_name(&self, word: &str) -> bool {
        super::space::bound(&self.here.bindings, word).is_some() || self.scope().is_some_and(|s| s.find_local(word).is_some())
    }

    /// Does something elsewhere, and comes back.
    pub(super) fn at<T>(&mut self, here: Here<'a>, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.here, here);
        let done = work(self);
        self.here = before;
        done
    }

    /// The value of an expression that is no cell.
    pub(super) fn value(&mut self, expr: &'a Expr) -> Value {
        let mut needs = vec![];
        self.walk(expr, &mut needs);
        for (cell, at) in needs {
            self.cell(cell, at);
        }
        self.eval(expr)
    }

    /// The value of an expression, converted.
    pub(super) fn value_as(&mut self, expr: &'a Expr, ty: &Type) -> Value {
        let value = self.value(expr);
        convert(value, ty, Spot::of(expr), &mut self.sink.all)
    }

    /// Whether something inside could not be parsed, so that what is missing there may have been written.
    pub(super) fn is_incomplete(&mut self, block: Span) -> bool {
        let found = self.broken.iter().any(|at| at.file() == block.file() && block.start() <= at.start() && at.end() <= block.end());
        self.unsteady(found);
        found
    }

    /// What has an effect beyond its value, counted.
    fn effects(&self) -> usize {
        let concealed = self.concealed.literals.len() + self.concealed.variables.len();
        self.sink.all.len() + concealed + self.questions.len() + self.named.len() + self.suggestions
    }

    /// What is looked up from here on is looked up for this.
    pub(super) fn enter(&mut self, name: Name) {
        let effects = self.effects();
        self.hand_over();
        self.tracer.iter_mut().for_each(|tracer| tracer.enter(name.clone(), effects));
    }

    /// The same, for a block of the project itself; what is looked up in modules is noted for nobody.
    pub(super) fn enter_block(&mut self, space: usize, block: usize) {
        let address = self.scope_of(space).and_then(|s| s.blocks.get(block)).map(|b| b.address().clone()).filter(|_| space == 0);
        self.enter(address.map_or(Name::Elsewhere, Name::Block));
    }

    /// What is looked up from here on is looked up for whatever was before.
    pub(super) fn leave(&mut self) {
        let effects = self.effects();
        self.hand_over();
        self.tracer.iter_mut().for_each(|tracer| tracer.leave(effects));
    }

    /// The same, where all was worked out that there is of it.
    pub(super) fn leave_complete(&mut self) {
        self.hand_over();
        let trace = self.tracer.as_mut().and_then(|t| t.current());
        trace.into_iter().for_each(|trace| trace.is_complete = true);
        self.leave();
    }

    fn hand_over(&mut self) {
        let looked = self.scopes.first().and_then(|own| own.looked.as_ref()).map(std::cell::RefCell::take);
        self.tracer.iter_mut().zip(looked).for_each(|(tracer, looked)| tracer.looked(looked));
    }

    /// Notes that what is worked out now comes of more than names, if `yes`.
    pub(super) fn unsteady(&mut self, yes: bool) {
        self.tracer.iter_mut().filter(|_| yes).for_each(Tracer::unsteady);
    }

    fn enter_cell(&mut self, cell: Cell) {
        match cell {
            Cell::Local(0, i) => {
                let name = self.scope_of(0).and_then(|s| s.locals.get(i)).map(|l| Name::Local(l.name().text.clone()));
                self.enter(name.unwrap_or(Name::Elsewhere));
            }
            Cell::Attribute(space, block, ..) | Cell::Instances(space, block) => self.enter_block(space, block),
            Cell::Local(..) | Cell::Output(..) | Cell::Calls(..) => self.enter(Name::Elsewhere),
        }
    }

    fn slot(&mut self, cell: Cell) -> Option<&mut State> {
        match cell {
            Cell::Local(space, i) => self.spaces.get_mut(space)?.locals.get_mut(i),
            Cell::Output(space, i) => self.spaces.get_mut(space)?.outputs.get_mut(i),
            Cell::Attribute(space, block, instance, i) => {
                // It is there from now on, if it was to be.
                self.instance(space, block, instance)?;
                let states = &mut self.spaces.get_mut(space)?.blocks.get_mut(block)?.all.get_mut()?.get_mut(instance)?.attributes;
                states.resize_with(states.len().max(i + 1), State::default);
                states.get_mut(i)
            }
            Cell::Instances(..) | Cell::Calls(..) => None,
        }
    }

    fn stored(&self, cell: Cell) -> Option<&State> {
        match cell {
            Cell::Local(space, i) => self.spaces.get(space)?.locals.get(i),
            Cell::Output(space, i) => self.spaces.get(space)?.outputs.get(i),
            Cell::Attribute(space, block, instance, i) => {
                Some(self.instance(space, block, instance)?.attributes.get(i).unwrap_or(&State::New))
            }
            Cell::Instances(..) | Cell::Calls(..) => None,
        }
    }

    /// What each `let` is worth, by where its name stands.
    pub(super) fn named(&self) -> BTreeMap<Span, Value> {
        let mut found: BTreeMap<Span, Option<Value>> = BTreeMap::new();
        for (n, space) in self.spaces.iter().enumerate() {
            let locals = self.scope_of(n).map_or(&[][..], |scope| &scope.locals);
            for (local, state) in locals.iter().zip(&space.locals) {
                let (Local::Let(binding), State::Done(value)) = (local, state) else { continue };
                if value.is_sensitive() || is_broken(value) {
                    continue;
                }
                let known = found.entry(binding.name.span).or_insert_with(|| Some(value.clone()));
                if known.as_ref() != Some(value) {
                    *known = None;
                }
            }
        }
        found.into_iter().filter_map(|(at, value)| Some((at, value?))).collect()
    }

    fn extent(&mut self, cell: Cell) -> Option<&mut Extent> {
        match cell {
            Cell::Instances(space, block) => Some(&mut self.spaces.get_mut(space)?.blocks.get_mut(block)?.extent),
            Cell::Calls(space, call) => Some(&mut self.spaces.get_mut(space)?.calls.get_mut(call)?.extent),
            _ => None,
        }
    }

    /// How far a cell is worked out; what there is none of counts as broken.
    fn progress(&mut self, cell: Cell) -> Extent {
        if let Some(extent) = self.extent(cell) {
            return *extent;
        }
        match self.stored(cell) {
            Some(State::New) => Extent::New,
            Some(State::Open) => Extent::Open,
            Some(State::Done(_)) => Extent::Done,
            None => Extent::Broken,
        }
    }

    fn open_or_break(&mut self, cell: Cell, broken: bool) {
        if let Some(extent) = self.extent(cell) {
            *extent = if broken { Extent::Broken } else { Extent::Open };
        } else if let Some(slot) = self.slot(cell) {
            *slot = if broken { State::Done(Value::Error) } else { State::Open };
        }
    }

    /// The value of a cell that is worked out.
    pub(super) fn done(&self, cell: Cell) -> Option<&Value> {
        match self.stored(cell) {
            Some(State::Done(value)) => Some(value),
            _ => None,
        }
    }

    /// The value of a cell, which is named at `at`; null for one that only says which there are.
    pub(super) fn cell(&mut self, cell: Cell, at: Span) -> Value {
        self.work_out(cell, at);
        match cell {
            Cell::Instances(..) | Cell::Calls(..) => Value::Null,
            _ => self.done(cell).cloned().unwrap_or(Value::Error),
        }
    }

    /// Sees to it that a cell is worked out.
    pub(super) fn work_out(&mut self, cell: Cell, at: Span) {
        match self.progress(cell) {
            Extent::New => {}
            Extent::Open => return self.circle(cell, at),
            Extent::Done | Extent::Broken => return,
        }
        if self.depth + CELL_DEPTH > DEPTH_MAX {
            self.sink.push(value_codes::too_deep(at));
            return;
        }
        self.depth += CELL_DEPTH;
        let base = self.frames.len();
        self.open(cell, at);
        while self.frames.len() > base {
            match self.frames.last_mut().and_then(|f| f.needs.pop()) {
                Some((next, at)) => match self.progress(next) {
                    Extent::New => self.open(next, at),
                    Extent::Open => self.circle(next, at),
                    Extent::Done | Extent::Broken => {}
                },
                None => self.finish(),
            }
        }
        self.depth -= CELL_DEPTH;
    }

    fn open(&mut self, cell: Cell, at: Span) {
        self.enter_cell(cell);
        let mut needs = vec![];
        if let Some((expr, condition, here)) = self.read_by(cell) {
            self.at(here, |this| {
                this.walk(expr, &mut needs);
                if let Some((condition, names)) = condition {
                    this.walk_bound(condition, &names, &mut needs);
                }
            });
        }
        self.leave();
        needs.reverse();
        self.open_or_break(cell, false);
        self.frames.push(Frame { cell, at, needs });
    }

    fn finish(&mut self) {
        let Some(cell) = self.frames.last().map(|f| f.cell) else { return };
        // A cell of a circle is done already: as an error.
        if self.progress(cell) == Extent::Open {
            self.enter_cell(cell);
            let value = match cell {
                Cell::Local(space, i) => self.local_value(space, i),
                Cell::Output(space, i) => self.output_value(space, i),
                Cell::Attribute(space, block, instance, i) => self.attribute_value(space, block, instance, i),
                Cell::Instances(space, block) => {
                    self.expand_block(space, block);
                    Value::Null
                }
                Cell::Calls(space, call) => {
                    self.expand_call(space, call);
                    Value::Null
                }
            };
            self.leave();
            if self.progress(cell) == Extent::Open
                && let Some(slot) = self.slot(cell)
            {
                *slot = State::Done(value);
            }
        }
        self.frames.pop();
    }

    /// The expression that a cell is worked out from, the condition of its `for` with the names that hold in it, and where they stand.
    #[expect(clippy::type_complexity, reason = "named nowhere else")]
    fn read_by(&self, cell: Cell) -> Option<(&'a Expr, Option<(&'a Expr, Vec<&'a str>)>, Here<'a>)> {
        let here = |space: usize| Here { space, bindings: None };
        match cell {
            Cell::Local(space, i) => match self.scope_of(space)?.locals.get(i)? {
                Local::Let(binding) => Some((&binding.value, None, here(space))),
                Local::Variable(variable) => match self.input(space, &variable.name.text) {
                    Some((input, here)) => Some((&input.value, None, here)),
                    None => Some((variable.default.as_ref()?, None, here(space))),
                },
            },
            Cell::Output(space, i) => Some((&self.scope_of(space)?.outputs.get(i)?.value, None, here(space))),
            Cell::Attribute(space, block, instance, i) => {
                let attribute = self.scope_of(space)?.blocks.get(block)?.attributes().get(i)?;
                let bindings = self.instance(space, block, instance)?.bindings.clone();
                Some((&attribute.value, None, Here { space, bindings }))
            }
            Cell::Instances(space, block) => {
                let (expr, condition) = read_each(self.scope_of(space)?.blocks.get(block)?.block.each.as_ref()?)?;
                Some((expr, condition, here(space)))
            }
            Cell::Calls(space, call) => {
                let (expr, condition) = read_each(self.scope_of(space)?.calls.get(call)?.module.each.as_ref()?)?;
                Some((expr, condition, here(space)))
            }
        }
    }

    pub(super) fn instance(&self, space: usize, block: usize, instance: usize) -> Option<&Instance<'a>> {
        self.instances(space, block).get(instance)
    }

    /// All that is found so far of a block.
    pub(super) fn instances(&self, space: usize, block: usize) -> &[Instance<'a>] {
        self.spaces.get(space).zip(self.scope_of(space)).map_or(&[], |(space, scope)| space.instances(scope, block))
    }

    /// The space, block and instance of an address, if there is such a resource so far.
    pub(super) fn thing(&self, address: &Address) -> Option<(usize, usize, usize)> {
        let plain = || self.scopes.first().and_then(|own| own.plain_block(address)).map(|block| (0, block, 0));
        self.repeated.get(address).copied().or_else(plain)
    }

    /// The address of every resource that is found so far, in no order.
    pub(super) fn things(&self) -> impl Iterator<Item = &Address> {
        let plain = self.scopes.iter().take(1).flat_map(|own| own.blocks.iter().filter(|b| b.block.each.is_none()).map(Declared::address));
        self.repeated.keys().chain(plain)
    }

    fn local_value(&mut self, space: usize, i: usize) -> Value {
        match self.scope_of(space).and_then(|s| s.locals.get(i)).copied() {
            Some(Local::Variable(variable)) => self.at(Here { space, bindings: None }, |this| this.variable(variable)),
            Some(Local::Let(binding)) => self.at(Here { space, bindings: None }, |this| this.eval(&binding.value)),
            None => Value::Error,
        }
    }

    fn output_value(&mut self, space: usize, i: usize) -> Value {
        match self.scope_of(space).and_then(|s| s.outputs.get(i)).copied() {
            Some(output) => {
                let marked = self.is_module(space) && is_marked(output.body.as_ref());
                self.at(Here { space, bindings: None }, |this| this.eval(&output.value)).sensitive_if(marked)
            }
            None => Value::Error,
        }
    }

    fn attribute_value(&mut self, space: usize, block: usize, instance: usize, i: usize) -> Value {
        let declared = self.scope_of(space).and_then(|s| s.blocks.get(block));
        let found = declared.and_then(|b| Some((b.spec, b.existing, *b.attributes().get(i)?)));
        let (Some((spec, existing, attribute)), Some(one)) = (found, self.instance(space, block, instance)) else { return Value::Error };
        let (address, bindings) = (one.address.clone(), one.bindings.clone());
        let ty = spec.and_then(|spec| {
            let known = spec.attr(&attribute.name.text).is_some() || matches!(&*attribute.name.text, "tags" | "id");
            known.then(|| attribute_type(&address, &attribute.name.text)).flatten()
        });
        self.at(Here { space, bindings }, |this| {
            let value = this.eval(&attribute.value);
            match ty {
                Some(ty) => {
                    let value = convert(value, &ty, Spot::of(&attribute.value), &mut this.sink.all);
                    let value = this.admitted(value, &ty, existing, attribute);
                    if !existing && spec.is_some_and(|spec| spec.secrets.contains(&&*attribute.name.text)) {
                        this.secret(value, attribute)
                    } else {
                        value
                    }
                }
                None => value,
            }
        })
    }

    /// Reports that an open cell is needed again, and breaks the circle there.
    fn circle(&mut self, cell: Cell, at: Span) {
        let Some(start) = self.frames.iter().position(|f| f.cell == cell) else { return };
        let around: Vec<(Cell, Span)> = self.frames.iter().skip(start).map(|f| (f.cell, f.at)).collect();
        let mut edges = vec![];
        for (i, (from, _)) in around.iter().enumerate() {
            let (to, at) = around.get(i + 1).copied().unwrap_or((cell, at));
            edges.push((self.name_of(*from), self.name_of(to), at));
        }
        self.sink.push(codes::cycle_of_values(&edges));
        for (cell, _) in around {
            self.open_or_break(cell, true);
        }
    }

    fn name_of(&self, cell: Cell) -> String {
        let (Cell::Local(space, _)
        | Cell::Output(space, _)
        | Cell::Attribute(space, ..)
        | Cell::Instances(space, _)
        | Cell::Calls(space, _)) = cell;
        let path = self.spaces.get(space).map_or("", |s| &*s.path);
        let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let Some(scope) = self.scope_of(space) else { return String::new() };
        let name = match cell {
            Cell::Local(_, i) => scope.locals.get(i).map(|l| within(&l.name().text)),
            Cell::Output(_, i) => scope.outputs.get(i).map(|o| within(&o.name.text)),
            Cell::Attribute(_, block, instance, i) => self.instance(space, block, instance).and_then(|one| {
                let name = &scope.blocks.get(block)?.attributes().get(i)?.name.text;
                Some(format!("{}.{name}", one.address))
            }),
            Cell::Instances(_, block) => scope.blocks.get(block).map(|b| within(b.address().as_str())),
            Cell::Calls(_, call) => scope.calls.get(call).map(|c| within(&format!("module.{}", c.module.name.text))),
        };
        name.unwrap_or_default()
    }
}

/// What a clause reads: what it goes through, and its condition with the names that hold in it.
#[expect(clippy::type_complexity, reason = "named nowhere else")]
fn read_each(each: &Each) -> Option<(&Expr, Option<(&Expr, Vec<&str>)>)> {
    match each {
        Each::If(condition) => Some((condition, None)),
        Each::For(clause) => {
            let names = clause.key.iter().chain([&clause.value]).map(|n| &*n.text).collect();
            Some((&clause.of, clause.condition.as_ref().map(|c| (c, names))))
        }
        Each::All(_) => None,
    }
}
