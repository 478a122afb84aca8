//! E07: planning.

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    EXISTING_NOT_ONE = "E0701" "an existing block does not find exactly one resource"
"An `existing` block names something that stands in the account already; what is written in it are filters, and exactly one
resource must fit them. secnet never guesses which of several is meant, and never makes what is missing.

```
existing vpc shared { cidr_block = 10.0.0.0/16  tags = { Name = \"shared\" } }
```

With none found: check region and account, and whether a filter is wrong. With several: add an attribute that tells them apart, such as `id`.";
    UNKNOWN_KIND = "E0702" "the state holds a kind of resource that this version does not know"
"The state file was written by a newer version of secnet, which knows more resource types. Use that version: this one would lose
track of what the newer one has made.";
    TAKEN_OVER = "E0703" "a managed resource is declared as existing"
"secnet made this resource and manages it; as an `existing` block it would only be read, and a plan could not tell whether
it should be deleted or left alone.

Keep the resource block, or give the existing one another name.";
    NO_ORDER = "E0704" "the calls of a plan wait for each other"
"Each change of a plan waits for those that it depends on. Here some wait for each other, so no order exists in which EC2 would
take them. This comes from replacing several resources that refer to each other at once.

Apply the change in two steps: first remove the reference, then replace the resource.";
    FIXED_NAME = "E0705" "a resource with a fixed name cannot be replaced in place"
"EC2 cannot change a security group's description or name, so secnet makes a successor, moves interfaces and rules over, and
deletes the old one. Both stand for a while, so they cannot have the same `group_name`.

Remove `group_name` (secnet makes a unique one from the resource's name), or change it in the same edit.";
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

```
policy private { forbid all from internet to instance.db }
security_group db { vpc = vpc.main  ingress tcp/5432 from anywhere }     # what the policy stands against
```

Change what the message of the policy points at, or the policy itself. `secnet prove` asks again without calling EC2.";
    WEAKER_POLICIES = "E0710" "policies would demand less than when last applied"
"The state keeps what the policies demanded when the project was last applied. This change takes a statement away, or puts one in its place
that lets more through. Whoever may change a rule should not be able to change what guards it in passing, so this wants a consent of its own;
`--yes` does not give it.

```
secnet apply --accept-policy-change
```

A statement is kept by any that demands as much: a wider source, destination or service in a `forbid`, fewer exceptions, more client ports.";
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

/// [`NO_ORDER`]
#[must_use]
pub fn no_order(titles: &[&str]) -> Diagnostic {
    Diagnostic::error(&NO_ORDER, format!("these changes wait for each other: {}", titles.join(", ")))
        .help("apply in two steps: first remove the reference, then replace the resource")
}

/// [`FIXED_NAME`]
#[must_use]
pub fn fixed_name(address: &Address, changed: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&FIXED_NAME, format!("`{address}` cannot be replaced by one with the same `group_name`"))
        .at(at, format!("`{changed}` changes, which makes a successor"))
        .help("remove `group_name`, or change it too")
}

/// [`IMAGE_NOT_FOUND`]
#[must_use]
pub fn image_not_found(image: &str, region: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&IMAGE_NOT_FOUND, format!("no image fits `{image}` in {region}"))
        .at(at, "nothing found")
        .help("write the id of an image, or choose another family or instance type")
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
