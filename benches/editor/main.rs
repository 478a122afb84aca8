//! What `secnet lsp` costs: `cargo bench --no-default-features --bench editor -- RESOURCES FILES EDITS`.
//!
//! A client speaks the protocol to the server in memory, over a project on disk. A keystroke is a whole text sent; it is over when
//! the server has published all that it says, of whatever file, proofs among it. Each kind of edit is told apart. Prints medians and
//! 95th percentiles; nothing fails for being slow.

#![allow(clippy::print_stdout, clippy::expect_used, missing_docs)]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use secnet::{cli::lsp::Files, lsp};
use serde_json::{Value, json};

mod project;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An editor.
struct Client {
    connection: Connection,
    next: i32,
    version: i32,
    /// How many errors each file has, as far as anything was said of it.
    errors: BTreeMap<String, usize>,
}

/// How long nothing is said when all is said.
const QUIET: Duration = Duration::from_millis(300);

impl Client {
    fn start(root: &Path) -> Self {
        let (theirs, connection) = Connection::memory();
        let server = std::thread::Builder::new().stack_size(8 << 20);
        server.spawn(move || lsp::serve(&theirs, &Files::default()).expect("the editor ends well")).expect("a thread");
        let mut client = Self { connection, next: 0, version: 0, errors: BTreeMap::new() };
        let capabilities = json!({ "general": { "positionEncodings": ["utf-16"] } });
        let folders = json!([{ "uri": uri(root), "name": "w" }]);
        client.ask("initialize", json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders }));
        client.say("initialized", json!({}));
        client
    }

    fn say(&self, method: &str, params: Value) {
        self.connection.sender.send(Notification::new(method.into(), params).into()).expect("the server is there");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.connection.sender.send(Request::new(id.clone(), method.into(), params).into()).expect("the server is there");
        loop {
            match self.connection.receiver.recv().expect("the server is there") {
                Message::Response(response) if response.id == id => return response.response_result.expect("an answer"),
                _ => {}
            }
        }
    }

    fn open(&mut self, path: &Path, text: &str) {
        self.version += 1;
        let document = json!({ "uri": uri(path), "languageId": "secnet", "version": self.version, "text": text });
        self.say("textDocument/didOpen", json!({ "textDocument": document }));
        self.published(path);
    }

    /// Changes a text and waits until its version is judged.
    fn edit(&mut self, path: &Path, text: &str) {
        self.version += 1;
        let document = json!({ "uri": uri(path), "version": self.version });
        self.say("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": text }] }));
        self.published(path);
    }

    fn published(&mut self, path: &Path) {
        loop {
            if let Message::Notification(told) = self.connection.receiver.recv().expect("the server is there") {
                let own = told.params["uri"] == uri(path) && told.params["version"] == self.version;
                self.heard(&told);
                if own {
                    return;
                }
            }
        }
    }

    fn heard(&mut self, told: &Notification) {
        let all = told.params["diagnostics"].as_array();
        let errors = all.map_or(0, |all| all.iter().filter(|d| d["severity"] == 1).count());
        self.errors.insert(told.params["uri"].to_string(), errors);
    }

    /// Waits until nothing more is said, of whatever file; gives when the last was said.
    fn settled(&mut self) -> Instant {
        let mut last = Instant::now();
        while let Ok(message) = self.connection.receiver.recv_timeout(QUIET) {
            if let Message::Notification(told) = message {
                last = Instant::now();
                self.heard(&told);
            }
        }
        last
    }

    /// How many errors the editor shows.
    fn errors(&self) -> usize {
        self.errors.values().sum()
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A figure of this process, in MB.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap_or_default();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or_default() / 1024
}

fn print(what: &str, mut times: Vec<Duration>, wanted: &str) {
    if times.is_empty() {
        return;
    }
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).map_or(0.0, |t| t.as_secs_f64() * 1e3);
    println!("{what:<44} {:>6} {:>10.1} {:>10.1} {:>10.1}   {wanted}", times.len(), at(50), at(95), at(100));
}

