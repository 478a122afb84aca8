//! E08: proofs, and the networks they are about.

use std::fmt::Display;

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    SNAPSHOT_NOT_READ = "E0801" "a snapshot is no JSON, or only a part of it"
"A snapshot is one JSON object whose members are the lists that EC2's describe actions answer with. This file ends too early or
is something else.

```
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

```
{ \"expectations\": [ { \"id\": \"ssh\", \"from\": {\"internet\": \"203.0.113.9\"}, \"to\": {\"ip\": \"198.51.100.5\"},
                      \"proto\": \"tcp\", \"dport\": 22, \"expect\": \"reachable\" } ] }
```";
    NO_SERVICE = "E0804" "a trace names no service"
"A service is one word without spaces: `tcp/22`, `udp/53`, `tcp/1024-65535`, `icmp`, `icmp/echo-request`, `all`.";
    NO_END = "E0805" "an end of a trace is not in the network"
"An end is a resource of the project (`instance.server`), an id of EC2's in a snapshot (`i-0abc`), a network, an address,
`internet`, or `me`. Two ends of different address families cannot reach each other either.";
    WHO_AM_I = "E0806" "nobody said which address `me` is"
"`me` stands for your own public address. Say it with `--me 203.0.113.9`, or once and for all in `SECNET_ME`.";
    OBSCURE_END = "E0807" "nobody can tell yet what an end of a trace means"
"The resource exists already and was not read, or EC2 has yet to decide its address. Trace from what is known, or from the
network as it stands: `--snapshot FILE`.";
    FORBIDDEN = "E0811" "a policy forbids what the network lets through"
"A `forbid` holds if no packet that opens a flow of the service gets from one side to the other, whatever its source port, and
whether or not an answer would get back. Here one does. The labels show each line that lets it pass; taking away one is enough.

```
policy private { forbid all from internet to instance.db except tcp/22 from maintainers }
security_group db { vpc = vpc.main  ingress tcp/5432 from anywhere }                        # refuted
```

Narrow the rule to those who need it, or say in the policy that they may.";
    REQUIRED = "E0812" "a policy requires what the network does not let through"
"A `require` holds if for every address and every client port of one side, and every thing on the other, the service gets there
and its answer comes back. Here something stops it: each label says what and why, on the way there or back.

Client ports are 1024-65535, and 32768-65535 from an instance of the project; `client ports 49152-65535` after the service
says otherwise. Network ACLs keep no state: they must let the answers pass, too.";
    NOT_KNOWN = "E0813" "nobody can tell whether a policy holds"
"The packet meets something that secnet does not model, or of which it does not know enough. It never takes that for safe.

Read the rest of the network in, or state the policy about what is known.";
    NOTHING_TO_JUDGE = "E0814" "a policy speaks of nothing"
"There is no address on one side, or the two sides have no address family in common, so that the statement would hold whatever
the network lets through. That is no proof.

Place something there, or remove the statement.";
    CONTRADICTION = "E0816" "a policy requires what another forbids"
"Both statements cannot hold, whatever the network looks like: the one wants a flow that the other takes away.

```
policy web     { require tcp/443 from internet to instance.web }
policy private { forbid all from internet to subnet.private }        # instance.web is in it
```

Say in the one that forbids what it lets pass, with `except`; or remove the other.";
    USELESS_EXCEPTION = "W0815" "an exception takes nothing out"
"What stands after `except` and what is forbidden have no packet in common: the policy says the same without it.

```
forbid tcp/443 from internet to instance.web except tcp/22 from maintainers       # tcp/22 was not forbidden
```

Remove the exception, or forbid what it is about.";
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
    Diagnostic::error(&CASES_SHAPE, format!("`{file}` holds no expectations that secnet can read: {why}")).at(at, "")
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
        .help("read in the rest of the network, or state the policy about what is known")
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
pub fn no_end(from: &str, to: &str) -> Diagnostic {
    Diagnostic::error(&NO_END, format!("`{from}` or `{to}` has no address in this network"))
        .help("name a resource such as `instance.server`, an id, a network, `internet` or `me`")
}

/// [`OBSCURE_END`]
#[must_use]
pub fn obscure_end(why: &str) -> Diagnostic {
    Diagnostic::error(&OBSCURE_END, format!("nobody can tell what is meant: {why}"))
        .help("trace what is known, or a snapshot of the network")
}

/// [`WHO_AM_I`]
#[must_use]
pub fn who_am_i() -> Diagnostic {
    Diagnostic::error(&WHO_AM_I, "nobody said which address `me` is").help("say it with `--me IP` or in `SECNET_ME`")
}
