//! E02: names. What is called what, what there is none of, and what is there twice. Values and types are in `value`.

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNKNOWN_KIND = "E0201" "there is no such kind of resource"
"A block begins with the EC2 noun of a resource in snake_case. secnet knows a closed list of them, so that a word
misspelt never becomes a resource that is silently left out.

```secnet error E0201
subent public { vpc = vpc.main }        # subnet
```

Correct the word. Terraform's kinds lose their `aws_`: `aws_vpc` is `vpc`.";
    UNKNOWN_NAME = "E0202" "there is no such name"
"A word that stands for a value must be the name of a `variable` or a `let` of the project. All files of a directory are
one project, and their order does not matter.

```secnet in security_group error E0202
ingress tcp/22 from maintainer          # variable maintainers
```

Correct the name, or declare it: `variable maintainer: list(cidr)`. Variables are written without `var.` before them.";
    UNKNOWN_RESOURCE = "E0203" "there is no such resource"
"A reference is the kind and the name of a block of the project.

```secnet error E0203
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.mian  cidr_block = 10.0.1.0/24 }
```

Correct the name, or declare the resource. What stands in the account already is declared with `existing`.";
    UNKNOWN_ATTRIBUTE = "E0204" "there is no such attribute or setting"
"Attributes have the name of the EC2 API's own parameter in snake_case; a reference drops `_id`, and `_ids` becomes the plural.
A name that is unknown is an error, since a setting that is left out silently could open a network.

```secnet error E0204 E0207
vpc main { cidr = 10.0.0.0/16 }         # cidr_block
```

Correct the name; the manual page of the kind lists what there is.";
    UNKNOWN_FUNCTION = "E0205" "there is no such function"
"Functions have the names that Terraform's users expect, and there is a network library beyond: `subnets`, `host`, `cidr`,
`contains`, `overlaps`. Nobody can define others.

```secnet error E0205
let a = subnet_of(10.0.0.0/16, 8, 1)   # cidrsubnet(10.0.0.0/16, 8, 1)
```";
    DUPLICATE = "E0206" "something is declared twice"
"A name means one thing: variables and `let`s share one set of names, each kind of resource has its own, managed and existing
resources together. An attribute is written once.

```secnet error E0206
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
subnet a { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
```

Rename one of them, or remove it.";
    MISSING_ATTRIBUTE = "E0207" "an attribute is missing"
"EC2 cannot make the resource without it, and secnet chooses nothing that matters for a network by itself.

```secnet error E0207
subnet a { cidr_block = 10.0.1.0/24 }   # in which VPC?
```

Write it.";
    COMPUTED_ATTRIBUTE = "E0208" "an attribute is decided by EC2"
"Ids, for example, are given by EC2 when it makes a resource. They can be read, as `vpc.main.id`, and not written.
In an `existing` block they are filters, and can be.

```secnet error E0208
vpc main { cidr_block = 10.0.0.0/16  id = \"vpc-0abc\" }
```

Remove it; to refer to a VPC that is there already, write `existing vpc main { id = \"vpc-0abc\" }`.";
    CYCLE_OF_VALUES = "E0209" "values need each other"
"Each of them is worked out from the next, and the last from the first, so none can be.

```secnet error E0209
let a = b
let b = a
```

Break the circle at one of the places shown.";
    CYCLE_OF_RESOURCES = "E0210" "resources need each other"
"A resource is made after all that its attributes refer to and what its `after` names. Here each waits for the next and the
last for the first. Rules are no part of this: two security groups may name each other in their rules, for a rule is made
after both groups.

```secnet error E0210
vpc a { cidr_block = 10.0.0.0/16  after = [vpc.b] }
vpc b { cidr_block = 10.1.0.0/16  after = [vpc.a] }
```

Remove one of the references shown.";
    WRONG_SENTENCE = "E0211" "a sentence has another shape"
"A sentence such as a rule, a route or an entry has a fixed order of words; the message shows one that is right.

```secnet in security_group error E0211
ingress tcp/22 to 203.0.113.0/28        # ingress comes `from`
```";
    UNKNOWN_SENTENCE = "E0212" "a resource takes no such sentence"
