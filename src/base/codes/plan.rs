//! E07: planning.

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    EXISTING_NOT_ONE = "E0701" "an existing block does not find exactly one resource"
"An `existing` block names something that stands in the account already; what is written in it are filters, and exactly one
resource must fit them. secnet never guesses which of several is meant, and never makes what is missing.

```secnet
existing vpc shared { cidr_block = 10.0.0.0/16  tags = { Name = \"shared\" } }
```

With none found: check region and account, and whether a filter is wrong. With several: add an attribute that tells them apart, such as `id`.";
    UNKNOWN_KIND = "E0702" "the state holds a kind of resource that this version does not know"
"The state file was written by a newer version of secnet, which knows more resource types. Use that version: this one would lose
track of what the newer one has made.";
    TAKEN_OVER = "E0703" "a managed resource is declared as existing"
"secnet made this resource and manages it; as an `existing` block it would only be read, and a plan could not tell whether
it should be deleted or left alone.

Keep the resource block, or give the existing one another name.

Nor does an `existing` block find what the project manages under another name: what changes would be read as it was before. Two
`existing` blocks may find the same thing, as where two modules read one VPC: then it goes by the name of the outermost.";
    NO_ORDER = "E0704" "the calls of a plan wait for each other"
"Each change of a plan waits for those that it depends on. Here some wait for each other, so no order exists in which EC2 would
take them. This comes from replacing several resources that refer to each other at once, or from one under another name that
takes the place of one that others still need: the same `group_name`, `key_name` or network.

Where it is the same thing under another name, say so: `moved security_group.web to security_group.front`. Else apply the change in
two steps: first remove the reference, then replace the resource.";
    FIXED_NAME = "E0705" "a successor cannot stand beside what it replaces"
"Some resources are made anew before the old one goes: security groups always, others where `lifecycle` says `replace = \"create_first\"`.
Both stand for a while, so they cannot share what EC2 gives out once: a `group_name` in a VPC, a `key_name`, a range of a VPC's addresses,
a private address in a subnet, an Elastic IP address, an interface.

```secnet
security_group web {
  vpc         = vpc.main
  group_name  = \"web\"          # the successor cannot have this name while the old group stands
  description = \"changed\"
}
```

