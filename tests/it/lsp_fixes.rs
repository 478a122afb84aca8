//! What an editor offers to mend: each edit is carried out, and the command line proves what comes of it.

use std::fs;

use serde_json::{Value, json};

use crate::{
    cli::secnet,
    lsp_features::{Open, open},
};

/// A VPC with a server in it that has a public address.
const SERVER: &str = r#"
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
route_table public {
  vpc     = vpc.main
  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
security_group web {
  vpc         = vpc.main
  description = "web"
  ingress tcp/443 from anywhere
  RULES
}
instance server { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.public  security_groups = [security_group.web] }
"#;

pub(crate) fn server(rules: &str, policy: &str) -> String {
    format!("{}policy p \"p\" {{\n  {policy}\n}}\n", SERVER.replace("RULES", rules))
}

/// What is offered at the cursor: title, and the text that comes of it.
fn offered(open: &mut Open) -> Vec<(String, String)> {
    let range = json!({ "start": open.at, "end": open.at });
    let found = open.ask("textDocument/codeAction", json!({ "range": range, "context": { "diagnostics": [] } }));
    let one = |a: &Value| (a["title"].as_str().unwrap().to_owned(), open.edited(&a["edit"]));
    found.as_array().unwrap().iter().map(one).collect()
}

#[track_caller]
fn proven(open: &Open, text: &str, exit: i32) {
    fs::write(open.path(), text).unwrap();
    secnet(open.folder.path(), &["prove"]).exits(exit);
}

#[test]
fn a_refuted_forbid_offers_the_rule_to_drop() {
    let rules = "ingress tcp/22 from anywhere  # for now\n  egress all to anywhere";
    let mut open =
        open(&server(rules, "for$0bid tcp/22 from internet to instance.server\n  require tcp/443 from internet to instance.server"));
    let all = offered(&mut open);
    assert_eq!(all[0].0, "take out `ingress tcp/22 from anywhere`", "{all:#?}");
    assert_eq!(all[0].1, open.text.replace("  ingress tcp/22 from anywhere  # for now\n", ""));
    proven(&open, &all[0].1, 0);
}

#[test]
fn a_refuted_forbid_offers_to_narrow_a_rule_to_what_is_excepted() {
    let rules = "ingress tcp/22 from anywhere\n  egress all to anywhere";
    let policy = "f$0orbid all from internet to instance.server except tcp/22 from 203.0.113.0/28, tcp/443\n  \
                  require tcp/22 from 203.0.113.0/28 to instance.server";
    let mut open = open(&server(rules, policy));
    let all = offered(&mut open);
    let first = "narrow `ingress tcp/22 from anywhere` to `ingress tcp/22 from 203.0.113.0/28`";
    assert_eq!(all[0].0, first, "{all:#?}");
    proven(&open, &all[0].1, 0);
    // To drop the rule would break what is required.
    let drop = all.iter().find(|(title, _)| title.starts_with("take out `ingress tcp/22")).unwrap();
    assert!(drop.0.ends_with("holds no more"), "{}", drop.0);
}

#[test]
fn ports_that_are_forbidden_are_taken_out_of_a_range() {
    let rules = "ingress tcp/20-25 from anywhere\n  egress all to anywhere";
    let policy = "forbi$0d tcp/22 from internet to instance.server\n  require tcp/25 from internet to instance.server";
    let mut open = open(&server(rules, policy));
    let all = offered(&mut open);
    assert_eq!(all[0].0, "narrow `ingress tcp/20-25 from anywhere` to `ingress [tcp/20-21, tcp/23-25] from anywhere`", "{all:#?}");
    proven(&open, &all[0].1, 0);
}

#[test]
fn rules_that_let_the_same_through_go_together() {
    let rules = "ingress tcp/22 from anywhere\n  ingress tcp/20-30 from 0.0.0.0/0";
    let mut open = open(&server(rules, "forbid tc$0p/22 from internet to instance.server"));
    let all = offered(&mut open);
    let both = "take out `ingress tcp/22 from anywhere` and `ingress tcp/20-30 from 0.0.0.0/0`";
    let both = all.iter().find(|(title, _)| title == both).unwrap_or_else(|| panic!("{all:#?}"));
    proven(&open, &both.1, 0);
}

#[test]
fn a_refuted_require_offers_the_smallest_edit_that_was_tried() {
    let mut open = open(&server("egress tcp/443 to anywhere", "req$0uire tcp/22 from 203.0.113.0/28 to instance.server"));
    let all = offered(&mut open);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0].0, "add `ingress tcp/22 from 203.0.113.0/28` to `security_group.web`");
    proven(&open, &all[0].1, 0);
    // A route that lacks, and a table for it.
    let table = "route_table public {\n  vpc     = vpc.main\n  subnets = [subnet.public]\n  route anywhere via internet_gateway.main\n}\n";
    let mut open = open_without(table, "require tcp/443 from inter$0net to instance.server");
    let all = offered(&mut open);
    assert!(all[0].0.contains("`route anywhere via internet_gateway.main`"), "{all:#?}");
    proven(&open, &all[0].1, 0);
}

