//! The editor's server, by a client that speaks the protocol in memory.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::Duration,
};

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use secnet::{cli::lsp::Files, lsp};
use serde_json::{Value, json};

/// How long an answer may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An editor.
pub(crate) struct Client {
    connection: Connection,
    server: Option<JoinHandle<()>>,
    next: i32,
    /// What the server has said by itself: the parameters of each `publishDiagnostics`.
    pub(crate) told: Vec<Value>,
    pub(crate) server_says: Value,
    /// And anything else, by method.
    said: Vec<(String, Value)>,
}

impl Client {
    pub(crate) fn new(root: &Path) -> Self {
        Self::with(root, &["utf-8", "utf-16"])
    }

    pub(crate) fn with(root: &Path, encodings: &[&str]) -> Self {
        Self::over(root, encodings, Files::default())
    }

    fn over(root: &Path, encodings: &[&str], files: Files) -> Self {
        let (theirs, connection) = Connection::memory();
        // As much stack as the program itself has.
        let thread = std::thread::Builder::new().stack_size(8 << 20);
        let server = thread.spawn(move || lsp::serve(&theirs, &files).unwrap()).unwrap();
        let mut client = Self { connection, server: Some(server), next: 0, told: vec![], server_says: Value::Null, said: vec![] };
        let folders = json!([{ "uri": uri(root), "name": "w" }]);
        let window = json!({ "showDocument": { "support": true } });
        let document = json!({ "publishDiagnostics": { "codeDescriptionSupport": true } });
        let capabilities = json!({ "general": { "positionEncodings": encodings }, "window": window, "textDocument": document });
        let params = json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders });
        client.server_says = client.ask("initialize", params);
        client.say("initialized", json!({}));
        client
    }

    pub(crate) fn say(&self, method: &str, params: Value) {
        self.connection.sender.send(Notification::new(method.into(), params).into()).unwrap();
    }

    /// The answer to a request.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        self.try_ask(method, params).unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    /// The same; an answer that is an error is its message.
    pub(crate) fn try_ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.connection.sender.send(Request::new(id.clone(), method.into(), params).into()).unwrap();
        loop {
            match self.connection.receiver.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{method}: {e}")) {
                Message::Response(response) if response.id == id => {
                    return response.response_result.map_err(|e| e.message);
                }
                other => drop(self.heard(other)),
            }
        }
    }

    /// Takes note of what the server says by itself; gives what it says of a file.
    fn heard(&mut self, message: Message) -> Option<Value> {
        match message {
            Message::Notification(told) if told.method == "textDocument/publishDiagnostics" => {
                self.told.push(told.params.clone());
                return Some(told.params);
            }
            Message::Notification(told) => self.said.push((told.method, told.params)),
            Message::Request(asked) => self.said.push((asked.method, asked.params)),
            other @ Message::Response(_) => panic!("{other:?}"),
        }
        None
    }

    /// What else the server has said, once there is as much.
    pub(crate) fn said(&mut self, much: usize) -> Vec<(String, Value)> {
        while self.said.len() < much {
            let message = self.connection.receiver.recv_timeout(PATIENCE).unwrap();
            self.heard(message);
        }
        std::mem::take(&mut self.said)
    }

    pub(crate) fn open(&self, path: &Path, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "secnet", "version": 1, "text": text });
        self.say("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn edit(&self, path: &Path, version: i32, text: &str) {
        let document = json!({ "uri": uri(path), "version": version });
        self.say("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": text }] }));
    }

    pub(crate) fn close(&self, path: &Path) {
        self.say("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    /// What is said next of a file.
    #[track_caller]
    pub(crate) fn next_of(&mut self, path: &Path) -> Vec<Value> {
        loop {
            let message = self.connection.receiver.recv_timeout(PATIENCE).unwrap();
            let told = self.heard(message).filter(|told| told["uri"] == uri(path));
            if let Some(told) = told {
                return told["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Ends the server; gives the last that was said of each file that has anything said of it.
    pub(crate) fn end(mut self) -> Vec<(String, Value)> {
        self.ask("shutdown", Value::Null);
        self.say("exit", Value::Null);
        self.server.take().unwrap().join().unwrap();
        let mut last: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
        for told in &self.told {
            last.insert(told["uri"].as_str().unwrap().into(), told["diagnostics"].clone());
        }
        last.into_iter().filter(|(_, d)| !d.as_array().unwrap().is_empty()).collect()
    }
}

pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A workspace in a directory that goes when it is dropped.
pub(crate) fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (folder, root)
}

pub(crate) const PROJECT: &str = "project test { region = \"us-east-1\" }\n";

fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|d| d["code"].as_str().unwrap()).collect()
}

#[test]
fn a_code_leads_to_the_page_that_explains_it() {
    let text = format!("{PROJECT}subnet a {{\n  vpc        = vpc.b\n  cidr_block = 10.0.0.0/24\n}}\n");
    let (_folder, root) = workspace(&[("main.secnet", &text)]);
    let (main, pages) = (root.join("main.secnet"), root.join("the manual"));
    let mut client = Client::over(&root, &["utf-8"], Files::default().with_manual(pages.clone()));
    client.open(&main, &text);
    let said = client.next_of(&main);
    assert_eq!(codes(&said), ["E0203"]);
    assert_eq!(said[0]["codeDescription"]["href"], format!("{}/the%20manual/E02.html#E0203", uri(&root)));
    assert!(fs::read_to_string(pages.join("E02.html")).unwrap().contains("id=\"E0203\""));
    client.end();
    // Nobody is sent to where nothing is.
    let mut client = Client::new(&root);
    client.open(&main, &text);
    assert_eq!(client.next_of(&main)[0].get("codeDescription"), None);
    client.end();
}

#[test]
fn what_is_typed_is_judged_before_it_is_saved() {
    let (_folder, root) = workspace(&[("main.secnet", PROJECT)]);
    let main = root.join("main.secnet");
    let mut client = Client::new(&root);
    client.open(&main, PROJECT);
    assert_eq!(client.next_of(&main), Vec::<Value>::new());
    client.edit(&main, 2, &format!("{PROJECT}vpc main {{\n  cidr_blok = 10.0.0.0/16\n}}\n"));
    let said = client.next_of(&main);
    let version = client.told.last().unwrap()["version"].clone();
    assert_eq!(version, 2);
    let wrong = said.iter().find(|d| d["message"].as_str().unwrap().contains("cidr_blok")).unwrap();
    assert_eq!(wrong["range"]["start"], json!({ "line": 2, "character": 2 }));
    assert_eq!((&wrong["severity"], &wrong["source"]), (&json!(1), &json!("secnet")));
    client.edit(&main, 3, &format!("{PROJECT}vpc main {{\n  cidr_block = 10.0.0.0/16\n}}\n"));
    assert_eq!(client.next_of(&main), Vec::<Value>::new());
    assert_eq!(client.end(), vec![]);
}

#[test]
fn a_file_that_is_not_saved_yet_belongs_to_the_project_and_goes_when_it_is_closed() {
    let subnet = "subnet a {\n  vpc        = vpc.main\n  cidr_block = 10.1.0.0/24\n}\n";
    let (_folder, root) = workspace(&[("main.secnet", PROJECT)]);
    let (main, new) = (root.join("main.secnet"), root.join("new.secnet"));
    let text = format!("{PROJECT}vpc main {{\n  cidr_block = 10.0.0.0/16\n}}\n");
    let mut client = Client::new(&root);
    client.open(&main, &text);
    assert_eq!(client.next_of(&main), Vec::<Value>::new());
    client.open(&new, subnet);
    let said = client.next_of(&new);
    assert_eq!(codes(&said), ["E0301"]);
    // The other place that is concerned is in the other file, whose newer text is not saved either.
    let related = &said[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], uri(&main));
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 2, "character": 15 }));
    client.close(&new);
    assert_eq!(client.next_of(&new), Vec::<Value>::new());
    assert_eq!(client.end(), vec![]);
}

