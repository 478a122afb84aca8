//! E08: proofs, and the networks they are about.

use std::fmt::Display;

use crate::base::{
    diagnostic::{Diagnostic, nearest},
    span::Span,
};

crate::codes! {
    SNAPSHOT_NOT_READ = "E0801" "a snapshot is no JSON, or only a part of it"
"A snapshot is one JSON object whose members are the lists that EC2's describe actions answer with. This file ends too early or
is something else.

```json
{ \"Vpcs\": [...], \"Subnets\": [...], \"RouteTables\": [...], \"NetworkAcls\": [...], \"SecurityGroups\": [...],
  \"NetworkInterfaces\": [...], \"Reservations\": [...], \"InternetGateways\": [...] }
```

Write it again; a file that was cut off proves nothing.";
    SNAPSHOT_SHAPE = "E0802" "a snapshot has another shape than EC2's answers"
"Every list of a snapshot has the form in which EC2 answers, and every item its id. Guessing at what is missing could prove what
does not hold, so nothing is guessed.

Take the lists as `aws ec2 describe-...` prints them; put the pages of a long answer together first.";
    CASES_SHAPE = "E0803" "a file of expectations has another shape"
"Expectations stand in a list named `expectations`; each has an `id`, `from`, `to`, `proto` and `expect`.

```json
{ \"expectations\": [ { \"id\": \"ssh\", \"from\": {\"internet\": \"203.0.113.9\"}, \"to\": {\"ip\": \"198.51.100.5\"},
                      \"proto\": \"tcp\", \"dport\": 22, \"expect\": \"reachable\" } ] }
```";
    NO_SERVICE = "E0804" "a trace names no service"
"A service is one word without spaces: `tcp/22`, `udp/53`, `tcp/1024-65535`, `icmp`, `icmp/echo-request`, `all`.";
    NO_END = "E0805" "an end of a trace is not in the network"
"An end is a resource of the project (`instance.server`), an id of EC2's in a snapshot (`i-0abc`), a network, an address,
`internet`, or `me`. Two ends of different address families cannot reach each other either.";
    WHO_AM_I = "E0806" "nobody said which address `me` is"
"`me` stands for your own public address. Where it is not given, AWS's address service (checkip.amazonaws.com) is asked. Say it with `--me 203.0.113.9`, or once and for all in `SECNET_ME`.";
    OBSCURE_END = "E0807" "nobody can tell yet what an end of a trace means"
"The resource exists already and was not read, or EC2 has yet to decide its address. Trace from what is known, or from the
network as it stands: `--snapshot FILE`.";
    NOT_THERE = "E0808" "nothing of this name has an interface in the network"
"What is inspected is a resource of the project (`instance.server`) or an id of EC2's (`i-0abc`, `eni-0abc`, `subnet-0abc`), and has
at least one network interface.";
    FORBIDDEN = "E0811" "a policy forbids what the network lets through"
"A `forbid` holds if no packet that opens a flow of the service gets from one side to the other, whatever its source port, and
whether or not an answer would get back. Here one does. The labels show each line that lets it pass; taking away one is enough.

```secnet proof E0811
policy private { forbid all from internet to instance.server except tcp/22 from maintainers }
security_group web { vpc = vpc.main  ingress tcp/443 from anywhere }     # refuted, if route_table.public leads there
```

Narrow the rule to those who need it, or say in the policy that they may.";
    REQUIRED = "E0812" "a policy requires what the network does not let through"
"A `require` holds if for every address and every client port of one side, and every thing on the other, the service gets there
and its answer comes back. Here something stops it: each label says what and why, on the way there or back.

Client ports are 1024-65535, and 32768-65535 from an instance of the project; `client ports 49152-65535` after the service
says otherwise. Network ACLs keep no state: they must let the answers pass, too.";
    NOT_KNOWN = "E0813" "nobody can tell whether a policy holds"
"The packet meets something that secnet does not model, or of which it does not know enough; or a side of the statement is known
after apply only. None of it is ever taken for safe.

`secnet prove --live` reads what stands in EC2 and judges the project among it. A service that secnet does not model stays
unknown: state the policy about what stands before it.";
    NOTHING_TO_JUDGE = "E0814" "a policy speaks of nothing"
"There is no address on one side, or the two sides have no address family in common, so that the statement would hold whatever
the network lets through. That is no proof.

Place something there, or remove the statement.";
    CONTRADICTION = "E0816" "a policy requires what another forbids"
"Both statements cannot hold, whatever the network looks like: the one wants a flow that the other takes away.

```secnet proof E0816
policy web     { require tcp/443 from internet to instance.server }
policy private { forbid all from internet to subnet.public }        # instance.server is in it
```

Say in the one that forbids what it lets pass, with `except`; or remove the other.";
    USELESS_EXCEPTION = "W0815" "an exception takes nothing out"
"What stands after `except` and what is forbidden have no packet in common: the policy says the same without it.

```secnet in policy proof W0815
forbid tcp/443 from internet to instance.server except tcp/22 from maintainers       # tcp/22 was not forbidden
```

Remove the exception, or forbid what it is about.";
    DEAD_ENTRY = "W0821" "an entry of a network ACL can never decide"
"Entries are asked by number, and the first that fits decides. Those before this one have decided every packet that it is about.

```secnet in network_acl proof W0821
in 100 allow tcp      from anywhere
in 200 deny  tcp/3389 from anywhere        # 100 has let it in already
```

Give it a lower number, or remove it.";
    DEAD_ROUTE = "W0822" "a route is never followed"
"The longest prefix wins, and among equal ones a written route over a learnt one. Other routes of the table take every address
that this one is for.

Remove it, or the routes that stand above it.";
    COVERED_RULE = "W0823" "another rule lets all of it pass"
"The rules of a group add up: one that lets pass what another lets pass already does nothing. People take it for the one that
decides, and narrowing it changes nothing.

```secnet in security_group proof W0823
ingress tcp/22 from 203.0.113.0/28
ingress all    from anywhere               # the one that decides
```

Remove one of the two.";
    IDLE_GROUP = "W0824" "nobody carries a security group"
"Its rules hold for nobody. Perhaps an instance was to carry it: `security_groups = [security_group.web]`.";
    ANSWERS_DENIED = "W0825" "a network ACL stops all answers of what a rule lets pass"
"A group lets the answers of what it lets pass through by itself; a network ACL does not. Here no answer gets back, so that the
rule lets packets in that nobody can use, except to do harm.

```secnet in network_acl
out 100 allow tcp/1024-65535 to anywhere   # the answers go to the client's port
```";
    ONE_WAY_ADDRESS = "W0826" "a public address in a subnet without a way to the internet"
"Packets of the internet are delivered to it, whatever the subnet's table says; its answers have no way out. It exposes the
machine and is of no use.

Take the address away, or lead the table to the internet gateway.";
    OPEN_PRIVATE_SUBNET = "W0827" "a subnet that is called private has a way in from the internet"
"Its route table leads to an internet gateway, and its network ACL lets packets of the internet in: whatever gets a public
address there is reachable as far as its groups allow.

Let the table lead to a NAT gateway, or call the subnet what it is.";
    UNNEEDED_RULE = "W0828" "no policy needs a rule"
"The policies say what must get through, and nothing of it passes by this rule. Either it lets pass more than is wanted, or a
`require` is missing that says what it is for.

```secnet
policy web { require tcp/443 from internet to instance.server }
```";
    OPEN_ADMINISTRATION = "W0829" "an administrative port is open to everybody"
"Whoever gets in by it rules the machine, or has its data. Ports like this one are found by scanners within minutes.

```secnet in security_group
ingress tcp/22 from maintainers            # not from anywhere
```";
    IN_DEFAULT_GROUP = "W0830" "an instance carries its VPC's default group"
"The default group lets in everything from whoever else carries it, and everything out. Whatever is started without a group gets
it, so that strangers meet there.

Give the instance a group of its own: `security_groups = [security_group.web]`.";
}

