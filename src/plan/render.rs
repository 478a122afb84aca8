//! A plan as people read it. Layer 6; the only home of similar. The same plan gives the same text, byte for byte.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use crate::{
    base::address::Address,
    plan::{Action, AttributeChange, Change, PartChange, Plan, scope::Partial},
    schema::value::{HIDDEN, Value},
    state::event::What,
};

mod proof;

/// Unchanged lines around a changed one in a text of several lines.
const CONTEXT: usize = 2;
/// Where the places stand, unless a line is longer.
const PLACE_COLUMN: usize = 80;

/// How it looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
}

/// The whole plan: a tree a resource, what AWS attaches by itself, and one line that counts.
#[must_use]
pub fn render(plan: &Plan, style: Style) -> String {
    let mut page = Page { style, text: String::new() };
    page.weakened(&plan.weakened);
    if let Some(partial) = &plan.partial {
        page.partial(plan, partial);
    }
    for (from, to) in &plan.moves {
        page.line(Tint::Change, &format!("> rename {from} -> {to}"), None);
    }
    for import in &plan.imports {
        page.line(Tint::Change, &format!("> import {} ({})", import.address, clean(&import.id)), None);
    }
    for address in &plan.gone {
        page.line(Tint::Delete, &format!("! {address} is gone: it was deleted without secnet"), None);
    }
    if !plan.moves.is_empty() || !plan.gone.is_empty() || !plan.imports.is_empty() {
        page.text.push('\n');
    }
    for change in in_order(plan) {
        page.change(change);
        page.text.push('\n');
    }
    if !plan.attached.is_empty() {
        page.line(Tint::Plain, "AWS attaches by itself:", None);
        plan.attached.iter().for_each(|sentence| page.line(Tint::Quiet, &format!("  {}", clean(sentence)), None));
        page.text.push('\n');
    }
    plan.notes.iter().for_each(|note| page.line(Tint::Quiet, &format!("Note: {}", clean(note)), None));
    if !plan.notes.is_empty() {
        page.text.push('\n');
    }
    page.proof(&plan.proof);
    if let Some(at) = plan.recalled {
        page.line(Tint::Strong, &recalled(plan, at), None);
    }
    page.line(Tint::Strong, &summary(plan), None);
    if let Some(policies) = proof::summary(&plan.proof) {
        page.line(Tint::Strong, &policies, None);
    }
    page.text
}

/// What drift there is: what the state would learn, and that EC2 stays as it is.
#[must_use]
pub fn render_drift(plan: &Plan, style: Style) -> String {
    let mut page = Page { style, text: String::new() };
    for address in &plan.gone {
        page.line(Tint::Delete, &format!("! {address} is gone: it was deleted without secnet"), None);
    }
    if !plan.gone.is_empty() {
        page.text.push('\n');
    }
    for change in &plan.changes {
        let id = change.id.as_ref().map(|id| format!(" ({})", clean(id))).unwrap_or_default();
        page.line(Tint::Change, &format!("! {}{id} was changed without secnet", change.address), None);
        page.details(change);
        page.text.push('\n');
    }
    plan.notes.iter().for_each(|note| page.line(Tint::Quiet, &format!("Note: {}", clean(note)), None));
    let (changed, gone) = (plan.changes.len(), plan.gone.len());
    let line = match changed + gone {
        0 => "No drift: EC2 holds what the state says.".into(),
        _ => format!("Drift: {changed} changed, {gone} gone. Taking it into the state changes nothing in EC2."),
    };
    page.line(Tint::Strong, &line, None);
    page.text
}