"Which sentences a block takes depends on its kind: `ingress` and `egress` belong to security groups, `in` and `out` to
network ACLs, `route` to route tables.";
    INTERNET_IN_RULE = "E0213" "`internet` in a rule, an entry or a route"
"`internet` means public addresses alone. A security group, an ACL and a route table see addresses only: they cannot tell the
internet from a private peer that uses the same path, so a rule `from internet` would promise more than EC2 keeps.

```secnet in security_group error E0213
ingress tcp/443 from internet           # anywhere
```

Write `anywhere`, which is 0.0.0.0/0, private addresses too. In a `policy`, `internet` is right: there it is proved.";
    LATER_VERSION = "E0214" "this version does not know it yet"
"The language has it, but this version of secnet does not carry it out. It is an error and not ignored, because a setting that
does nothing would mislead.";
    GIVEN = "E0227" "what AWS gives a VPC stands in the VPC's block"
"AWS gives every VPC a security group, a network ACL and a main route table. They are neither made nor deleted: the project adopts
them in the block of a VPC that it manages, and refers to them through it.

```secnet
vpc main {
  cidr_block = 10.0.0.0/16
  default_security_group { }
}
output group = vpc.main.default_security_group.id
```

Without the block they stay as they are, and there is nothing to refer to.";
    PROJECT_COUNT = "E0215" "a project has one `project` block"
"The block names the project. Its name is that of the state file, so there is exactly one, in any of the files.

```secnet
project secure_server {
  region = \"us-east-1\"
}
```";
    PROJECT_SETTING = "E0216" "a setting of the project is wrong"
"`region` is a text such as \"us-east-1\", `account` the twelve digits of the account as a text, `tags` a map, and `secnet` the
versions of secnet that the project works with, such as \">= 0.1\".";
    RESERVED_TAG = "E0217" "a tag's key is reserved"
"AWS keeps keys that begin with `aws:` to itself and refuses them. Keys that begin with `secnet:` are how secnet recognises what
it made; writing one could make it take a stranger's resource for its own.

```secnet in security_group error E0217
tags = { \"secnet:id\" = \"x\" }
```

Choose another key.";
    MOVED = "E0218" "a `moved` statement does not fit"
"`moved a.x to a.y` says that the resource recorded as `a.x` is now written as `a.y`. Both are of one kind, the new one is in
the sources, the old one is not any more.

```secnet
moved vpc.old to vpc.main
output id = vpc.main.id
```";
    POLICY_SENTENCE = "E0219" "a policy's sentence has another shape"
"A policy says who may reach what:

```secnet in policy
require tcp/443 from instance.server to internet
require tcp/443 client ports 49152-65535 from internet to instance.server
forbid  all from internet to instance.server except tcp/22 from maintainers
```";
    VACUOUS = "E0220" "a policy's statement is about nothing"
"A side of the statement holds no address at all, so it would hold whatever the network looks like: nobody would be protected by
it. An empty list of networks is the usual reason.

So is a policy whose statements all stand in a `for` over nothing, or in an `if` that does not hold: none of them counts.";
    NO_VALUE = "E0221" "a variable has no value"
"A variable without a default must be given a value in one of three ways: `--var name=value`, a line `name = value` in a file
named by `--var-file`, or the environment variable `SECNET_VAR_name`.";
    UNKNOWN_VARIABLE = "E0222" "a value for a variable that is not declared"
"A value was given on the command line or in a file for a variable that no source file declares. It is an error, because the
value would have no effect, and its author thinks it has one.";
    INPUT = "E0223" "a value given to a variable does not fit its type"
"What `--var`, a variables file or the environment gives is read by the declared type of the variable. A list may be written with
commas, or in brackets as in a source file.

```text
variable maintainers: list(cidr)

secnet plan --var maintainers=203.0.113.0/28,198.51.100.0/24
```";
    VALIDATION = "E0224" "a variable's value is refused by the project"
"The `validate` line of a variable states what its value must be, and says so in its own words.

```secnet error E0224
variable maintainers: list(cidr) = [] {
  validate length(maintainers) > 0 \"at least one network\"
}
output all = maintainers
```";
    UNKNOWN_TYPE = "E0225" "there is no such type"
