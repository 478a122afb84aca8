//! The way back: what an apply has made goes, what it has changed is as before, what it has deleted is made again.

use std::fs;

use serde_json::{Value, json};

use crate::cli::Project;

const BASE: &str = "project p { region = \"us-east-1\" }\n\
    vpc main { cidr_block = 10.0.0.0/16  tags = { Name = \"one\" } }\n\
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
    internet_gateway main { vpc = vpc.main }\n\
    route_table main { vpc = vpc.main  subnets = [subnet.a]\n route 0.0.0.0/0 via internet_gateway.main }\n\
    security_group web { vpc = vpc.main\n ingress tcp/443 from 203.0.113.0/24\n egress all to 0.0.0.0/0 }\n\
    instance web { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.web] }\n";

const APPLY: &str = "apply --sandbox --yes";
const UNDO: &str = "apply --sandbox --yes --undo";

impl Project {
    fn write(&self, text: &str) {
        fs::write(self.path().join("main.secnet"), text).unwrap();
    }

    fn plan(&self) -> Value {
        self.run("plan --sandbox --json").exits(0).json()["plan"].clone()
    }
}

fn counts(plan: &Value) -> [u64; 4] {
    ["create", "update", "replace", "delete"].map(|key| plan[key].as_u64().unwrap())
}

/// Applies `BASE`, then `changed`, and goes back: the sources of before have nothing to do then.
#[track_caller]
fn there_and_back(changed: &str) -> Project {
    let p = Project::of(BASE);
    p.run(APPLY).exits(0);
    p.write(changed);
    p.run(APPLY).exits(0);
    let undo = p.run("plan --sandbox --undo --json").exits(0).json();
    assert_eq!(undo["plan"]["empty"], json!(false));
    p.run(UNDO).exits(0).says("UNDO: back to what stood before the last apply").says("Undo: ");
    p.write(BASE);
    let plan = p.plan();
    assert_eq!(plan["empty"], json!(true), "{plan:#}");
    p
}

#[test]
fn what_was_made_goes() {
    let p = there_and_back(&format!(
        "{BASE}subnet b {{ vpc = vpc.main  cidr_block = 10.0.2.0/24 }}\nkey_pair k {{ public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpYbN0a0hNNOTjOOm5KkH5ClqVXAmPcYH5fS0hNKHqF x\" }}\n"
    ));
    let log = p.run("log --sandbox").exits(0);
    assert!(log.out.lines().nth(2).unwrap().contains("(2 deleted)"), "{log:?}");
}

#[test]
fn what_was_changed_is_as_it_was() {
    there_and_back(
        &BASE
            .replace("Name = \"one\"", "Name = \"two\", Other = \"x\"")
            .replace("tcp/443 from 203.0.113.0/24", "tcp/8443 from 198.51.100.0/24")
            .replace("egress all to 0.0.0.0/0", ""),
    );
}

#[test]
fn what_was_deleted_is_made_again() {
    let cut = BASE.lines().filter(|l| !l.starts_with("instance") && !l.contains("egress")).collect::<Vec<_>>().join("\n");
    let cut = cut.replace("ingress tcp/443 from 203.0.113.0/24", "ingress tcp/443 from 203.0.113.0/24 }");
    let p = Project::of(BASE);
    p.run(APPLY).exits(0);
    p.write(&cut);
    p.run(APPLY).exits(0);
    p.run(UNDO).exits(0).says("made anew, with ids").says("what was on the disks of instance.web does not come back");
    // The sources have not gone back.
    assert_eq!(counts(&p.plan())[3], 1);
    p.write(BASE);
    assert_eq!(p.plan()["empty"], json!(true));
}

#[test]
fn what_was_replaced_is_replaced_again_with_what_stands_on_it() {
    there_and_back(&BASE.replace("10.0.1.0/24", "10.0.9.0/24"));
}