Remove the attribute (secnet makes unique names from the resource's name, EC2 picks free addresses), change it in the same edit, or write
`replace = \"destroy_first\"`: then it is gone for a while.";
    IMAGE_NOT_FOUND = "E0706" "no image fits"
"`ami(NAME)` stands for the newest image of a family, published by its maker for the instance type's architecture. EC2 lists none
here: the family is not published in this region, or not for this architecture.

An image's id names one image of one region; this one has no such image, or the account may not use it.

Write the id of an image of this region (`image = \"ami-0abc...\"`), or choose another family or instance type.";
    NOT_KNOWN = "E0707" "a rule needs a value that is not known before apply"
"Rules, routes, entries and associations are compared one by one with what EC2 holds, so what tells them apart must be known while
planning. This one depends on something that EC2 decides during the apply.

Apply the resource it depends on first, or write the value itself.";
    POLICY_AGAINST = "E0709" "a policy stands against a plan"
"An apply carries nothing out that a policy of the project forbids, or of which nobody can tell whether it does. Nothing has been touched.

```secnet proof E0811
policy private { forbid all from internet to instance.server }
security_group web { vpc = vpc.main  ingress tcp/443 from anywhere }     # what the policy stands against, with route_table.public
```

Change what the message of the policy points at, or the policy itself. `secnet prove` asks again without calling EC2.";
    WEAKER_POLICIES = "E0710" "policies would demand less than when last applied"
"The state keeps what the policies demanded when the project was last applied. This change takes a statement away, or puts one in its place
that lets more through. Whoever may change a rule should not be able to change what guards it in passing, so this wants a consent of its own;
`--yes` does not give it.

```sh
secnet apply --accept-policy-change
```

A statement is kept by any that demands as much: a wider source, destination or service in a `forbid`, fewer exceptions, more client ports.";
    PROTECTED = "E0720" "a protected resource would be deleted or replaced"
"`lifecycle { protect = true }` says that a resource may be neither deleted nor replaced, whatever else changes. The state keeps that, so
that deleting the block, or all of the sources, does not unprotect it.

```secnet
instance db {
  image           = ami(\"al2023\")
  instance_type   = \"t3.micro\"
  subnet          = subnet.private
  security_groups = [security_group.db]
  lifecycle { protect = true }
}
```

To keep it, undo the change that the message points at. To delete or replace it, write `protect = false` (write the block back if it is gone),
apply, and make the change after that. To leave it in EC2 and manage it no more, delete the block and write `forget instance.db`.";
    NOT_IMPORTED = "E0721" "an import cannot be done"
"`import` takes something that stands in EC2 under management. It must be of the block's kind, stand in the project's region and account, and be
managed by nobody else: neither under another name in this project nor by another project of secnet, which its tag `secnet:lineage` tells.

```secnet
import vpc.main from \"vpc-0abc1234\"

vpc main {
  cidr_block = 10.0.0.0/16
}
```

The plan then shows what would change on it, as if it had been there all along. Once it is imported the statement does nothing.";
    CREATE_FIRST = "E0722" "a successor cannot be made first inside what goes first"
"`replace = \"create_first\"` asks for the successor to be made before the old one goes. But this one lies in something that is itself replaced,
and whose old one goes before its successor comes: there is nowhere to put the successor.

Write `replace = \"create_first\"` in the other block too, or remove it here.";
    LOCKED = "E0725" "EC2 would refuse to delete or stop a resource that is locked"
"An instance can be locked in EC2 itself: `disable_api_termination = true` keeps it from being deleted, `disable_api_stop = true` from being
deleted or stopped. A change that needs either would fail in the middle of an apply, so the plan refuses it.

```secnet
instance db {
  image                   = ami(\"al2023\")
  instance_type           = \"t3.micro\"
  subnet                  = subnet.private
  security_groups         = [security_group.db]
  disable_api_termination = true
}
```

To replace it, or to change what EC2 changes in a stopped instance only, write `false` (or take the line out): the same apply turns the lock
off first. To delete it, turn the lock off and apply (write the block back if it is gone), then delete it. `secnet` knows of the locks that it
has set itself: EC2 tells of those that others have set by a call for each instance only, which `--deep` makes.";
    NEVER_READ = "E0723" "a plan that reads nothing needs something that was never read"
"With `--refresh=false` a plan is made from the state alone. The state keeps what existing resources and images were when they were
last read, and knows nothing of those that are new in the sources, or that are looked for in another way than before.

```sh
secnet plan --refresh=false     # after `image = ami(\"debian-12\")` was written for the first time
```

Plan or apply without `--refresh=false` once: an apply keeps what it has read.";
    NOT_BETWEEN = "E0750" "a policy does not hold at every step of an apply"
"A policy that says `during apply` is to hold in every state that the account passes through, whatever part of the calls that run side by side
has been carried out. A `forbid` may be violated only by what passed before the apply began; a `require` that holds before and after must hold
all the time. Where one order of the calls does not give that, secnet takes another: what lets packets through is made first, or is taken
away first. Here no order does.

```sh
secnet plan      # names the statement, and a packet that shows it
```

Make the change in two: first what the message points at, then the rest. Or drop `during apply`, if the moment is acceptable.";
    MEANWHILE = "W0751" "something passes for a while that passes neither before nor after"
"Calls are carried out one after the other, and some side by side. Between the first and the last, old and new stand together: an old rule that
lets out and a new one that lets in, say. secnet looks for an order in which no state between lets anything through that neither the state
before nor the one after does. For this plan there is none; the message says what passes meanwhile.

```sh
secnet plan      # tells it before anything is done
```

Make the change in two, or accept the moment. `policy ... during apply` makes it an error.";
    NOT_ASKED = "E0724" "EC2 was never asked what the project cannot be resolved without"
"Some of what a project says depends on what EC2 answers: how many zones a region has, or which resources fit an `existing` block
with `for {}`. `plan` and `apply` ask for that before anything else, and an apply keeps the answers in the state, by which
`check`, `test`, `prove` and `--refresh=false` go. Nothing is guessed in the place of an answer: a subnet that is left out would be left
out of every proof.

```secnet error E0724
subnet app for zone in availability_zones() { vpc = vpc.main  cidr_block = 10.0.3.0/24  availability_zone = zone }
```

Run `secnet plan` where EC2 can be asked, and apply it; or write the zones, or the ids, into the sources. A test gives a variable of its own
in their place: `variable zones: list(string) = availability_zones()`, and `with zones = [\"us-east-1a\"]`.";
    LAW_BROKEN = "E0708" "a plan breaks one of its own laws"
"Before a plan is shown, secnet checks what must hold of every plan: each task comes after all that it waits for, and whatever it
needs from another resource is made before it. This plan breaks such a law. That is a mistake in secnet, not in your sources, and
nothing was changed.

Please report it, with the sources that led to it. Applying the change in smaller steps may avoid it.";
}

/// [`LAW_BROKEN`]
#[must_use]
pub fn law_broken(law: &str) -> Diagnostic {
    Diagnostic::error(&LAW_BROKEN, format!("the plan breaks a law of its own: {law}"))
        .help("nothing was changed; please report this with the sources that led to it")
}

/// [`EXISTING_NOT_ONE`]
#[must_use]
pub fn existing_not_one(address: &Address, ids: &[&str], at: Option<Span>) -> Diagnostic {
    let (message, help) = match ids {
        [] => (format!("no {} fits `existing {address}`", address.kind()), "check its filters, the region and the account".to_owned()),
        ids => (
            format!("{} {}s fit `existing {address}`", ids.len(), address.kind()),
            format!("add a filter that tells them apart, such as `id`: they are {}", ids.join(", ")),
        ),
    };
    Diagnostic::error(&EXISTING_NOT_ONE, message).at(at, "must find exactly one").help(help)
}

/// [`UNKNOWN_KIND`]
#[must_use]
pub fn unknown_kind_in_state(address: &Address) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_KIND, format!("the state holds `{address}`, of a kind that this version does not know"))
        .help("use the version of secnet that wrote the state")
}