"The types are `string`, `int`, `float`, `bool`, `cidr`, `ip`, `service`, `peer`, `duration`, `list(T)`, `set(T)`, `map(T)`, and
each kind of resource for a reference to one.";
    LIFECYCLE = "E0235" "a `lifecycle` block does not fit"
"A `lifecycle` block says how a resource may change: whether it may be deleted or replaced at all, whether its successor is made before it goes,
and which of its attributes are left as EC2 has them. It belongs to a resource that secnet manages; what `ignore` names are attributes, without quotes.

```secnet
instance db {
  image           = ami(\"al2023\")
  instance_type   = \"t3.micro\"
  subnet          = subnet.private
  security_groups = [security_group.db]
  lifecycle {
    protect = true
    replace = \"create_first\"        # or \"destroy_first\"
    ignore  = [user_data, tags]
  }
}
```";
    NOT_TOLD = "E0236" "an existing resource cannot be found by what EC2 does not tell"
"What an `existing` block holds are filters, compared with what EC2 tells. Of some attributes it tells nothing: user data, a public key, how a
volume was asked for.

Use another attribute, a tag or the `id`.";
    UNUSED_VARIABLE = "W0201" "a variable that nothing uses"
"Nothing refers to the variable, so giving it a value has no effect. Remove it, or use it.";
    UNUSED_LET = "W0202" "a `let` that nothing uses"
"Nothing refers to the name. Remove it, or use it.";
}

/// Adds what was probably meant, as help and as an edit.
#[must_use]
pub fn did_you_mean(diagnostic: Diagnostic, at: Span, meant: Option<&str>) -> Diagnostic {
    match meant {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")).fix(at, meant),
        None => diagnostic,
    }
}

/// [`UNKNOWN_KIND`]
#[must_use]
pub fn unknown_kind(word: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    did_you_mean(Diagnostic::error(&UNKNOWN_KIND, format!("there is no kind of resource `{word}`")).at(at, ""), at, meant)
}

/// [`UNKNOWN_NAME`]
#[must_use]
pub fn unknown_name(word: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = did_you_mean(Diagnostic::error(&UNKNOWN_NAME, format!("there is no `{word}`")).at(at, ""), at, meant);
    match meant {
        Some(_) => diagnostic,
        None => diagnostic.help(format!("declare it: `variable {word}` or `let {word} = ...`")),
    }
}

/// [`UNKNOWN_NAME`], for Terraform's `var.x` and `local.x`.
#[must_use]
pub fn name_with_prefix(prefix: &str, name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_NAME, format!("names have no `{prefix}.` before them"))
        .at(at, "")
        .help(format!("write `{name}`"))
        .fix(at, name)
}

/// [`UNKNOWN_NAME`], for a kind where a resource was meant; `example` is one of that kind.
#[must_use]
pub fn kind_alone(kind: &str, at: Span, example: Option<&Address>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_NAME, format!("`{kind}` is a kind, not a resource")).at(at, "");
    match example {
        Some(example) => diagnostic.help(format!("name one of them, such as `{example}`")),
        None => diagnostic.help(format!("name one of them: `{kind}.NAME`")),
    }
}

/// [`UNKNOWN_RESOURCE`]; `name_at` is where the resource's own name stands.
#[must_use]
pub fn unknown_resource(address: &str, at: Span, name_at: Span, meant: Option<&Address>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_RESOURCE, format!("there is no `{address}`")).at(at, "");
    match meant {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")).fix(name_at, meant.name()),
        None => diagnostic.help("declare it, or read what is in the account with `existing`"),
    }
}

/// [`UNKNOWN_ATTRIBUTE`] of a kind of resource.
#[must_use]
pub fn unknown_attribute(name: &str, kind: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let message = format!("`{kind}` has no attribute `{name}`");
    let diagnostic = Diagnostic::error(&UNKNOWN_ATTRIBUTE, message).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("`secnet docs {kind}` lists what it has")),
    }
}

/// [`UNKNOWN_ATTRIBUTE`] of a block that is no resource: `whose` is `project` or `variable`.
#[must_use]
pub fn unknown_setting(name: &str, whose: &str, at: Span, meant: Option<&str>, all: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_ATTRIBUTE, format!("`{whose}` has no setting `{name}`")).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("it takes {}", listed(all))),
    }
}

