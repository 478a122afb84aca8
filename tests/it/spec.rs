//! The Markdown files under `tests/spec/` are the suite for the language: what is written, and what secnet says to it.
//!
//! `tests/spec/README.md` says how a case is written. `SECNET_BLESS=1 cargo test` writes what is said now.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use secnet::{
    analysis::{Analysis, Chosen, Inputs, Library, Opened, Published, analyze, shared},
    base::{
        codes::{module, neighbour},
        diagnostic::{Diagnostic, Severity},
        disk::Disk,
        source::Sources,
        span::Span,
    },
    resolve,
};

use crate::script::{self, Step};

/// One case: everything between the previous expectation and this one.
#[derive(Default)]
struct Case {
    name: String,
    files: Vec<(String, String)>,
    inputs: Inputs,
    disk: Memory,
    /// The sources of other projects, by their paths.
    others: Vec<(String, String)>,
    /// Whether a `project` block is left out on purpose.
    alone: bool,
    /// Every block of a file, and every script between them, in order: what a case with a script does in a directory of its own.
    steps: Vec<Step>,
    /// Whether the case is about a build that has no SDK in it.
    bare: bool,
    /// What is wrong with the case itself.
    problem: Option<String>,
}

/// Files that functions read: path and text.
#[derive(Debug, Clone, Default)]
struct Memory(BTreeMap<String, String>);

impl Disk for Memory {
    fn read(&self, _: &str, path: &str) -> Result<Arc<[u8]>, String> {
        self.0.get(path).map(|text| Arc::from(text.as_bytes())).ok_or_else(|| format!("there is no file `{path}`"))
    }

    fn is_file(&self, _: &str, path: &str) -> Result<bool, String> {
        Ok(self.0.contains_key(path))
    }

    fn list(&self, _: &str, directory: &str, _: &str, matches: &dyn Fn(&str) -> bool) -> Result<Vec<String>, String> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let below: Vec<&str> = self.0.keys().filter_map(|path| path.strip_prefix(&prefix)).collect();
        if below.is_empty() {
            return Err(format!("there is no directory `{directory}`"));
        }
        Ok(below.into_iter().filter(|path| matches(path)).map(str::to_owned).collect())
    }
}

#[test]
fn every_spec_holds() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let bless = std::env::var_os("SECNET_BLESS").is_some();
    let mut failures = vec![];
    let mut cases = 0;
    for path in markdown(&root)? {
        let text = fs::read_to_string(&path)?;
        let shown = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let (now, count) = run(&text, &shown, &mut failures);
        cases += count;
        if bless && now != text {
            fs::write(&path, now)?;
        }
    }
    assert!(cases > 0, "no case under {}", root.display());
    assert!(
        bless || failures.is_empty(),
        "{} of {cases} cases differ; SECNET_BLESS=1 writes what is said now\n\n{}",
        failures.len(),
        failures.join("\n")
    );
    Ok(())
}

#[test]
fn the_example_has_nothing_wrong() -> io::Result<()> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/secure_server/main.secnet"))?;
    let analysis = analyze(vec![("main.secnet".into(), text)], &Inputs::default());
    assert_eq!(rendered(&analysis), "address = instance.server.public_ip_address\n");
    assert_eq!(analysis.model.resources.len(), 7);
    let parts: usize = analysis.model.resources.values().map(|r| r.parts.len()).sum();
    assert_eq!(parts, 9, "an attachment, two associations, a route, three entries and two rules");
    assert_eq!(analysis.model.policies.iter().map(|p| p.statements.len()).collect::<Vec<_>>(), [3]);
    Ok(())
}