#[test]
fn a_destroy_can_be_undone_and_that_too() {
    let p = Project::of(BASE);
    p.run(APPLY).exits(0);
    p.run("destroy --sandbox --yes").exits(0);
    p.run(UNDO).exits(0);
    assert_eq!(p.plan()["empty"], json!(true));
    p.run(UNDO).exits(0);
    assert_eq!(counts(&p.plan())[0], 6);
    let first = Project::of(BASE);
    first.run(APPLY).exits(0);
    first.run(UNDO).exits(0);
    assert_eq!(counts(&first.plan())[0], 6, "the first apply can be undone, too");
}

#[test]
fn renames_and_imports_go_back_without_touching_what_stands() {
    let p = there_and_back(&BASE.replace("subnet.a", "subnet.z").replace("subnet a ", "moved subnet.a to subnet.z\nsubnet z "));
    let id = p.run("state show subnet.a --sandbox --json").exits(0).json()["id"].clone();
    p.write(&(BASE.lines().filter(|l| !l.starts_with("instance")).collect::<Vec<_>>().join("\n") + "\nforget instance.web\n"));
    let machine = p.run("state show instance.web --sandbox --json").exits(0).json()["id"].clone();
    p.run(APPLY).exits(0);
    let undo = p.run("plan --sandbox --undo --json").exits(0).json();
    assert_eq!(undo["plan"]["imported"][0]["id"], machine);
    p.run(UNDO).exits(0);
    p.write(BASE);
    assert_eq!(p.plan()["empty"], json!(true));
    assert_eq!(p.run("state show subnet.a --sandbox --json").exits(0).json()["id"], id);
    // And the other way: what was imported is let go of, not deleted.
    p.run(&format!("{APPLY} --undo")).exits(0);
    p.write(&format!("{BASE}import instance.web from {machine}\n"));
    p.run(APPLY).exits(0);
    let undo = p.run("plan --sandbox --undo --json").exits(0).json();
    assert_eq!((undo["plan"]["forget"].clone(), undo["plan"]["delete"].clone()), (json!(1), json!(0)), "{undo:#}");
}

#[test]
fn policies_of_now_hold_on_the_way_back() {
    let open = BASE.replace("203.0.113.0/24", "0.0.0.0/0").replace("instance_type", "associate_public_ip_address = true  instance_type");
    let p = Project::of(&open);
    p.run(APPLY).exits(0);
    p.write(&format!(
        "{}policy closed {{ forbid tcp/443 from 198.51.100.0/24 to instance.web }}\n",
        open.replace("0.0.0.0/0\n egress", "203.0.113.0/24\n egress")
    ));
    p.run(APPLY).exits(0);
    p.run(UNDO).exits(1).says("closed");
}

#[test]
fn a_sensitive_value_cannot_be_put_back() {
    let with = |word: &str| {
        format!(
            "{BASE}instance b {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.web]\n user_data = sensitive(\"{word}\") }}\n"
        )
    };
    let p = Project::of(&with("one"));
    p.run(APPLY).exits(0);
    // What has changed besides goes back, and the value stays as EC2 has it.
    p.write(&with("one").replace("tcp/443", "tcp/444"));
    p.run(APPLY).exits(0);
    p.run(UNDO).exits(0);
    p.write(&with("one"));
    assert_eq!(p.plan()["empty"], json!(true));
    p.write(&with("two"));
    p.run(APPLY).exits(0);
    let refused = p.run(UNDO).exits(1).says("E0765").says("`user_data` was sensitive");
    assert!(!refused.err.contains("one\"") && !refused.out.contains("two"), "{refused:?}");
    p.write(BASE);
    p.run(APPLY).exits(0);
    p.run(UNDO).exits(1).says("E0765");
}

#[test]
fn nothing_to_undo_is_said() {
    let p = Project::of(BASE);
    p.run(UNDO).exits(1).says("E0764");
    p.run(APPLY).exits(0);
    p.run("apply --sandbox --undo --target vpc.main").exits(2);
}