/// [`UNKNOWN_FUNCTION`]
#[must_use]
pub fn unknown_function(name: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_FUNCTION, format!("there is no function `{name}`")).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help("`secnet docs functions` lists what there is"),
    }
}

/// [`UNKNOWN_FUNCTION`], for one of Terraform's that has another form here.
#[must_use]
pub fn function_elsewhere(name: &str, at: Span, instead: &str) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_FUNCTION, format!("there is no function `{name}`")).at(at, "").help(format!("write {instead}"))
}

/// [`UNKNOWN_FUNCTION`], for one of Terraform's that would give something else each time.
#[must_use]
pub fn function_impure(name: &str, at: Span, why: &str, instead: &str) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_FUNCTION, format!("there is no function `{name}`: {why}")).at(at, "").help(instead)
}

/// [`DUPLICATE`]; `what` has its backticks.
#[must_use]
pub fn duplicate(what: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error(&DUPLICATE, format!("{what} is there twice"))
        .at(at, "again")
        .at(first, "the first")
        .help("rename one of them, or remove it")
}

/// [`MISSING_ATTRIBUTE`]; `doc` is what the manual says of it, `body` what stands between the braces, and its first statement.
#[must_use]
pub fn missing_attribute(name: &str, kind: &str, (at, body): (Span, (Span, Option<Span>)), doc: &str, example: &str) -> Diagnostic {
    let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = doc.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let says = if first.is_empty() { String::new() } else { format!(": {}", lower(first)) };
    Diagnostic::error(&MISSING_ATTRIBUTE, format!("this `{kind}` lacks `{name}`"))
        .at(at, format!("`{name}` is missing"))
        .help(format!("write `{name} = {example}`{says}"))
        .fix(inside(body), put_inside(body, &format!("{name} = {example}")))
}

/// Where a statement is put between braces: before the first that is there.
pub(super) fn inside((body, first): (Span, Option<Span>)) -> Span {
    let at = first.map_or(body.start() + 1, Span::start).min(body.end());
    Span::new(body.file(), at, at)
}

/// The text of it there.
pub(super) fn put_inside((_, first): (Span, Option<Span>), statement: &str) -> String {
    if first.is_some() { format!("{statement}\n  ") } else { format!("\n  {statement}\n") }
}

/// [`COMPUTED_ATTRIBUTE`]
#[must_use]
pub fn computed_attribute(name: &str, address: &Address, at: Span) -> Diagnostic {
    Diagnostic::error(&COMPUTED_ATTRIBUTE, format!("`{name}` is decided by EC2 and cannot be written"))
        .at(at, "")
        .help(format!("remove it; read it as `{address}.{name}`"))
}

/// One needs the next: who, whom, and where it says so.
pub type Edge = (String, String, Span);

fn cycle(mut diagnostic: Diagnostic, edges: &[Edge], help: &str) -> Diagnostic {
    for (from, to, at) in edges {
        diagnostic = diagnostic.at(*at, format!("`{from}` needs `{to}`"));
    }
    diagnostic.help(help)
}

/// The whole circle, in words.
fn round(edges: &[Edge]) -> String {
    let mut names: Vec<String> = edges.iter().map(|(from, _, _)| format!("`{from}`")).collect();
    names.extend(edges.first().map(|(from, _, _)| format!("`{from}`")));
    names.join(" -> ")
}

/// [`CYCLE_OF_VALUES`]
#[must_use]
pub fn cycle_of_values(edges: &[Edge]) -> Diagnostic {
    let message = match edges {
        [(only, _, _)] => format!("`{only}` needs itself"),
        _ => format!("values need each other: {}", round(edges)),
    };
    cycle(Diagnostic::error(&CYCLE_OF_VALUES, message), edges, "write one of these values without the next")
}

/// [`CYCLE_OF_RESOURCES`]
#[must_use]
pub fn cycle_of_resources(edges: &[Edge]) -> Diagnostic {
    let message = match edges {
        [(only, _, _)] => format!("`{only}` needs itself"),
        _ => format!("resources need each other: {}", round(edges)),
    };
    cycle(Diagnostic::error(&CYCLE_OF_RESOURCES, message), edges, "remove one of these references")
}