/// [`TAKEN_OVER`]
#[must_use]
pub fn managed_as_existing(address: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&TAKEN_OVER, format!("`{address}` is managed by this project and declared as existing"))
        .at(at, "secnet has made it")
        .help("keep the resource block, or give the existing one another name")
}

/// [`TAKEN_OVER`]
#[must_use]
pub fn two_names(address: &Address, other: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&TAKEN_OVER, format!("`existing {address}` finds what is `{other}` already, which this project manages"))
        .at(at, "finds the same")
        .help(format!("write `{other}` in its place, or add a filter that leaves it out"))
}

/// [`NO_ORDER`]
#[must_use]
pub fn no_order(titles: &[&str]) -> Diagnostic {
    Diagnostic::error(&NO_ORDER, format!("these changes wait for each other: {}", titles.join(", ")))
        .help("apply in two steps: first remove the reference, then replace the resource")
}

/// [`NO_ORDER`]: what comes, what it takes the place of, and what both have.
#[must_use]
pub fn place_taken(new: &Address, old: &Address, shared: &str, at: Option<Span>) -> Diagnostic {
    let message = format!("`{new}` has the `{shared}` of `{old}`, which is needed until `{new}` stands");
    Diagnostic::error(&NO_ORDER, message)
        .at(at, format!("EC2 lets only one have this `{shared}`"))
        .help(format!("write `moved {old} to {new}` if it is the same one; or change its `{shared}`, or apply in two steps"))
}