/// `Plan: 9 to create, 1 to update, 0 to replace, 0 to delete.`
#[must_use]
pub fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        let who = if plan.recalled.is_some() { "the state" } else { "EC2" };
        if plan.partial.is_some() {
            return format!("Nothing to do in this part: {who} holds what the project says of it.");
        }
        return format!("Nothing to do: {who} holds what the project says.");
    }
    let counts = plan.counts();
    let count = |action| counts.get(&action).copied().unwrap_or_default();
    let mut line = format!(
        "{}: {} to create, {} to update, {} to replace, {} to delete",
        match &plan.partial {
            Some(partial) if partial.scope.undo => "Undo",
            Some(_) => "Partial plan",
            None => "Plan",
        },
        count(Action::Create),
        count(Action::Update),
        count(Action::Replace),
        count(Action::Delete)
    );
    if !plan.moves.is_empty() {
        let _ = write!(line, ", {} to rename", plan.moves.len());
    }
    for (n, what) in [(plan.imports.len(), "import"), (count(Action::Forget), "forget")].into_iter().filter(|(n, _)| *n > 0) {
        let _ = write!(line, ", {n} to {what}");
    }
    line + "."
}

/// `4 other resources stay as they are`
fn stay(n: usize) -> String {
    if n == 1 { "1 other resource stays as it is".into() } else { format!("{n} other resources stay as they are") }
}

/// That nothing was read, and how old the knowledge of existing resources is at least in part.
fn recalled(plan: &Plan, at: u64) -> String {
    let oldest = plan.existing.values().map(|e| e.read_at).min();
    let ago = oldest.map(|read| match at.saturating_sub(read) {
        seconds @ 0..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    });
    let existing = ago.map(|ago| format!("; existing resources are as they were read up to {ago} ago")).unwrap_or_default();
    format!("Nothing was read from EC2: this takes the state's word for what stands{existing}.")
}