/// [`WRONG_SENTENCE`]; `expected` has its backticks, and `example` is a sentence that is right.
#[must_use]
pub fn wrong_sentence(expected: &str, found: &str, at: Span, example: &str) -> Diagnostic {
    Diagnostic::error(&WRONG_SENTENCE, format!("expected {expected}, found {found}"))
        .at(at, format!("expected {expected}"))
        .help(format!("a sentence that is right: `{example}`"))
}

/// [`WRONG_SENTENCE`], at a place where nothing more may stand.
#[must_use]
pub fn end_of_sentence(at: Span, example: &str) -> Diagnostic {
    Diagnostic::error(&WRONG_SENTENCE, "the sentence should end here")
        .at(at, "too much")
        .help(format!("a sentence that is right: `{example}`"))
}

/// [`WRONG_SENTENCE`], for several without brackets.
#[must_use]
pub fn list_without_brackets(comma: Span, whole: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_SENTENCE, "several of them are written as a list")
        .at(comma, "")
        .at(whole, "these")
        .help("put them into brackets: `[a, b]`")
}

/// [`UNKNOWN_SENTENCE`]; `examples` are the sentences that the kind takes.
#[must_use]
pub fn unknown_sentence(head: &str, kind: &str, at: Span, meant: Option<(&str, &str)>, examples: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_SENTENCE, format!("`{kind}` takes no sentence `{head}`")).at(at, "");
    match (meant, examples) {
        (Some((word, example)), _) => diagnostic.help(format!("did you mean `{word}`, as in `{example}`?")).fix(at, word),
        (None, []) => diagnostic.help("an attribute is written with `=`"),
        (None, examples) => diagnostic.help(format!("it takes sentences such as {}", listed(examples))),
    }
}

/// [`UNKNOWN_SENTENCE`], in an `existing` block.
#[must_use]
pub fn sentence_in_existing(head: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_SENTENCE, format!("an `existing` block takes no sentence `{head}`"))
        .at(at, "")
        .help("write filters only, such as `is_default = true`: what exists already is read, not managed")
}

/// [`INTERNET_IN_RULE`]
#[must_use]
pub fn internet_in_rule(at: Span) -> Diagnostic {
    Diagnostic::error(
        &INTERNET_IN_RULE,
        "`internet` stands in policies only: a rule sees addresses and cannot tell the internet from a peer",
    )
    .at(at, "")
    .help("write `anywhere`, which takes in private addresses too")
    .fix(at, "anywhere")
}

/// [`WRONG_SENTENCE`], for `any` in a rule.
#[must_use]
pub fn any_in_rule(at: Span) -> Diagnostic {
    Diagnostic::error(&INTERNET_IN_RULE, "`any` stands in policies only").at(at, "").help("write `anywhere`").fix(at, "anywhere")
}

/// [`WRONG_SENTENCE`], where one expression was asked for.
#[must_use]
pub fn second_expression(at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_SENTENCE, "expected one expression, found more").at(at, "").help("write one expression at a time")
}

/// [`LATER_VERSION`]; `what` has its backticks.
#[must_use]
pub fn later_version(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&LATER_VERSION, format!("this version of secnet does not know {what} yet")).at(at, "").help("remove it")
}

/// [`GIVEN`]: one stands where no VPC of the project's is around it.
#[must_use]
pub fn given_elsewhere(kind: &str, at: Span, existing: bool) -> Diagnostic {
    let help = format!("write it in the block of a VPC that the project manages: `vpc NAME {{ ... {kind} {{ }} }}`");
    let place = if existing { "what is only read is not changed, so it has no" } else { "there is none outside of the block of a VPC:" };
    Diagnostic::error(&GIVEN, format!("{place} `{kind}`")).at(at, "").help(help)
}

/// [`GIVEN`]: a VPC has no such block.
#[must_use]
pub fn not_adopted(vpc: &Address, kind: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&GIVEN, format!("`{vpc}` does not adopt its `{kind}`"))
        .at(at, "")
        .help(format!("adopt it in the block of `{vpc}`, where it owns what it holds: `{kind} {{ ... }}`"))
}

/// [`PROJECT_COUNT`]: there is none.
#[must_use]
pub fn no_project() -> Diagnostic {
    Diagnostic::error(&PROJECT_COUNT, "no file has a `project` block")
        .help("name the project in one of the files: `project my_network { region = \"us-east-1\" }`")
}

