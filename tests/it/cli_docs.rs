//! The manual: the program shows it, every example in it is executed, and the site in `docs/` is what it writes now.
//!
//! `src/manual/example.rs` says how a block of code is marked as an example, and what its context is.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use secnet::{
    analysis::{Inputs, analyze},
    base::codes,
    manual::{self, Group, Page, example::Example, site},
    registry::Spec,
    resources,
};

use crate::{
    cli::{Project, secnet},
    spec::Shelf,
};

/// That a name is of no use is never wrong with an example.
const UNUSED: &[&str] = &["W0201", "W0202"];

/// Languages of blocks that are not executed: shells, data, and what secnet answers.
const OTHERS: &[&str] = &["sh", "json", "text", "dot", "mermaid", "lua", "yaml"];

/// What is wrong with an example, if anything.
fn fault(example: &Example, modules: &Shelf) -> Option<String> {
    let inputs = Inputs { library: Some(Arc::new(modules.clone())), ..Inputs::default() };
    let analysis = analyze(vec![("main.secnet".into(), example.whole.clone())], &inputs);
    let said: Vec<String> = analysis.diagnostics.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect();
    let codes: BTreeSet<String> = analysis.diagnostics.iter().map(|d| d.code.id.to_owned()).collect();
    let counted: BTreeSet<String> = codes.into_iter().filter(|c| !UNUSED.contains(&c.as_str()) || example.said.contains(c)).collect();
    if counted != example.said {
        return Some(format!("said of it: {said:#?}, wanted: {:?}", example.said));
    }
    if example.proof.is_empty() {
        return None;
    }
    let proof = Project::of(&example.whole).run("prove --json").out;
    let missing: Vec<_> = example.proof.iter().filter(|code| !proof.contains(&format!("\"{code}\""))).collect();
    (!missing.is_empty()).then(|| format!("a proof does not say {missing:?}:\n{proof}"))
}

/// The files of modules that pages show.
fn modules(pages: &[Page]) -> Shelf {
    let blocks = pages.iter().flat_map(|p| manual::code_blocks(&p.text));
    let modules = blocks.filter_map(|(fence, code)| Some((fence.strip_prefix("secnet file ")?.to_owned(), code))).collect();
    Shelf { modules, ..Shelf::default() }
}

/// Every example of a page, and those blocks that are marked as nothing.
fn examples(page: &Page, wrong: &mut Vec<String>) -> Vec<Example> {
    let mut found = vec![];
    for (fence, code) in manual::code_blocks(&page.text) {
        let (language, rest) = fence.split_once(' ').unwrap_or((&fence, ""));
        // Explanations may show what is no example as indented lines.
        let other = OTHERS.contains(&language) || fence == manual::INDENTED && page.group == Group::Messages;
        if other || fence.starts_with("secnet file ") || fence.starts_with("secnet step ") {
            continue;
        }
        match Example::read(rest, &code).filter(|_| language == "secnet") {
            Some(example) => found.push(example),
            None => wrong.push(format!("{}: mark the block as an example, or as one of {OTHERS:?}, not {fence:?}\n{code}", page.id)),
        }
    }
    found
}

