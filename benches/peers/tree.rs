//! The same tree for every tool: one VPC, N/50 subnets, N/10 groups, N/2 rules, and instances for the rest.
//!
//! secnet's rules are sentences in their groups, as people write them; Terraform's are resources. Both refer to the
//! same things: subnet and group to the VPC, rule to its group, instance to subnet and group.

use std::{fmt::Write, fs, io, path::Path};

/// How many of each.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    pub subnets: usize,
    pub groups: usize,
    pub rules: usize,
    pub instances: usize,
}

/// Resources in a file.
const IN_FILE: usize = 50;

impl Tree {
    /// The tree of so many things, at least 50.
    pub fn of(n: usize) -> Self {
        let (subnets, groups, rules) = ((n / 50).max(1), (n / 10).max(1), n / 2);
        Self { subnets, groups, rules, instances: n.saturating_sub(1 + subnets + groups + rules).max(1) }
    }

    fn files(&self) -> usize {
        (1 + self.subnets + self.groups + self.rules + self.instances).div_ceil(IN_FILE)
    }

    fn rules_of(&self, group: usize) -> std::ops::Range<usize> {
        group * self.rules / self.groups..(group + 1) * self.rules / self.groups
    }

    /// Writes secnet's sources.
    pub fn secnet(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let mut files = vec![String::new(); self.files()];
        files[0].push_str("project peers {\n  region = \"us-east-1\"\n}\n\nvpc main {\n  cidr_block = 10.0.0.0/16\n}\n");
        let count = files.len();
        let mut place = (0..count).cycle();
        let mut add = |text: String| {
            let file = &mut files[place.next().unwrap_or_default()];
            file.push_str(if file.is_empty() { "" } else { "\n" });
            file.push_str(&text);
        };
        for n in 0..self.subnets {
            let (high, low) = (n / 8 % 256, n % 8 * 32);
            add(format!("subnet s{n} {{\n  vpc        = vpc.main\n  cidr_block = 10.0.{high}.{low}/27\n}}\n"));
        }
        for n in 0..self.groups {
            let mut text = format!("security_group g{n} {{\n  vpc         = vpc.main\n  description = \"group {n}\"\n");
            for rule in self.rules_of(n) {
                let port = 10_000 + rule % 50_000;
                let _ = match rule % 2 {
                    0 => writeln!(text, "  ingress tcp/{port} from 10.{}.0.0/16", rule % 200),
                    _ => writeln!(text, "  ingress tcp/{port} from security_group.g{}", (n + 1) % self.groups),
                };
            }
            add(text + "}\n");
        }
        for n in 0..self.instances {
            add(format!(
                "instance i{n} {{\n  image           = ami(\"al2023\")\n  instance_type   = \"t3.micro\"\n  subnet          = subnet.s{}\n  \
                 security_groups = [security_group.g{}]\n}}\n",
                n % self.subnets,
                n % self.groups
            ));
        }
        for (n, text) in files.iter().enumerate() {
            fs::write(directory.join(format!("f{n:05}.secnet")), text)?;
        }
        Ok(())
    }

    /// Name, what is written as its input, and what that refers to.
    fn blocks(&self) -> Vec<(String, Vec<(&'static str, Written)>)> {
        let text = |text: String| Written::Text(text);
        let at = |kind: &str, n: usize| Written::Id(format!("{kind}{n}"));
        let mut blocks = vec![("vpc".to_owned(), vec![("cidr_block", text("10.0.0.0/16".into()))])];
        for n in 0..self.subnets {
            let range = text(format!("10.0.{}.{}/27", n / 8 % 256, n % 8 * 32));
            blocks.push((format!("s{n}"), vec![("cidr_block", range), ("vpc", Written::Id("vpc".into()))]));
        }
        for n in 0..self.groups {
            blocks.push((format!("g{n}"), vec![("description", text(format!("group {n}"))), ("vpc", Written::Id("vpc".into()))]));
            for rule in self.rules_of(n) {
                let port = (10_000 + rule % 50_000).to_string();
                let from = if rule % 2 == 0 { text(format!("10.{}.0.0/16", rule % 200)) } else { at("g", (n + 1) % self.groups) };
                blocks.push((format!("r{rule}"), vec![("from", from), ("group", at("g", n)), ("port", text(port))]));
            }
        }
        for n in 0..self.instances {
            let (subnet, group) = (at("s", n % self.subnets), at("g", n % self.groups));
            blocks.push((format!("i{n}"), vec![("group", group), ("subnet", subnet), ("type", text("t3.micro".into()))]));
        }
        blocks
    }

    /// Writes Terraform's sources, and the state that an apply of them would leave: an apply of 10,000 takes it an hour.
    pub fn terraform(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let blocks = self.blocks();
        for (n, blocks) in blocks.chunks(IN_FILE).enumerate() {
            let mut text = String::new();
            for (name, input) in blocks {
                let width = input.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
                let blank = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{blank}resource \"terraform_data\" \"{name}\" {{\n  input = {{");
                for (key, value) in input {
                    let _ = match value {
                        Written::Text(value) => writeln!(text, "    {key:width$} = {value:?}"),
                        Written::Id(of) => writeln!(text, "    {key:width$} = terraform_data.{of}.id"),
                    };
                }
                text.push_str("  }\n}\n");
            }
            fs::write(directory.join(format!("f{n:05}.tf")), text)?;
        }
        fs::write(directory.join("terraform.tfstate"), state(&blocks))
    }
}

enum Written {
    Text(String),
    /// The id of another block.
    Id(String),
}

/// A made-up id, in the shape of Terraform's.
fn id(name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{:08x}-{:04x}-4000-8000-{:012x}", hash >> 32, hash >> 16 & 0xffff, hash & 0xffff_ffff_ffff)
}

fn state(blocks: &[(String, Vec<(&'static str, Written)>)]) -> String {
    let resource = |(name, input): &(String, Vec<(&'static str, Written)>)| {
        let value = |(key, value): &(&'static str, Written)| match value {
            Written::Text(text) => ((*key).to_owned(), text.clone()),
            Written::Id(of) => ((*key).to_owned(), id(of)),
        };
        let values: serde_json::Map<_, _> = input.iter().map(value).map(|(k, v)| (k, v.into())).collect();
        let types: serde_json::Map<_, _> = input.iter().map(|(key, _)| ((*key).to_owned(), "string".into())).collect();
        let object = serde_json::json!({"value": values, "type": ["object", types]});
        let mut needs: Vec<String> =
            input.iter().filter_map(|(_, v)| if let Written::Id(of) = v { Some(format!("terraform_data.{of}")) } else { None }).collect();
        if input.iter().any(|(_, v)| matches!(v, Written::Id(of) if of != "vpc")) {
            needs.push("terraform_data.vpc".into());
        }
        needs.sort();
        needs.dedup();
        serde_json::json!({
            "mode": "managed", "type": "terraform_data", "name": name, "provider": "provider[\"terraform.io/builtin/terraform\"]",
            "instances": [{
                "schema_version": 0,
                "attributes": {"id": id(name), "input": object, "output": object, "triggers_replace": null},
                "sensitive_attributes": [],
                "dependencies": needs,
            }],
        })
    };
    let resources: Vec<_> = blocks.iter().map(resource).collect();
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": id("lineage"), "outputs": {}, "resources": resources,
        "check_results": null,
    });
    format!("{state:#}\n")
}