/// [`SNAPSHOT_NOT_READ`]
#[must_use]
pub fn snapshot_not_read(file: &str, why: impl Display) -> Diagnostic {
    Diagnostic::error(&SNAPSHOT_NOT_READ, format!("`{file}` is no whole JSON object: {why}"))
        .help("write the snapshot again, with every list that the network needs")
}

/// [`SNAPSHOT_SHAPE`]
#[must_use]
pub fn snapshot_shape(file: &str, place: impl Display, wanted: &str) -> Diagnostic {
    Diagnostic::error(&SNAPSHOT_SHAPE, format!("`{place}` in `{file}` is not {wanted}"))
        .help("take the list as `aws ec2 describe-...` prints it")
}

/// [`CASES_SHAPE`]
#[must_use]
pub fn cases_shape(file: &str, why: impl Display, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&CASES_SHAPE, format!("`{file}` holds no expectations that secnet can read: {why}"))
        .at(at, "")
        .help("write a list `expectations`, each with `id`, `from`, `to`, `proto` and `expect`")
}

/// [`FORBIDDEN`]
#[must_use]
pub fn forbidden(policy: &str, from: &str, to: &str, services: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&FORBIDDEN, format!("policy `{policy}` does not hold: {from} reaches {to} with {services}")).at(at, "forbidden here")
}