#[test]
fn every_example_is_executed() {
    let (mut wrong, mut count) = (vec![], 0);
    let pages = manual::pages();
    let modules = modules(&pages);
    for page in &pages {
        for example in examples(page, &mut wrong) {
            count += 1;
            wrong.extend(fault(&example, &modules).map(|fault| format!("{}: {fault}\n{}", page.id, example.shown)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count > 60, "only {count} examples are executed");
}

#[test]
fn an_example_that_is_wrong_is_found() {
    let fault_of = |fence: &str, code: &str| fault(&Example::read(fence, code).unwrap(), &Shelf::default());
    assert_eq!(fault_of("", "output a = vpc.main.id\n"), None);
    assert_eq!(fault_of("in network_acl", "in 100 allow tcp/22 from anywhere\n"), None);
    assert_eq!(fault_of("error E0203", "output a = vpc.mian.id\n"), None);
    for (fence, code) in [
        ("", "output a = vpc.mian.id\n"),
        ("error E0203", "output a = vpc.main.id\n"),
        ("error E0203", "output a = vpc.mian.id + nothing\n"),
        ("in network_acl", "in 100 allow tcp/22 to anywhere\n"),
        ("proof E0811", "policy a { forbid all from internet to instance.db }\n"),
    ] {
        assert!(fault_of(fence, code).is_some(), "{fence}: {code}");
    }
    assert_eq!(Example::read("wherever", ""), None);
}

/// Each attribute that can be written, each sentence and each part of a type has its place on the type's page.
#[test]
fn a_page_tells_all_of_its_type() {
    let pages = manual::pages();
    let missing = |spec: &Spec| -> Vec<String> {
        let topics = spec.attrs.iter().map(|a| a.name).chain(spec.sentences.iter().map(|s| s.head));
        let all = topics.map(|name| format!("{}.{name}", spec.kind));
        all.filter(|topic| manual::find(&pages, topic).is_none_or(|t| t.section.is_none())).collect()
    };
    for spec in resources::ALL {
        assert_eq!(missing(spec), Vec::<String>::new());
        assert!(spec.example.contains(&format!("{} ", spec.kind)), "the example of {} shows none", spec.kind);
    }
}

#[test]
fn every_link_leads_somewhere() {
    let listed = secnet(Path::new("."), &["docs", "--json"]).exits(0).json();
    let topics: Vec<&str> = listed["topics"].as_array().unwrap().iter().map(|t| t["topic"].as_str().unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    secnet(folder.path(), &["docs", "--site", "site"]).exits(0);
    let (mut links, mut wrong) = (0, vec![]);
    for topic in topics.iter().copied().chain(["index"]) {
        let html = fs::read_to_string(folder.path().join(format!("site/{topic}.html"))).unwrap();
        for href in html
            .split("href=\"")
            .skip(1)
            .chain(html.split("src=\"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|h| !site::is_outside(h))
        {
            links += 1;
            let (file, anchor) = href.split_once('#').unwrap_or((href, ""));
            let file = if file.is_empty() { format!("{topic}.html") } else { file.to_owned() };
            let target = fs::read(folder.path().join("site").join(&file)).unwrap_or_default();
            let target = String::from_utf8_lossy(&target);
            if target.is_empty() || !(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\""))) {
                wrong.push(format!("{topic}.html: {href}"));
            }
        }
    }
    assert!(wrong.is_empty() && links > 500, "of {links} links lead nowhere: {wrong:#?}");
}

#[test]
fn the_site_in_docs_is_current() {
    let folder = tempfile::tempdir().unwrap();
    secnet(folder.path(), &["docs", "--site", "site"]).exits(0);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let names = |directory: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(directory).map(|all| all.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect());
        entries.unwrap_or_default()
    };
    let (now, then) = (names(&folder.path().join("site")), names(&kept));
    let same = |name: &&String| fs::read(folder.path().join("site").join(name)).ok() == fs::read(kept.join(name)).ok();
    let differ: Vec<&String> = now.iter().filter(|n| !same(n)).collect();
    let gone: Vec<&String> = then.difference(&now).collect();
    assert!(
        differ.is_empty() && gone.is_empty(),
        "docs/ is not what the program says now: {differ:?} differ, {gone:?} are to be removed; \
         write it anew with `cargo run --no-default-features -- docs --site docs`"
    );
}

#[test]
fn a_topic_is_shown_and_a_piece_of_it() {
    let run = |topic: &str| secnet(Path::new("."), &["docs", topic]);
    run("subnet").exits(0).says("# subnet").says("### `map_public_ip_on_launch`").says("    subnet public {");
    let entry = run("network_acl.in").exits(0).says("`in NUMBER allow|deny SERVICE from PEERS`");
    assert!(!entry.out.contains("out NUMBER"), "{}", entry.out);
    run("e0301").exits(0).says("E0301: a subnet lies outside its VPC");
    run("commands.graph").exits(0).says("--kind KIND");
    run("policies").exits(0).says("require").says("forbid");
    let unknown = run("subent").exits(2).says("E0645").says("did you mean `subnet`?");
    assert!(unknown.out.is_empty());
    run("network_acl.inn").exits(2).says("did you mean `network_acl.in`?");
    let shown = secnet(Path::new("."), &["docs", "subnet.vpc", "--json"]).exits(0).json();
    assert_eq!((&shown["format"], &shown["topic"], &shown["title"]), (&1.into(), &"subnet.vpc".into(), &"vpc".into()));
    assert!(shown["markdown"].as_str().unwrap().contains("The VPC it lies in."), "{shown:#}");
}

#[test]
fn docs_and_explain_say_the_same_of_a_code() {
    let pages = manual::pages();
    for code in codes::all() {
        let topic = manual::find(&pages, code.id).map(|t| t.markdown()).unwrap_or_default();
        assert!(topic.starts_with(&format!("## {}: {}", code.id, code.title)), "{topic}");
    }
    let body = |command: &str| {
        let out = secnet(Path::new("."), &[command, "E0301"]).exits(0).out;
        out.split_once("\n\n").map(|(_, body)| body.trim().to_owned()).unwrap()
    };
    assert_eq!(body("docs"), body("explain"));
}

#[test]
fn the_list_names_every_page() {
    let text = secnet(Path::new("."), &["docs"]).exits(0).out;
    let listed = secnet(Path::new("."), &["docs", "--json"]).exits(0).json();
    for topic in listed["topics"].as_array().unwrap() {
        let id = topic["topic"].as_str().unwrap();
        assert!(text.contains(&format!("- {id}: ")), "{id} is not in\n{text}");
        assert!(topic["summary"].as_str().unwrap().len() > 10, "{id} has no summary");
    }
}