/// [`FIXED_NAME`]: what both would need, and what makes a successor (and where).
#[must_use]
pub fn cannot_stand_beside(address: &Address, shared: &str, changed: (&str, Option<Span>), lifecycle: Option<Span>) -> Diagnostic {
    let (changed, at) = changed;
    let told = Diagnostic::error(&FIXED_NAME, format!("`{address}` cannot be replaced by one with the same `{shared}`"))
        .at(at, format!("`{changed}` changes, which makes a successor"));
    match lifecycle {
        Some(lifecycle) => told
            .at(lifecycle, "the successor is made first")
            .help(format!("remove `{shared}`, change it too, or write `replace = \"destroy_first\"`")),
        None => told.help(format!("remove `{shared}`, or change it too")),
    }
}

/// [`PROTECTED`]: the attributes that would replace it, and where they stand.
#[must_use]
pub fn protected_from_replacement(address: &Address, by: &[(&str, Option<Span>)], lifecycle: Option<Span>) -> Diagnostic {
    let names: Vec<String> = by.iter().map(|(name, _)| format!("`{name}`")).collect();
    let told = Diagnostic::error(&PROTECTED, format!("`{address}` is protected, and a change of {} would replace it", names.join(", ")));
    let told = by.iter().fold(told, |told, (name, at)| told.at(*at, format!("EC2 cannot change `{name}`")));
    told.at(lifecycle, "protected here").help("undo the change, or write `protect = false` and apply before you make it")
}

/// [`PROTECTED`]
#[must_use]
pub fn protected_from_deletion(address: &Address) -> Diagnostic {
    let help = format!(
        "write `protect = false` in its block (write the block back if it is gone) and apply; or write `forget {address}` to leave it in EC2"
    );
    Diagnostic::error(&PROTECTED, format!("`{address}` is protected, and would be deleted: it is not in the sources any more")).help(help)
}

/// [`LOCKED`]
#[must_use]
pub fn locked_from_change(address: &Address, lock: &str, by: &[(&str, Option<Span>)], replaced: bool, at: Option<Span>) -> Diagnostic {
    let names: Vec<String> = by.iter().map(|(name, _)| format!("`{name}`")).collect();
    let (what, why) = if replaced { ("replace", "is for a new one") } else { ("stop", "is changed while it is stopped") };
    let told = Diagnostic::error(&LOCKED, format!("`{lock}` of `{address}` is on, and a change of {} would {what} it", names.join(", ")));
    let told = by.iter().fold(told, |told, (name, at)| told.at(*at, format!("`{name}` {why}")));
    told.at(at, "locked here").help(format!("write `{lock} = false`: the same apply turns it off first"))
}

/// [`LOCKED`]
#[must_use]
pub fn locked_from_deletion(address: &Address, lock: &str) -> Diagnostic {
    let help = format!(
        "write `{lock} = false` in its block (write the block back if it is gone) and apply; or write `forget {address}` to leave it in EC2"
    );
    Diagnostic::error(&LOCKED, format!("`{lock}` of `{address}` is on, and it would be deleted")).help(help)
}

/// [`NOT_IMPORTED`]: what AWS gives a VPC, where nothing was read.
#[must_use]
pub fn not_adopted_unread(address: &Address, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&NOT_IMPORTED, format!("`{address}` cannot be adopted: nothing was read of what it holds")).at(at, "").help(help)
}

/// [`NOT_IMPORTED`]
#[must_use]
pub fn not_imported(address: &Address, id: &str, why: &str, help: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_IMPORTED, format!("`{id}` cannot be imported as `{address}`: {why}")).at(at, "").help(help)
}

/// [`CREATE_FIRST`]
#[must_use]
pub fn nowhere_to_create_first(address: &Address, inside: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&CREATE_FIRST, format!("the successor of `{address}` cannot be made first: `{inside}` goes before its own comes"))
        .at(at, "asks for that")
        .help(format!("write `replace = \"create_first\"` in `{inside}` too, or remove it here"))
}

/// [`IMAGE_NOT_FOUND`]
#[must_use]
pub fn image_not_found(image: &str, region: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&IMAGE_NOT_FOUND, format!("no image fits `{image}` in {region}"))
        .at(at, "nothing found")
        .help("write the id of an image, or choose another family or instance type")
}