/// [`PROJECT_COUNT`]: there are several.
#[must_use]
pub fn second_project(at: Span, first: Span) -> Diagnostic {
    Diagnostic::error(&PROJECT_COUNT, "a second `project` block").at(at, "").at(first, "the first").help("keep one of them")
}

/// [`PROJECT_SETTING`]
#[must_use]
pub fn project_setting(message: String, at: Span, help: String) -> Diagnostic {
    Diagnostic::error(&PROJECT_SETTING, message).at(at, "").help(help)
}

/// [`RESERVED_TAG`]
#[must_use]
pub fn reserved_tag(key: &str, at: Span) -> Diagnostic {
    let whose = if key.starts_with("aws:") { "AWS keeps `aws:`" } else { "secnet keeps `secnet:`" };
    Diagnostic::error(&RESERVED_TAG, format!("the tag `{key}` is reserved"))
        .at(at, "")
        .help(format!("choose another key; {whose} to itself"))
}

/// [`MOVED`]
#[must_use]
pub fn moved(message: String, at: Span, other: Option<(Span, &str)>, help: String) -> Diagnostic {
    let diagnostic = Diagnostic::error(&MOVED, message).at(at, "");
    other.into_iter().fold(diagnostic, |d, (span, text)| d.at(span, text)).help(help)
}

/// [`POLICY_SENTENCE`]
#[must_use]
pub fn policy_sentence(message: String, at: Span, help: String) -> Diagnostic {
    Diagnostic::error(&POLICY_SENTENCE, message).at(at, "").help(help)
}

/// [`VACUOUS`]
#[must_use]
pub fn vacuous(side: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&VACUOUS, format!("nothing stands after `{side}`, so the statement would always hold"))
        .at(at, "holds no address")
        .help("name who is meant, or remove the statement")
}

/// [`VACUOUS`], for a policy none of whose statements counts.
#[must_use]
pub fn demands_nothing(policy: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&VACUOUS, format!("the policy `{policy}` demands nothing, so it would always hold"))
        .at(at, "each of its statements stands in a `for` over nothing or in an `if` that does not hold")
        .help("demand something in every case, say in an `else`, or remove the policy")
}

/// [`NO_VALUE`]; `sample` is a value of its type.
#[must_use]
pub fn no_value(name: &str, at: Span, sample: &str) -> Diagnostic {
    Diagnostic::error(&NO_VALUE, format!("variable `{name}` has no value")).at(at, "").help(format!(
        "give it one: `--var {name}={sample}`, a line `{name} = ...` in a file named by `--var-file`, or the environment variable `SECNET_VAR_{name}`"
    ))
}

/// [`UNKNOWN_VARIABLE`]; `origin` is `--var`, or empty where `at` shows it.
#[must_use]
pub fn unknown_variable(name: &str, origin: &str, at: Option<Span>, meant: Option<&str>) -> Diagnostic {
    let by = if origin.is_empty() { String::new() } else { format!("{origin}: ") };
    let diagnostic = Diagnostic::error(&UNKNOWN_VARIABLE, format!("{by}there is no variable `{name}`")).at(at, "");
    match (meant, at) {
        (Some(meant), Some(at)) => did_you_mean(diagnostic, at, Some(meant)),
        (Some(meant), None) => diagnostic.help(format!("did you mean `{meant}`?")),
        (None, _) => diagnostic.help(format!("declare it: `variable {name}`")),
    }
}

/// [`INPUT`]; `why` is what is wrong with the text, in the words of the message for a source file.
#[must_use]
pub fn input(name: &str, origin: &str, text: &str, why: &str, declared: Span, help: Option<String>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&INPUT, format!("{origin} gives `{name}` the value `{text}`: {why}")).at(declared, "declared here");
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// [`VALIDATION`]; `words` are the project's own.
#[must_use]
pub fn validation(name: &str, words: &str, condition: Span, value: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&VALIDATION, format!("the value of `{name}` is refused: {words}"));
    match value {
        Some(value) => diagnostic.at(value, "this value").at(condition, "does not hold"),
        None => diagnostic.at(condition, "does not hold"),
    }
    .help(format!("give `{name}` a value for which it holds"))
}