/// A server that has said all that it has to say, and how long that took it.
fn started(root: &Path) -> (Client, Duration) {
    let groups = root.join("team001_groups.secnet");
    let text = fs::read_to_string(&groups).expect("a file");
    let begin = Instant::now();
    let mut client = Client::start(root);
    client.open(&groups, &text);
    let took = client.settled() - begin;
    assert_eq!(client.errors(), 0, "the project has errors");
    (client, took)
}

/// What a process of its own takes to start, each time: what one server leaves behind is no matter of the next.
fn starts(root: &Path, times: usize) -> Vec<Duration> {
    let one = |_| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).args([OsStr::new("start"), root.as_os_str()]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).trim().parse().expect("microseconds");
        Duration::from_micros(said)
    };
    (0..times).map(one).collect()
}

fn main() {
    if let [word, root] = &*std::env::args_os().skip(1).take(2).collect::<Vec<_>>()
        && word == "start"
    {
        println!("{}", started(Path::new(root)).1.as_micros());
        return;
    }
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.replace('_', "").parse().ok()).collect();
    let at = |n: usize, otherwise| numbers.get(n).copied().unwrap_or(otherwise);
    let (resources, files, edits, many) = (at(0, 10_000), at(1, 200), at(2, 20), at(3, 200));
    let folder = tempfile::tempdir_in("target").expect("a directory on a disk");
    let root = folder.path().canonicalize().expect("it is there");
    let mut texts: Vec<(PathBuf, String)> = vec![];
    for (name, text) in project::project(resources, files) {
        fs::write(root.join(&name), &text).expect("a file");
        texts.push((root.join(name), text));
    }
    let bytes: usize = texts.iter().map(|(_, t)| t.len()).sum();
    println!("{resources} resources in {} files of {} kB", texts.len(), bytes / 1000);
    println!("{:<44} {:>6} {:>10} {:>10} {:>10}", "", "times", "median ms", "95 % ms", "worst ms");
    let find = |name: &str| texts.iter().find(|(path, _)| path.ends_with(name)).cloned().expect("a file");
    let (network, groups) = (find("team001_network.secnet"), find("team001_groups.secnet"));
    let (machines, policies) = (find("team001_machines_a.secnet"), find("team001_policies.secnet"));

    print("start to first diagnostics", starts(&root, edits.clamp(3, 9)), "500");
    let (mut client, _) = started(&root);
    for (path, text) in [&network, &machines, &policies] {
        client.open(path, text);
    }
    println!("{:<44} {:>6} {:>10} MB", "memory, open", "", memory("VmRSS:"));

    for (what, document, edit) in kinds() {
        let (path, text) = [&network, &groups, &machines, &policies][document];
        let mut times = vec![];
        for n in 0..edits {
            let (text, wrong) = edit(text, n);
            let begin = Instant::now();
            client.edit(path, &text);
            times.push(client.settled() - begin);
            assert_eq!(client.errors() > 0, wrong, "{what}: {} errors", client.errors());
        }
        print(what, times, "50, 100");
        client.edit(path, text);
        client.settled();
    }
    completions(&mut client, &groups, edits);
    for (what, document) in [("instances", &machines), ("rules", &groups), ("statements", &policies)] {
        lenses(&mut client, what, document, edits);
    }
    for n in 0..many {
        let kinds = kinds();
        let (_, document, edit) = &kinds[n % kinds.len()];
        let (path, text) = [&network, &groups, &machines, &policies][*document];
        client.edit(path, &edit(text, n % 200).0);
        if n % 3 == 2 {
            client.edit(path, text);
        }
    }
    client.settled();
    println!("{:<44} {many:>6} {:>10} MB", "memory after so many edits", memory("VmRSS:"));
    println!("{:<44} {:>6} {:>10} MB            300", "memory, at most", "", memory("VmHWM:"));
}