/// [`NEVER_READ`]
#[must_use]
pub fn never_read(what: &str, why: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NEVER_READ, format!("{what} {why}, and this plan reads nothing"))
        .at(at, "has to be read")
        .help("run it without `--refresh=false`; an apply keeps what it has read")
}

/// [`NOT_ASKED`]
#[must_use]
pub fn not_asked(question: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_ASKED, format!("what `{question}` gives is not known: EC2 was never asked"))
        .at(at, "has to be asked")
        .help("`secnet plan` asks, and an apply keeps the answer")
}

/// [`NOT_KNOWN`]
#[must_use]
pub fn not_known(owner: &Address, part: &str, value: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NOT_KNOWN, format!("`{value}` is not known before apply, and {part} of `{owner}` needs it now"))
        .at(at, "needs the value now")
        .help(format!("apply `{}` first, or write the value itself", value.rsplit_once('.').map_or(value, |(resource, _)| resource)))
}

/// [`POLICY_AGAINST`]
#[must_use]
pub fn policy_stands_against(policy: &str, statement: &str, refuted: bool) -> Diagnostic {
    let how = if refuted { "is refuted by this plan" } else { "cannot be proven of this plan" };
    Diagnostic::error(&POLICY_AGAINST, format!("nothing was applied: `{statement}` of policy `{policy}` {how}"))
        .help("change what lets it through, or the policy; `secnet prove` shows more")
}

/// [`WEAKER_POLICIES`]: policy and statement of each.
#[must_use]
pub fn weaker_policies<'a>(statements: impl Iterator<Item = (&'a str, &'a str)>) -> Diagnostic {
    let all: Vec<String> = statements.map(|(policy, text)| format!("`{text}` of policy `{policy}`")).collect();
    Diagnostic::error(&WEAKER_POLICIES, format!("nothing was applied: the policies would no longer demand {}", all.join(", ")))
        .help("put it back, or agree with --accept-policy-change")
}

/// [`NOT_BETWEEN`]: a `forbid`, and a packet that gets through or why nobody can tell.
#[must_use]
pub fn forbid_between(policy: &str, at: Span, shown: Option<&str>) -> Diagnostic {
    let message = format!("policy `{policy}` does not hold at every step of this apply");
    let shown = shown.map_or_else(String::new, |shown| format!(": {shown}"));
    Diagnostic::error(&NOT_BETWEEN, message).at(at, format!("in no order of the calls{shown}")).help(IN_TWO)
}

/// [`NOT_BETWEEN`]: a `require`, and a packet that does not get through.
#[must_use]
pub fn require_between(policy: &str, at: Span, shown: Option<&str>) -> Diagnostic {
    let message = format!("policy `{policy}` does not hold at every step of this apply");
    let shown = shown.map_or_else(String::new, |shown| format!(": {shown} does not get through meanwhile"));
    Diagnostic::error(&NOT_BETWEEN, message).at(at, format!("in no order of the calls{shown}")).help(IN_TWO)
}

/// [`NOT_BETWEEN`]: too many changes that must go one at a time.
#[must_use]
pub fn too_many_between(policy: &str, at: Span, turns: usize) -> Diagnostic {
    let message = format!("nobody can tell whether policy `{policy}` holds at every step of this apply");
    Diagnostic::error(&NOT_BETWEEN, message)
        .at(at, format!("{turns} routes, entries and attributes change while machines are there"))
        .help(IN_TWO)
}

const IN_TWO: &str = "make the change in two steps, or drop `during apply`";

/// [`MEANWHILE`]: what passes, each with who begins, who answers and the service.
#[must_use]
pub fn open_meanwhile(flows: &[(&str, &str, &str)]) -> Diagnostic {
    let told: Vec<String> = flows.iter().take(3).map(|(from, to, service)| format!("{service} from {from} to {to}")).collect();
    let more = if flows.len() > told.len() { format!(", and {} more", flows.len() - told.len()) } else { String::new() };
    Diagnostic::warning(
        &MEANWHILE,
        format!("while this is applied, {}{more} may pass, which passes neither before nor after", told.join(", ")),
    )
    .help("make the change in two steps, or say with `policy ... during apply` what must not pass")
}