/// [`UNKNOWN_TYPE`]
#[must_use]
pub fn unknown_type(word: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_TYPE, format!("there is no type `{word}`")).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(
            "the types are `string`, `int`, `float`, `bool`, `cidr`, `ip`, `service`, `peer`, `duration`, `list(T)`, `set(T)` and `map(T)`",
        ),
    }
}

/// [`UNKNOWN_TYPE`], for one that takes another number of types in its parentheses.
#[must_use]
pub fn type_arguments(word: &str, takes_one: bool, at: Span) -> Diagnostic {
    let (message, help) = if takes_one {
        (format!("`{word}` needs the type of what it holds"), format!("write `{word}(string)`, for example"))
    } else {
        (format!("`{word}` takes no type in parentheses"), format!("write `{word}`"))
    };
    Diagnostic::error(&UNKNOWN_TYPE, message).at(at, "").help(help)
}

/// [`UNUSED_VARIABLE`]
#[must_use]
pub fn unused_variable(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(&UNUSED_VARIABLE, format!("nothing uses the variable `{name}`")).at(at, "").help("remove it, or use it")
}

/// [`UNUSED_LET`]
#[must_use]
pub fn unused_let(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(&UNUSED_LET, format!("nothing uses `{name}`")).at(at, "").help("remove it, or use it")
}

/// `a`, `b` and `c`, in backticks.
#[must_use]
pub fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The first letter small, unless the word is an acronym.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// [`INPUT`], for a line of a variables file that sets nothing.
#[must_use]
pub fn no_input_line(at: Span) -> Diagnostic {
    Diagnostic::error(&INPUT, "a variables file holds lines `name = value`")
        .at(at, "")
        .help("write `name = value`, or move this to a source file")
}

/// [`INPUT`], for a value that is not written out.
#[must_use]
pub fn computed_input(at: Span) -> Diagnostic {
    Diagnostic::error(&INPUT, "a value from outside is written out: it holds no names and no computations")
        .at(at, "")
        .help("write the value itself; a text stands in quotes")
}

/// [`WRONG_SENTENCE`], where one of a few words is wanted.
#[must_use]
pub fn wrong_choice(words: &[&str], found: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    let wanted = words.join(" or ");
    let diagnostic = Diagnostic::error(&WRONG_SENTENCE, format!("expected {wanted}, found {found}")).at(at, format!("expected {wanted}"));
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("write {wanted}")),
    }
}

/// [`WRONG_SENTENCE`], for a list in a rule that holds nothing.
#[must_use]
pub fn empty_list(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_SENTENCE, format!("this list of {what} is empty")).at(at, "").help("remove the sentence, or name one")
}

/// [`POLICY_SENTENCE`], for a word that belongs to rules.
#[must_use]
pub fn anywhere_in_policy(at: Span) -> Diagnostic {
    Diagnostic::error(&POLICY_SENTENCE, "`anywhere` stands in rules only")
        .at(at, "")
        .help("write `internet` for every public address, or `any` for every source there can be")
}

/// [`LIFECYCLE`]: of what is only read.
#[must_use]
pub fn lifecycle_of_existing(at: Span) -> Diagnostic {
    Diagnostic::error(&LIFECYCLE, "an `existing` block has no `lifecycle`")
        .at(at, "")
        .help("remove it: what exists already is read and never changed")
}

/// [`LIFECYCLE`]: `ignore` is no list of names.
#[must_use]
pub fn no_attributes_to_ignore(at: Span) -> Diagnostic {
    Diagnostic::error(&LIFECYCLE, "`ignore` takes names of attributes")
        .at(at, "")
        .help("write `ignore = [tags, user_data]`, without quotes")
}

/// [`LIFECYCLE`]: `ignore` names what EC2 decides.
#[must_use]
pub fn computed_ignored(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&LIFECYCLE, format!("`{name}` is decided by EC2 and never compared")).at(at, "").help("remove it")
}

/// [`NOT_TOLD`]
#[must_use]
pub fn filter_not_told(name: &str, kind: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_TOLD, format!("EC2 does not tell `{name}`, so no `{kind}` can be found by it"))
        .at(at, "")
        .help("use another attribute, a tag or `id`")
}