/// By address; where all goes, in the order in which it goes.
fn in_order(plan: &Plan) -> Vec<&Change> {
    let mut changes: Vec<(usize, &Change)> = plan.changes.iter().enumerate().collect();
    if plan.changes.iter().all(|c| c.action == Action::Delete) {
        let turn = |change: usize| plan.tasks.iter().rposition(|t| t.change == change && matches!(t.what, What::Delete { .. }));
        changes.sort_by_key(|(i, _)| turn(*i).unwrap_or(usize::MAX));
    }
    changes.into_iter().map(|(_, change)| change).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Tint {
    Plain,
    Strong,
    Quiet,
    Create,
    Change,
    Delete,
}

impl Tint {
    fn of(action: Action) -> Self {
        match action {
            Action::Create => Tint::Create,
            Action::Update | Action::Replace | Action::Forget => Tint::Change,
            Action::Delete => Tint::Delete,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Tint::Plain => "",
            Tint::Strong => "\x1b[1m",
            Tint::Quiet => "\x1b[2m",
            Tint::Create => "\x1b[32m",
            Tint::Change => "\x1b[33m",
            Tint::Delete => "\x1b[31m",
        }
    }
}

struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn line(&mut self, tint: Tint, line: &str, place: Option<&str>) {
        let painted = self.paint(tint, line);
        self.text.push_str(&painted);
        if let Some(place) = place {
            let gap = PLACE_COLUMN.saturating_sub(line.chars().count()).max(2);
            let place = self.paint(Tint::Quiet, place);
            let _ = write!(self.text, "{:gap$}{place}", "");
        }
        self.text.push('\n');
    }

    /// That it is about a part of the project, what came along, and what nobody has asked about.
    fn partial(&mut self, plan: &Plan, partial: &Partial) {
        let Partial { scope, along, left, unasked } = partial;
        let by_target = !scope.target.is_empty();
        let (option, named) = if by_target { ("--target", &scope.target) } else { ("--exclude", &scope.exclude) };
        let named = named.iter().map(|n| format!("`{}`", clean(n))).collect::<Vec<_>>().join(", ");
        let title =
            if scope.undo { "UNDO: back to what stood before the last apply".into() } else { format!("PARTIAL PLAN: {option} {named}") };
        self.line(Tint::Strong, &title, None);
        let changes = |address: &Address| !by_target || plan.changes.iter().any(|c| c.address == *address);
        let word = if by_target { "with it" } else { "left out with it" };
        for (address, why) in along.iter().filter(|(a, _)| changes(a)) {
            self.line(Tint::Plain, &format!("  {word}: {address}, since {why}"), None);
        }
        let quiet = along.keys().filter(|a| !changes(a)).count();
        if quiet > 0 {
            self.line(Tint::Quiet, &format!("  {quiet} more that it needs: nothing to do"), None);
        }
        self.line(Tint::Plain, &format!("  {}; policies are proved for what will stand then", stay(left.len())), None);
        unasked.iter().for_each(|sentence| self.line(Tint::Change, &format!("  not proved: {sentence}"), None));
        self.text.push('\n');
    }

    fn paint(&self, tint: Tint, text: &str) -> String {
        if self.style.colour && tint != Tint::Plain { format!("{}{text}\x1b[0m", tint.code()) } else { text.to_owned() }
    }

    fn change(&mut self, change: &Change) {
        let what = match change.action {
            Action::Create => "+ create",
            Action::Update => "~ update in place",
            Action::Replace => "-/+ replace",
            Action::Delete => "- delete",
            Action::Forget => "< forget",
        };
        let id = change.id.as_ref().map(|id| format!(" ({})", clean(id))).unwrap_or_default();
        let reason = change.reason.as_ref().map(|r| format!(": {}", clean(r))).unwrap_or_default();
        let there = change.site.as_ref().map_or_else(String::new, |site| format!(" in {site}"));
        self.line(Tint::of(change.action), &format!("{what} {}{id}{there}{reason}", change.address), change.place.as_deref());
        self.details(change);
    }

    fn details(&mut self, change: &Change) {
        let width = change.attributes.iter().filter(|a| !is_long(a)).map(|a| a.name.chars().count() + 1).max().unwrap_or_default();
        for attribute in &change.attributes {
            self.attribute(attribute, change.action, width);
        }
        for part in &change.parts {
            self.part(part, change.action);
        }
    }

    fn attribute(&mut self, attribute: &AttributeChange, action: Action, width: usize) {
        let whole = matches!(action, Action::Create | Action::Delete);
        let place = attribute.place.as_deref().filter(|_| !whole);
        if let (true, Value::Text(new)) = (is_long(attribute), &attribute.new) {
            let old = attribute.old.as_text().unwrap_or_default();
            self.line(Tint::Plain, &format!("    {}:", attribute.name), place);
            return self.difference(old, new);
        }
        let new = if attribute.known_after_apply { "(known after apply)".into() } else { shown(&attribute.new) };
        let value = match (action, &attribute.old) {
            (Action::Create, _) => new,
            (Action::Delete, old) => shown(old),
            (_, Value::Null) => format!("(none) -> {new}"),
            (_, old) if attribute.new == Value::Null => format!("{} -> (none)", shown(old)),
            (_, old) if old.is_sealed() && attribute.new.is_sealed() => format!("{HIDDEN} -> (sensitive, changes)"),
            (_, old) => format!("{} -> {new}", shown(old)),
        };
        let forces = if attribute.replaces { "  (forces replacement)" } else { "" };
        let name = format!("{}:", attribute.name);
        self.line(Tint::Plain, &format!("    {name:width$} {value}{forces}"), place);
    }

    fn difference(&mut self, old: &str, new: &str) {
        let difference = TextDiff::from_lines(old, new);
        for (i, group) in difference.grouped_ops(CONTEXT).iter().enumerate() {
            if i > 0 {
                self.line(Tint::Quiet, "        ...", None);
            }
            for change in group.iter().flat_map(|op| difference.iter_changes(op)) {
                let (sign, tint) = match change.tag() {
                    ChangeTag::Equal => (' ', Tint::Quiet),
                    ChangeTag::Insert => ('+', Tint::Create),
                    ChangeTag::Delete => ('-', Tint::Delete),
                };
                let line = clean(change.value().trim_end_matches(['\r', '\n']));
                self.line(tint, format!("      {sign} {line}").trim_end(), None);
            }
        }
    }

    fn part(&mut self, part: &PartChange, action: Action) {
        let (old, new) = (part.old.as_deref().map(clean), part.new.as_deref().map(clean));
        let sign = match part.action {
            Action::Create => '+',
            Action::Update | Action::Replace => '~',
            Action::Delete | Action::Forget => '-',
        };
        let text = match (old, new) {
            (Some(old), Some(new)) if old != new => format!("{old} -> {}", from_the_difference_on(&old, &new)),
            (old, new) => new.or(old).unwrap_or_default(),
        };
        let foreign = if part.foreign { "  (foreign: not in the project; will be revoked)" } else { "" };
        let place = part.place.as_deref().filter(|_| !matches!(action, Action::Create | Action::Delete));
        self.line(Tint::of(part.action), &format!("    {sign} {text}{foreign}"), place);
    }
}

