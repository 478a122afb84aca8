//! What is kept of a project from one text to the next never shows: it is resolved as if nobody had seen it before.

use std::sync::Arc;

use secnet::analysis::{Inputs, Memory, analyze};

use crate::random::{Dice, networks, seed, tell};

#[path = "../../benches/editor/project.rs"]
pub(crate) mod company;

/// What a company has besides its teams: names of values, repeated blocks, settings, things that name each other across files.
const MORE: [(&str, &str); 3] = [
    (
        "a_values.secnet",
        "let zones    = { a = 0, b = 1 }\nlet wide     = 10.200.0.0/16\nlet networks = { for k, n in zones: k => cidrsubnet(wide, 8, n) }\n\
         let first    = subnet.more[\"a\"]\nlet doors    = [tcp/22, tcp/8443]\nlet nobody   = 1\nlet secret   = sensitive(\"hush\")\n",
    ),
    (
        "b_more.secnet",
        "vpc more {\n  cidr_block = wide\n  tags       = { Secret = secret }\n  default_security_group { }\n}\n\n\
         subnet more for k, network in networks {\n  vpc        = vpc.more\n  cidr_block = network\n}\n\n\
         security_group more {\n  vpc         = vpc.more\n  description = \"more ${zones.a}\"\n  for door in doors {\n    ingress door from office\n  }\n  \
         if zones.b == 1 {\n    egress all to anywhere\n  }\n}\n",
    ),
    (
        "c_users.secnet",
        "network_interface more {\n  subnet          = first\n  security_groups = [security_group.more]\n}\n\n\
         network_interface other if zones.a == 0 {\n  subnet             = first\n  private_ip_address = cidrhost(first.cidr_block, 9)\n  \
         security_groups    = [vpc.more.default_security_group]\n}\n\noutput where = network_interface.more.private_ip_address\n",
    ),
];

fn files() -> Vec<(String, String)> {
    let more = MORE.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    company::project(230, 10).into_iter().chain(more).collect()
}

/// A file after somebody's next keystrokes.
fn typed(text: &str, original: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return original.to_owned();
    }
    let at = dice.below(lines.len());
    match dice.below(9) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.insert(0, "# one line more, and everything below moves".into()),
        3 => lines[at] = lines[at].replacen(|c: char| c.is_ascii_digit(), &dice.below(10).to_string(), 1),
        4 => lines[at] = lines[at].chars().take(dice.below(30)).collect(),
        5 => lines[at] = lines[at].replacen("_web0", "_app1", 1).replacen("first", "subnet.more[\"a\"]", 1),
        6 => lines.push(format!("let t{}_g{} = {}", dice.below(2), dice.below(9), dice.below(3))),
        _ => return original.to_owned(),
    }
    lines.join("\n") + "\n"
}

/// Carries something from one file to another, or within one; some leave it where it was, too.
fn carried(files: &mut [(String, String)], dice: &mut Dice) {
    let (from, to) = (dice.below(files.len()), dice.below(files.len()));
    let mut parts: Vec<String> = files[from].1.split("\n\n").map(str::to_owned).collect();
    let at = dice.below(parts.len());
    let part = if dice.one_in(3) { parts[at].clone() } else { parts.remove(at) };
    files[from].1 = parts.join("\n\n");
    let mut parts: Vec<String> = files[to].1.split("\n\n").map(str::to_owned).collect();
    parts.insert(dice.below(parts.len() + 1), part);
    files[to].1 = parts.join("\n\n");
}

/// Looks at texts of two files, one after the other, each as if it were the first and as what it is.
fn one_after_the_other(values: &[&str], user: &str) -> Vec<usize> {
    let memory = Arc::new(Memory::default());
    let look = |values: &&str| {
        let main = "project p {\n  region = \"us-east-1\"\n}\n";
        let files = [("a_values.secnet", *values), ("main.secnet", main), ("user.secnet", user)];
        let files: Vec<(String, String)> = files.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let kept = analyze(files.clone(), &Inputs { memory: Some(memory.clone()), ..Inputs::default() });
        let fresh = analyze(files, &Inputs::default());
        assert_eq!(kept.diagnostics, fresh.diagnostics, "{values}");
        assert!(kept.model == fresh.model, "{values}");
        memory.taken_over()
    };
    values.iter().map(look).collect()
}

#[test]
fn what_was_half_typed_and_is_gone_is_missed() {
    let user = "vpc a {\n  cidr_block = wide\n}\n\nvpc b {\n  cidr_block = 10.1.0.0/16\n}\n";
    let typed =
        ["let wide = 10.0.0.0/16\n", "let wide = [\n", "", "let wide = [\n", "let wide = 10.0.0.0/16\n", "let wide = 10.0.0.0/16\n# why\n"];
    assert_eq!(one_after_the_other(&typed, user), [0, 1, 1, 1, 1, 2]);
    // Of what nobody names the words make no difference.
    assert_eq!(one_after_the_other(&["let other = 1\n", "let other = 2\n", "", "vpc c {"], user), [0, 1, 1, 1]);
}

#[test]
fn what_was_the_second_of_its_name_is_found_when_the_first_goes() {
    let user = "vpc a {\n  cidr_block = 10.0.0.0/16\n}\n\nvpc b {\n  cidr_block = 10.1.0.0/16\n}\n";
    let first = "vpc a {\n  cidr_block = 10.9.0.0/16\n}\n";
    assert_eq!(one_after_the_other(&[first, "", first, "\n", "\n"], user), [0, 1, 1, 1, 2]);
}

#[test]
fn a_project_that_was_seen_before_is_resolved_like_one_that_was_not() {
    let (first, mut compared, mut wrong, mut whole) = (seed() + 5_000_000, 0, 0, 0);
    let (mut taken, mut of) = (0, 0);
    for n in 0..networks().div_ceil(400).max(4) {
        let mut dice = Dice(first + n);
        let original = files();
        let mut now = original.clone();
        let memory = Arc::new(Memory::default());
        for step in 0..40 {
            let kept = analyze(now.clone(), &Inputs { memory: Some(memory.clone()), ..Inputs::default() });
            let fresh = analyze(now.clone(), &Inputs::default());
            let told = || format!("seed {first} + {n}, step {step}");
            assert_eq!(kept.diagnostics, fresh.diagnostics, "{}", told());
            for (a, b) in kept.model.resources.values().zip(fresh.model.resources.values()) {
                assert_eq!(a, b, "{}", told());
            }
            assert!(kept.model == fresh.model && kept.named == fresh.named, "{}: the models differ", told());
            compared += 1;
            taken += memory.taken_over();
            of += fresh.model.resources.len();
            wrong += usize::from(fresh.has_errors());
            whole += usize::from(memory.taken_over() == 0);
            // Mistakes are mended sooner or later, and most edits are where the one before was.
            let at = if dice.one_in(2) { now.len() - 1 - dice.below(3) } else { dice.below(now.len()) };
            now[at].1 = match dice.one_in(3) {
                true => original[at].1.clone(),
                false => typed(&now[at].1, &original[at].1, &mut dice),
            };
            match dice.below(12) {
                0 | 1 => carried(&mut now, &mut dice),
                2 => now.clone_from(&original),
                _ => {}
            }
        }
    }
    tell(format!(
        "{compared} projects from seed {first}, {wrong} with errors, {whole} resolved whole, {taken} of {of} resources taken over: 0 differ"
    ));
    assert!(wrong > compared / 10 && wrong < compared && whole < compared / 2, "{compared} {wrong} {whole}");
}