/// A text with the n-th edit of a kind, and whether something is wrong with it.
type Edit = fn(&str, usize) -> (String, bool);

/// What it is, in which of the documents.
fn kinds() -> Vec<(&'static str, usize, Edit)> {
    vec![
        ("a comment, at the end", 1, |text, n| (format!("{text}# note {n}\n"), false)),
        ("a comment, at the start: all below moves", 1, |text, n| (format!("# note {n}\n{text}"), false)),
        ("a tag's value", 2, |text, n| (text.replacen("Number = \"0\"", &format!("Number = \"{}\"", n + 1000), 1), false)),
        ("a rule's network: other proofs", 1, |text, n| (text.replacen("from 10.1.64.0/18", &format!("from 10.1.{n}.0/24"), 1), false)),
        ("a rule that breaks a policy, and back", 1, |text, n| match n % 2 {
            0 => (text.replacen("tcp/443 from anywhere", &format!("tcp/443 from 192.0.2.{n}/32"), 1), true),
            _ => (text.to_owned(), false),
        }),
        ("a route taken out, and back", 0, |text, n| match n % 2 {
            0 => (text.replacen("  route anywhere via internet_gateway.t1\n", "", 1), true),
            _ => (text.to_owned(), false),
        }),
        ("a new resource", 2, |text, n| {
            let new = text.split("\n\n").nth(1).unwrap_or_default().replacen("t1_app1", &format!("t1_new{n}"), 1);
            (format!("{text}{new}\n"), false)
        }),
        ("a policy's statement", 3, |text, n| (text.replacen("forbid  all ", &format!("forbid  tcp/{} ", 100 + n), 1), false)),
        ("a half-typed line, and back", 1, |text, n| match n % 2 {
            0 => (text.replacen("  ingress tcp/443", "  ingress tcp/443 fr\n  ingress tcp/443", 1), true),
            _ => (text.to_owned(), false),
        }),
    ]
}

/// The first ten lenses of a text, as an editor asks for them after a keystroke.
fn lenses(client: &mut Client, what: &str, (path, text): &(PathBuf, String), times: usize) {
    let mut took = vec![];
    for n in 0..times {
        client.edit(path, &format!("{text}# {n}\n"));
        client.settled();
        let begin = Instant::now();
        let all = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri(path) } }));
        for lens in all.as_array().expect("lenses").iter().take(10) {
            let told = client.ask("codeLens/resolve", lens.clone());
            assert!(told["command"]["title"].is_string(), "a lens without words");
        }
        took.push(begin.elapsed());
    }
    print(&format!("lenses of ten {what}"), took, "");
    client.edit(path, text);
    client.settled();
}

/// Completions right after a keystroke, where nothing that is known of the text is from before, and when all is quiet.
fn completions(client: &mut Client, (path, text): &(PathBuf, String), times: usize) {
    let line = text.lines().position(|l| l.contains("from security_group.")).expect("such a line");
    let column = text.lines().nth(line).and_then(|l| l.find("security_group.")).expect("it is there") + "security_group.".len();
    let ask = json!({ "textDocument": { "uri": uri(path) }, "position": { "line": line, "character": column } });
    let (mut at_once, mut quiet) = (vec![], vec![]);
    for n in 0..times {
        client.version += 1;
        let document = json!({ "uri": uri(path), "version": client.version });
        let begin = Instant::now();
        let changed = format!("{text}# {n}\n");
        client.say("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": changed }] }));
        let found = client.ask("textDocument/completion", ask.clone());
        at_once.push(begin.elapsed());
        assert!(found.as_array().is_some_and(|all| all.len() > 1), "nothing fits");
        client.edit(path, text);
        client.settled();
        let begin = Instant::now();
        client.ask("textDocument/completion", ask.clone());
        quiet.push(begin.elapsed());
    }
    print("completion, with the keystroke before it", at_once, "20");
    print("completion, when all is quiet", quiet, "20");
}