fn open_without(table: &str, policy: &str) -> Open {
    open(&server("egress all to anywhere", policy).replace(table, ""))
}

/// What would make one policy true by breaking another is told as that.
#[test]
fn an_edit_that_opens_what_another_policy_forbids_says_so() {
    let policy =
        "forbid tcp/22 from internet to instance.server\n}\npolicy q \"q\" {\n  req$0uire tcp/22 from 203.0.113.0/28 to instance.server";
    let mut open = open(&server("egress all to anywhere", policy));
    let all = offered(&mut open);
    assert!(all.iter().all(|(title, _)| title.ends_with(", after which `p` holds no more")), "{all:#?}");
}

#[test]
fn what_lacks_is_put_in_with_the_one_value_that_fits() {
    let mut open = open("vpc main {\n  cidr_block = 10.0.0.0/16\n}\n\nsub$0net a {\n  cidr_block = 10.0.1.0/24\n}\n");
    let all = offered(&mut open);
    assert!(all[0].0.starts_with("write `vpc = vpc.main`"), "{all:#?}");
    proven(&open, &all[0].1, 0);
    let mut empty = open_text("v$0pc main { }\n");
    let all = offered(&mut empty);
    assert!(all[0].1.contains("vpc main {\n  cidr_block = 10.0.0.0/16\n }"), "{all:#?}");
    let mut bits = open_text("vpc main {\n  cidr_block = 10.0$0.1.0/16\n}\n");
    assert_eq!(offered(&mut bits)[0].1, bits.text.replace("10.0.1.0/16", "10.0.0.0/16"));
}

fn open_text(text: &str) -> Open {
    open(text)
}

#[test]
fn what_was_applied_under_another_name_is_offered_as_moved() {
    let mut open = open("vpc main {\n  cidr_block = 10.0.0.0/16\n}\nvpc ot$0her {\n  cidr_block = 10.1.0.0/16\n}\n");
    assert!(offered(&mut open).is_empty(), "nothing is applied");
    let before = open.text.replace("vpc other", "vpc old");
    fs::write(open.path(), before).unwrap();
    secnet(open.folder.path(), &["apply", "--yes", "--sandbox"]).exits(0);
    let own = open.folder.path().join("state");
    fs::create_dir_all(&own).unwrap();
    let sandbox = open.folder.path().join(".secnet/sandbox");
    let file = [sandbox.join("state/test.json"), sandbox.join("test.json")].into_iter().find(|p| p.is_file()).unwrap();
    fs::copy(file, own.join("test.json")).unwrap();
    let all = offered(&mut open);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].0.starts_with("write `moved vpc.old to vpc.other`"), "{all:#?}");
    fs::write(open.path(), &all[0].1).unwrap();
    let plan = secnet(open.folder.path(), &["plan", "--sandbox"]).exits(0).out;
    assert!(!plan.contains("delete vpc") && !plan.contains("create vpc"), "{plan}");
}