/// [`REQUIRED`]
#[must_use]
pub fn required(policy: &str, from: &str, to: &str, services: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&REQUIRED, format!("policy `{policy}` does not hold: {from} does not reach {to} with {services}"))
        .at(at, "required here")
}

/// [`NOT_KNOWN`]
#[must_use]
pub fn not_known(policy: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_KNOWN, format!("nobody can tell whether policy `{policy}` holds: {why}"))
        .at(at, "neither proven nor refuted")
        .help("read what stands with `secnet prove --live`, or state the policy about what is known")
}

/// [`NOTHING_TO_JUDGE`]
#[must_use]
pub fn nothing_to_judge(policy: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOTHING_TO_JUDGE, format!("a statement of policy `{policy}` speaks of nothing"))
        .at(at, why)
        .help("place something there, or remove the statement")
}

/// [`CONTRADICTION`]
#[must_use]
pub fn contradiction((policy, require): (&str, Span), (other, forbid): (&str, Span), from: &str, to: &str) -> Diagnostic {
    Diagnostic::error(&CONTRADICTION, format!("policy `{policy}` requires what policy `{other}` forbids: {from} reaching {to}"))
        .at(require, "required here")
        .at(forbid, "forbidden here")
        .help("let it pass with `except`, or remove one of the two")
}

/// [`USELESS_EXCEPTION`]
#[must_use]
pub fn useless_exception(policy: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(&USELESS_EXCEPTION, format!("an exception of policy `{policy}` takes nothing out"))
        .at(at, "the exception and what is forbidden have nothing in common")
        .help("remove the exception, or forbid what it is about")
}

/// [`NO_SERVICE`]
#[must_use]
pub fn no_service(text: &str) -> Diagnostic {
    Diagnostic::error(&NO_SERVICE, format!("`{text}` is no service")).help("write one such as `tcp/22`, `udp/53`, `icmp` or `all`")
}

/// [`NO_END`]
#[must_use]
pub fn no_end(from: &str, to: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_END, format!("`{from}` or `{to}` has no address in this network"));
    match [from, to].into_iter().find_map(|end| meant(end, known)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("name a resource such as `instance.server`, an id, a network, `internet` or `me`"),
    }
}

/// The resource that was probably meant by what is none.
fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    nearest(name, known.iter().copied()).filter(|_| !known.contains(&name))
}

/// [`NOT_THERE`]
#[must_use]
pub fn not_there(name: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NOT_THERE, format!("nothing called `{name}` has an interface in this network"));
    match meant(name, known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("name a resource such as `instance.server`, or an id"),
    }
}