#[test]
fn a_module_is_judged_as_the_projects_that_use_it_have_it() {
    let module = "variable range: cidr\nvpc main {\n  cidr_block = range\n}\n";
    let (_folder, root) = workspace(&[
        ("net/main.secnet", &format!("{PROJECT}module edge \"../modules/edge\" {{\n  range = 10.0.0.0/16\n}}\n")),
        ("modules/edge/main.secnet", module),
    ]);
    let path = root.join("modules/edge/main.secnet");
    let mut client = Client::new(&root);
    client.open(&path, module);
    assert_eq!(client.next_of(&path), Vec::<Value>::new());
    client.edit(&path, 2, &module.replace("= range", "= rang"));
    assert_eq!(codes(&client.next_of(&path)), ["E0202"]);
    client.end();
}

#[test]
fn columns_are_counted_as_the_editor_can() {
    let text = format!("{PROJECT}output a = \"\u{1f512}\u{e4}\" + nothing\n");
    let (_folder, root) = workspace(&[("main.secnet", &text)]);
    let main = root.join("main.secnet");
    for (encodings, name, column) in [(&["utf-16"][..], "utf-16", 19), (&["utf-8", "utf-16"], "utf-8", 22), (&[], "utf-16", 19)] {
        let mut client = Client::with(&root, encodings);
        assert_eq!(client.server_says["capabilities"]["positionEncoding"], name);
        client.open(&main, &text);
        let said = client.next_of(&main);
        let wrong = said.iter().find(|d| d["message"].as_str().unwrap().contains("nothing")).unwrap();
        assert_eq!(wrong["range"]["start"], json!({ "line": 1, "character": column }), "{name}");
        client.end();
    }
}

#[test]
fn a_refuted_policy_is_told_where_it_stands_and_a_proven_one_is_not() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/secure_server");
    let folder = crate::examples::copy(&example);
    let root = folder.path().canonicalize().unwrap();
    let main = root.join("main.secnet");
    let text = fs::read_to_string(&main).unwrap();
    let mut client = Client::new(&root);
    client.open(&main, &text);
    assert_eq!(client.next_of(&main), Vec::<Value>::new());
    let statement = text.lines().count() + 1;
    client.edit(&main, 2, &format!("{text}policy shut \"nobody gets in\" {{\n  forbid tcp/22 from internet to instance.server\n}}\n"));
    let said = client.next_of(&main);
    assert!(said.iter().any(|d| d["range"]["start"]["line"] == statement && d["severity"] == 1), "{said:#?}");
    client.end();
}

#[test]
fn what_is_no_file_of_ours_and_what_is_no_request_of_ours_does_no_harm() {
    let (_folder, root) = workspace(&[("main.secnet", PROJECT)]);
    let main = root.join("main.secnet");
    let mut client = Client::new(&root);
    client.say("textDocument/didOpen", json!({ "textDocument": { "uri": "untitled:a", "languageId": "x", "version": 1, "text": "vpc" } }));
    client.say("textDocument/didChange", json!({ "nonsense": true }));
    client.say("$/setTrace", json!({ "value": "off" }));
    client.edit(&root.join("never-opened.secnet"), 1, "vpc");
    client.open(&main, PROJECT);
    assert_eq!(client.next_of(&main), Vec::<Value>::new());
    client.end();
}
