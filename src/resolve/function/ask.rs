//! Functions that ask EC2: what they give is looked up while planning, and remembered in the state. Layer 4.
//!
//! What stands here reads the arguments; whoever evaluates a call knows what was answered.

use super::{Answer, Argument, Entry, Refusal, argument::text, pure};
use crate::schema::value::Value;

pub(super) const TABLE: &[Entry] = &[
    pure(
        "ami",
        "ami(\"al2023\")",
        (1, 2),
        "The newest image of a family, looked up while planning; the second argument is \"x86_64\" or \"arm64\".",
        ami,
    ),
    pure(
        "availability_zones",
        "availability_zones()",
        (0, 0),
        "The names of the region's availability zones that are open to the account, in order; local zones and wavelength zones are \
         left out. Each plan asks anew, and what the last apply was told is remembered: `check`, `prove` and `--refresh=false` go by that.",
        |_| Ok(Value::List(vec![])),
    ),
    pure(
        "prefix_list_named",
        "prefix_list_named(\"s3\")",
        (1, 1),
        "The prefix list of a name, for rules, routes and policies: \"s3\", \"dynamodb\", \"ec2-instance-connect\" and \
         \"vpc-lattice\" are AWS's own in the project's region; any other list goes by its whole name. It must be one exactly. What \
         it holds is read while planning; where nothing was read yet, what rests on it is unknown, and never proven.",
        |a| {
            let name = text(a, 0)?;
            if name.is_empty() {
                return Err(Refusal::Wrong(0, "a prefix list has a name, such as \"s3\"".into()));
            }
            if name.starts_with("pl-") {
                return Err(Refusal::Wrong(
                    0,
                    format!("{name:?} is the id of a list: name it by `existing prefix_list x {{ id = {name:?} }}`"),
                ));
            }
            Ok(Value::text(name))
        },
    ),
];

fn ami(a: &[Argument]) -> Answer {
    let family = text(a, 0)?;
    if family.is_empty() {
        return Err(Refusal::Wrong(0, "an image family has a name, such as \"al2023\"".into()));
    }
    if family.starts_with("ami-") {
        return Err(Refusal::Wrong(0, format!("{family:?} is the id of an image: write it without `ami(...)`")));
    }
    let architecture = if a.len() > 1 { Some(text(a, 1)?.to_owned()) } else { None };
    match architecture.as_deref() {
        None | Some("x86_64" | "arm64") => Ok(Value::Image(family.into(), architecture)),
        Some(other) => Err(Refusal::Wrong(1, format!("the architecture is \"x86_64\" or \"arm64\", not {other:?}"))),
    }
}