/// [`OBSCURE_END`]
#[must_use]
pub fn obscure_end(why: &str) -> Diagnostic {
    Diagnostic::error(&OBSCURE_END, format!("nobody can tell what is meant: {why}"))
        .help("read what stands with `--live`, take a `--snapshot`, or name what is known")
}

/// [`WHO_AM_I`]
#[must_use]
pub fn who_am_i(why: &str) -> Diagnostic {
    Diagnostic::error(&WHO_AM_I, format!("nobody said which address `me` is: {why}")).help("say it with `--me IP` or in `SECNET_ME`")
}

fn line(code: &'static crate::base::diagnostic::Code, owner: &str, line: &str, what: &str, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::warning(code, format!("`{line}` of `{owner}` {what}")).at(at, "").help(help)
}

/// [`DEAD_ENTRY`]
#[must_use]
pub fn dead_entry(owner: &str, words: &str, at: Option<Span>) -> Diagnostic {
    line(
        &DEAD_ENTRY,
        owner,
        words,
        "never decides: entries before it have decided all that it is about",
        at,
        "give it a lower number, or remove it",
    )
}

/// [`DEAD_ROUTE`]
#[must_use]
pub fn dead_route(owner: &str, words: &str, at: Option<Span>) -> Diagnostic {
    line(&DEAD_ROUTE, owner, words, "is never followed: other routes take all of its addresses", at, "remove it, or the routes above it")
}

/// [`COVERED_RULE`]
#[must_use]
pub fn covered_rule(owner: &str, words: &str, at: Option<Span>, other: &str, there: Option<Span>) -> Diagnostic {
    line(&COVERED_RULE, owner, words, &format!("does nothing: `{other}` lets all of it pass"), at, "remove one of the two")
        .at(there.filter(|_| at.is_some()), "lets all of it pass")
}

/// [`IDLE_GROUP`]
#[must_use]
pub fn idle_group(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(&IDLE_GROUP, format!("nobody carries `{name}`")).at(at, "").help("let an instance carry it, or remove it")
}

/// [`ANSWERS_DENIED`]
#[must_use]
pub fn answers_denied(owner: &str, words: &str, at: Option<Span>, acl: &str) -> Diagnostic {
    let what = format!("is of no use: `{acl}` stops all answers");
    line(&ANSWERS_DENIED, owner, words, &what, at, "let the answers pass: they go to the client's port, such as tcp/1024-65535")
}

/// [`ONE_WAY_ADDRESS`]
#[must_use]
pub fn one_way_address(name: &str, subnet: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::warning(&ONE_WAY_ADDRESS, format!("`{name}` has a public address, and `{subnet}` has no way to the internet"))
        .at(at, "reachable one way")
        .help("take the address away, or lead the subnet's table to the internet gateway")
}

/// [`OPEN_PRIVATE_SUBNET`]
#[must_use]
pub fn open_private_subnet(name: &str, table: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::warning(&OPEN_PRIVATE_SUBNET, format!("`{name}` is called private, and `{table}` leads it to the internet gateway"))
        .at(at, "the internet gets in")
        .help("let its table lead to a NAT gateway, or call it what it is")
}

/// [`UNNEEDED_RULE`]
#[must_use]
pub fn unneeded_rule(owner: &str, words: &str, at: Option<Span>) -> Diagnostic {
    line(&UNNEEDED_RULE, owner, words, "is needed by no policy", at, "remove it, or `require` what it is for")
}

/// [`OPEN_ADMINISTRATION`]
#[must_use]
pub fn open_administration(owner: &str, words: &str, names: &[&str], at: Option<Span>) -> Diagnostic {
    let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
    let names = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    line(&OPEN_ADMINISTRATION, owner, words, &format!("opens {names}{more} to everybody"), at, "name the networks that need it")
}

/// [`IN_DEFAULT_GROUP`]
#[must_use]
pub fn in_default_group(name: &str, group: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::warning(&IN_DEFAULT_GROUP, format!("`{name}` carries `{group}`"))
        .at(at, "in its VPC's default group")
        .help("give it a group of its own: `security_groups = [...]`")
}