/// The reference shows each function by a call that holds as it stands, and the specs hold more of each.
#[test]
fn every_function_can_be_called_as_its_usage_says_and_has_a_spec() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec/functions");
    let specs = markdown(&root)?.iter().map(fs::read_to_string).collect::<io::Result<Vec<_>>>()?.concat();
    let disk: Arc<dyn Disk> = Arc::new(Memory(BTreeMap::from([
        ("keys/admin.pub".to_owned(), "ssh-ed25519 AAAA".to_owned()),
        ("hosts.tftpl".to_owned(), "${names[0]}".to_owned()),
    ])));
    let mut wrong = vec![];
    for function in resolve::functions() {
        let text = format!("project test {{ }}\noutput x = {}\n", function.usage);
        let answers = BTreeMap::from([("availability_zones()".to_owned(), vec!["us-east-1a".to_owned()])]);
        let inputs = Inputs { disk: Some(disk.clone()), answers, ..Inputs::default() };
        let analysis = analyze(vec![("main.secnet".into(), text)], &inputs);
        if analysis.has_errors() {
            wrong.push(format!("{}: {}", function.usage, rendered(&analysis)));
        }
        if specs.matches(&format!("= {}(", function.name)).count() < 2 {
            wrong.push(format!("`{}` has no two cases under tests/spec/functions", function.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is said to one file, with a project block before it on the first line.
pub(crate) fn said_to(text: &str) -> String {
    rendered(&analyze(
        vec![("main.secnet".into(), text.to_owned()), ("project.secnet".into(), "project test { }\n".into())],
        &Inputs::default(),
    ))
}

#[test]
fn a_long_chain_of_names_resolves_in_either_direction() {
    for order in [(0..2_000).collect::<Vec<i32>>(), (0..2_000).rev().collect()] {
        let lets: String = order.iter().map(|i| format!("let n{} = n{i} + 1\n", i + 1)).collect();
        assert_eq!(said_to(&format!("{lets}let n0 = 0\noutput last = n2000\n")), "last = 2000\n");
    }
}

#[test]
fn a_hundred_thousand_parentheses_are_one_message() {
    for text in [format!("let a = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000)), format!("let a = {}\n", "(".repeat(100_000))] {
        let said = said_to(&text);
        assert_eq!(said.matches("error ").count(), 1, "{said:.400}");
    }
}

#[test]
fn what_a_name_hides_may_be_deep_but_never_too_deep_for_the_stack() {
    let hidden: String = (0..1000).map(|i| format!("let v{i} = vpc.v{i}\nvpc v{} {{ cidr_block = v{i}.cidr_block }}\n", i + 1)).collect();
    let said = said_to(&format!("{hidden}vpc v0 {{ cidr_block = 10.0.0.0/16 }}\noutput last = vpc.v1000.cidr_block\n"));
    assert!(said == "last = 10.0.0.0/16\n" || said.starts_with("error E0250"), "{said:.400}");
    let nested = "[".repeat(60) + &"]".repeat(60);
    assert!(
        said_to(&format!("let v = vpc.main\nvpc main {{ cidr_block = {nested} }}\noutput a = v.cidr_block\n")).starts_with("error E0240")
    );
}

#[test]
fn time_grows_with_the_number_of_resources_and_not_faster() {
    let seconds = |n: usize| {
        let mut text = String::from("project test { }\nvpc main { cidr_block = 10.0.0.0/16 }\n");
        for i in 0..n / 10 {
            let _ = writeln!(text, "subnet s{i} {{ vpc = vpc.main  cidr_block = subnets(vpc.main.cidr_block, 12)[{i}] }}");
            let _ =
                writeln!(text, "security_group g{i} {{ vpc = vpc.main\n ingress tcp/443 from security_group.g{}\n}}", (i + 1) % (n / 10));
        }
        for i in 0..n - n / 5 {
            let place = i % (n / 10);
            let _ = writeln!(
                text,
                "network_interface n{i} {{ subnet = subnet.s{place}  security_groups = [security_group.g{place}]  tags = {{ Of = subnet.s{place}.id }} }}"
            );
        }
        let start = std::time::Instant::now();
        let analysis = analyze(vec![("main.secnet".into(), text)], &Inputs::default());
        assert_eq!(rendered(&analysis), "ok\n");
        assert_eq!(analysis.model.resources.len(), n + 1);
        start.elapsed().as_secs_f64()
    };
    let (small, large) = (seconds(200), seconds(2_000));
    assert!(large < small * 40.0, "200 resources: {small:.3} s, 2,000: {large:.3} s");
}

/// Markdown files, in order.
pub(crate) fn markdown(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(markdown(&path)?);
        } else if path.extension().is_some_and(|e| e == "md") && path.file_name().is_some_and(|n| n != "README.md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the cases of a file; gives the file as it would be if all of them held, and how many there are.
fn run(text: &str, file: &str, failures: &mut Vec<String>) -> (String, usize) {
    let mut now = String::new();
    let mut case = Case::default();
    let mut count = 0;
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        now.push_str(line);
        if let Some(heading) = line.strip_prefix('#') {
            case.name = heading.trim_start_matches('#').trim().to_owned();
        }
        let Some(info) = line.trim_end().strip_prefix("```") else { continue };
        let body: String = lines.by_ref().map(|(_, l)| l).take_while(|l| l.trim_end() != "```").collect();
        let mut words = info.split_whitespace();
        let (language, argument) = (words.next().unwrap_or_default(), words.next());
        if language == "text" {
            let case = std::mem::take(&mut case);
            count += 1;
            let said = if case.bare && cfg!(feature = "aws") { body.clone() } else { said(&case) };
            if said != body {
                failures.push(format!("{file}:{} {}\n--- expected\n{body}--- said\n{said}", number + 1, case.name));
            }
            now.push_str(&said);
        } else {
            case.take(language, argument, &body);
            now.push_str(&body);
        }
        now.push_str("```\n");
    }
    (now, count)
}

impl Case {
    fn take(&mut self, language: &str, argument: Option<&str>, body: &str) {
        if let ("secnet" | "vars" | "file", Some(path)) = (language, argument.filter(|a| *a != "alone").or(Some("main.secnet"))) {
            self.steps.push(Step::Write(path.into(), body.into()));
        }
        let pairs = || body.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
        match language {
            "secnet" if argument == Some("alone") => {
                self.alone = true;
                self.files.push(("main.secnet".into(), body.into()));
            }
            "secnet" => self.files.push((argument.unwrap_or("main.secnet").into(), body.into())),
            "vars" => self.inputs.files.push((argument.unwrap_or("test.vars").into(), body.into())),
            "arguments" => self.inputs.arguments.extend(pairs()),
            "file" => drop(self.disk.0.insert(argument.unwrap_or("file.txt").into(), body.into())),
            "environment" => self.inputs.environment.extend(pairs()),
            "env" => {
                let files = body.lines().map(str::to_owned).collect();
                self.inputs.chosen = Some(Chosen { name: argument.unwrap_or_default().into(), files });
            }
            "other" => self.others.push((argument.unwrap_or_default().into(), body.into())),
            "sh" => {
                self.bare |= argument == Some("bare");
                self.steps.push(Step::Run(body.into()));
            }
            other => {
                let known = "secnet, vars, arguments, environment, file, env, other, sh and text";
                self.problem = Some(format!("a block of {other:?}: there are {known}\n"));
            }
        }
    }
}

fn said(case: &Case) -> String {
    if let Some(problem) = &case.problem {
        return problem.clone();
    }
    if case.steps.iter().any(|step| matches!(step, Step::Run(_))) {
        return script::said(&case.steps, case.alone);
    }
    let mut files = case.files.clone();
    let has_project =
        files.iter().any(|(name, text)| !name.contains('/') && text.lines().any(|l| l.starts_with("project") && l.contains('{')));
    if !has_project && !case.alone {
        files.push(("project.secnet".into(), "project test { }\n".into()));
    }
    let (own, modules) = files.into_iter().partition(|(name, _)| !name.contains('/'));
    let disk: Option<Arc<dyn Disk>> = if case.disk.0.is_empty() { None } else { Some(Arc::new(case.disk.clone())) };
    let library = Arc::new(Shelf { modules, others: case.others.clone() });
    let inputs = Inputs { library: Some(library), disk, ..case.inputs.clone() };
    rendered(&analyze(own, &inputs))
}

/// Files of a case in directories of their own: modules. Beside it other projects, whose last apply gave what is known of their outputs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) modules: Vec<(String, String)>,
    pub(crate) others: Vec<(String, String)>,
}

impl Library for Shelf {
    fn open(&self, from: &str, source: &str, at: Span) -> Result<Opened, Diagnostic> {
        let mut steps: Vec<&str> = from.split('/').filter(|s| !s.is_empty()).collect();
        for step in source.split('/').filter(|s| *s != ".") {
            if step == ".." { steps.truncate(steps.len().saturating_sub(1)) } else { steps.push(step) }
        }
        let directory = steps.join("/");
        let inside = |(name, _): &&(String, String)| name.rsplit_once('/').is_some_and(|(d, _)| d == directory);
        let files: Vec<_> = self.modules.iter().filter(inside).cloned().collect();
        // The project's own directory is known to whoever opens it.
        if files.is_empty() && !directory.is_empty() {
            return Err(module::unreadable(source, &format!("`{directory}` does not exist"), at, "correct the path"));
        }
        Ok(Opened { directory, files: shared(files) })
    }

    fn outputs(&self, path: &str, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic> {
        let Some((_, text)) = self.others.iter().find(|(name, _)| name == path) else {
            return Err(neighbour::unreadable(path, "it does not exist", at, "correct the path"));
        };
        let outputs = analyze(vec![("other.secnet".into(), text.clone())], &Inputs::default()).model.outputs;
        let known = outputs.into_iter().filter(|(_, o)| o.value.is_known());
        Ok(known.map(|(name, o)| (name, Published { value: o.value, sensitive: o.sensitive })).collect())
    }
}

/// All messages, then the outputs.
pub(crate) fn rendered(analysis: &Analysis) -> String {
    let mut text = String::new();
    for diagnostic in &analysis.diagnostics {
        text.push_str(&message(diagnostic, &analysis.sources));
    }
    for (name, output) in &analysis.model.outputs {
        let _ = writeln!(text, "{name} = {}", output.value);
    }
    if text.is_empty() { "ok\n".into() } else { text }
}

pub(crate) fn message(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
    let mut text = format!("{severity} {}: {}\n", diagnostic.code.id, diagnostic.message);
    for label in &diagnostic.labels {
        let _ = write!(text, "  {}", underlined(label.span, sources));
        let _ = if label.text.is_empty() { writeln!(text) } else { writeln!(text, " {}", label.text) };
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "  help: {help}");
    }
    for fix in &diagnostic.fixes {
        let _ = writeln!(text, "  fix: {} -> {}", underlined(fix.span, sources), fix.replacement);
    }
    text
}

/// Place and text; the name of the file only where it is not the usual one.
fn underlined(span: Span, sources: &Sources) -> String {
    let position = sources.position(span);
    let name = sources.get(span.file()).map_or("?", |f| &*f.name);
    let name = if name == "main.secnet" { String::new() } else { format!("{name}:") };
    let text = sources.text(span);
    let (first, more) = text.split_once('\n').map_or((text, ""), |(first, _)| (first, " ..."));
    format!("{name}{}:{} [{first}{more}]", position.line, position.column)
}

/// The projects of a file's cases that need nothing but files: name and text of each.
pub(crate) fn projects(text: &str) -> Vec<Vec<(String, String)>> {
    let (mut all, mut case) = (vec![], Case::default());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: String = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
        let (language, argument) = info.split_once(' ').map_or((info, None), |(l, a)| (l, Some(a)));
        if language != "text" {
            case.take(language, argument, &body);
            continue;
        }
        let mut case = std::mem::take(&mut case);
        let plain = case.steps.iter().all(|s| matches!(s, Step::Write(..))) && case.inputs.chosen.is_none() && case.others.is_empty();
        if !plain || !case.inputs.environment.is_empty() || !case.inputs.files.is_empty() || !case.inputs.arguments.is_empty() {
            continue;
        }
        if !case.alone && !case.files.iter().any(|(name, text)| !name.contains('/') && text.lines().any(|l| l.starts_with("project"))) {
            case.files.push(("project.secnet".into(), "project test { }\n".into()));
        }
        case.files.extend(case.disk.0);
        all.push(case.files);
    }
    all
}