/// The words of `new` from the first on that `old` has otherwise.
fn from_the_difference_on(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split(' ').collect(), new.split(' ').collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    // One that only loses words would be shown as nothing.
    new.get(same..).filter(|rest| !rest.is_empty()).unwrap_or(&new).join(" ")
}

/// A text of several lines that changes is shown line by line.
fn is_long(attribute: &AttributeChange) -> bool {
    let lines = |value: &Value| value.as_text().is_some_and(|t| t.trim_end().contains('\n'));
    matches!(attribute.new, Value::Text(_)) && (lines(&attribute.new) || lines(&attribute.old))
}

fn shown(value: &Value) -> String {
    clean(&value.to_string())
}

/// Without what a terminal would obey: EC2 gives back names and descriptions that anybody may have written.
fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\t') || turns {
            out.extend(c.escape_unicode())
        } else {
            out.push(c)
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn plan(changes: Vec<Change>) -> Plan {
        Plan {
            project: "p".into(),
            region: "us-east-1".into(),
            account: None,
            base: ("lineage".into(), 1),
            changes,
            tasks: vec![],
            moves: vec![],
            imports: vec![],
            protect: BTreeMap::new(),
            notes: vec![],
            gone: vec![],
            seen: vec![],
            images: BTreeMap::new(),
            existing: BTreeMap::new(),
            answers: BTreeMap::new(),
            outputs: BTreeMap::new(),
            attached: vec![],
            proof: Default::default(),
            promises: vec![],
            recalled: None,
            partial: None,
            weakened: vec![],
            warnings: vec![],
            sealing_key: None,
            secrets: Default::default(),
        }
    }

    fn change(address: &str, action: Action, attributes: Vec<AttributeChange>, parts: Vec<PartChange>) -> Change {
        let (kind, name) = address.split_once('.').unwrap_or_default();
        let place = Some("main.secnet:7".into());
        Change { address: Address::new(kind, name), id: None, action, attributes, parts, reason: None, site: None, place }
    }

    fn attribute(name: &str, old: Value, new: Value) -> AttributeChange {
        let place = Some("main.secnet:8".into());
        AttributeChange { name: name.into(), old, new, known_after_apply: false, replaces: false, place }
    }

    fn part(action: Action, old: Option<&str>, new: Option<&str>) -> PartChange {
        let text = |t: Option<&str>| t.map(str::to_owned);
        PartChange { action, old: text(old), new: text(new), foreign: false, place: Some("main.secnet:9".into()) }
    }

    #[track_caller]
    fn check(plan: &Plan, wanted: &str) {
        let text = render(plan, Style { colour: false });
        assert_eq!(text.trim_end(), wanted.trim_matches('\n'), "\n{text}");
    }

    #[test]
    fn a_created_resource_shows_all_it_will_have() {
        let tags = Value::Map(BTreeMap::from([("Owner".into(), Value::text("Ali"))]));
        let mut address = attribute("public_ip_address", Value::Null, Value::Null);
        address.known_after_apply = true;
        let attributes = vec![attribute("subnet", Value::Null, Value::Resource(Address::new("subnet", "public"))), address];
        let mut plan = plan(vec![
            change("instance.server", Action::Create, attributes, vec![]),
            change(
                "security_group.ssh",
                Action::Create,
                vec![attribute("tags", Value::Null, tags)],
                vec![part(Action::Create, None, Some("ingress tcp/22 from 203.0.113.0/28"))],
            ),
        ]);
        plan.attached = vec!["vpc.main gets a default security group, which nothing is placed in".into()];
        check(
            &plan,
            r#"
+ create instance.server                                                        main.secnet:7
    subnet:            subnet.public
    public_ip_address: (known after apply)

+ create security_group.ssh                                                     main.secnet:7
    tags: { Owner = "Ali" }
    + ingress tcp/22 from 203.0.113.0/28

AWS attaches by itself:
  vpc.main gets a default security group, which nothing is placed in

Plan: 2 to create, 0 to update, 0 to replace, 0 to delete.
"#,
        );
    }

    #[test]
    fn a_changed_rule_is_one_line_and_a_foreign_one_is_named_so() {
        let parts = vec![
            part(Action::Update, Some("ingress tcp/22 from 203.0.113.0/28"), Some("ingress tcp/22 from 198.51.100.7/32")),
            PartChange { foreign: true, place: None, ..part(Action::Delete, Some("ingress tcp/3389 from anywhere"), None) },
        ];
        let mut group = change("security_group.ssh", Action::Update, vec![], parts);
        group.id = Some("sg-0abc".into());
        check(
            &plan(vec![group]),
            r"
~ update in place security_group.ssh (sg-0abc)                                  main.secnet:7
    ~ ingress tcp/22 from 203.0.113.0/28 -> 198.51.100.7/32                     main.secnet:9
    - ingress tcp/3389 from anywhere  (foreign: not in the project; will be revoked)

Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.
",
        );
    }

    #[test]
    fn a_replacement_says_which_attribute_forces_it() {
        let network = |text: &str| text.parse().map_or(Value::Null, Value::Cidr);
        let mut range = attribute("cidr_block", network("10.0.0.0/16"), network("10.1.0.0/16"));
        range.replaces = true;
        let mut vpc = change("vpc.main", Action::Replace, vec![range, attribute("tags.Owner", Value::Null, Value::text("Ali"))], vec![]);
        vpc.id = Some("vpc-0abc".into());
        vpc.reason = Some("EC2 cannot change `cidr_block`".into());
        check(
            &plan(vec![vpc]),
            r#"
-/+ replace vpc.main (vpc-0abc): EC2 cannot change `cidr_block`                 main.secnet:7
    cidr_block: 10.0.0.0/16 -> 10.1.0.0/16  (forces replacement)                main.secnet:8
    tags.Owner: (none) -> "Ali"                                                 main.secnet:8

Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.
"#,
        );
    }

    #[test]
    fn a_text_of_several_lines_is_compared_line_by_line() {
        let old = "#!/bin/sh\nset -e\na\nb\nc\nd\necho one\n";
        let new = "#!/bin/sh\nset -e\na\nb\nc\nd\necho two\x1b[2J\n";
        let text = attribute("user_data", Value::text(old), Value::text(new));
        check(
            &plan(vec![change("instance.server", Action::Update, vec![text], vec![])]),
            r"
~ update in place instance.server                                               main.secnet:7
    user_data:                                                                  main.secnet:8
        c
        d
      - echo one
      + echo two\u{1b}[2J

Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.
",
        );
    }

    #[test]
    fn a_plan_without_changes_says_so() {
        check(&plan(vec![]), "Nothing to do: EC2 holds what the project says.");
    }

    #[test]
    fn renames_and_what_is_gone_come_first() {
        let mut plan = plan(vec![]);
        plan.moves = vec![(Address::new("vpc", "old"), Address::new("vpc", "main"))];
        plan.gone = vec![Address::new("subnet", "a")];
        check(
            &plan,
            "
> rename vpc.old -> vpc.main
! subnet.a is gone: it was deleted without secnet

Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to rename.
",
        );
    }

    #[test]
    fn colours_go_round_whole_lines() {
        let text = render(&plan(vec![change("vpc.main", Action::Delete, vec![], vec![])]), Style { colour: true });
        assert!(text.starts_with("\x1b[31m- delete vpc.main\x1b[0m"), "{text:?}");
    }
}
