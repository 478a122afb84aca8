//! What an editor asks for: fixtures with a cursor, `$0`, and the answer drawn under the source.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    cli::secnet,
    examples,
    kept::company,
    lsp::{Client, PROJECT, uri, workspace},
};

/// A project of one file with a cursor in it, open in an editor.
pub(crate) struct Open {
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) text: String,
    pub(crate) at: Value,
}

pub(crate) fn open(marked: &str) -> Open {
    let text = format!("{PROJECT}{marked}");
    let (before, after) = text.split_once("$0").expect("a cursor");
    let at = json!({ "line": before.matches('\n').count(), "character": before.rsplit('\n').next().unwrap().len() });
    let text = format!("{before}{after}");
    let (folder, root) = workspace(&[("main.secnet", &text)]);
    let client = Client::new(&root);
    client.open(&root.join("main.secnet"), &text);
    Open { client, folder, text, at }
}

impl Open {
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().canonicalize().unwrap().join("main.secnet")
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, more: Value) -> Value {
        self.try_ask(method, more).unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    pub(crate) fn try_ask(&mut self, method: &str, more: Value) -> Result<Value, String> {
        let mut params = json!({ "textDocument": { "uri": uri(&self.path()) }, "position": self.at });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.client.try_ask(method, params)
    }

    /// Each line that a range lies in, with the range drawn under it.
    pub(crate) fn drawn(&self, locations: &Value) -> String {
        let mut drawn = String::new();
        for location in locations.as_array().unwrap() {
            assert_eq!(location["uri"], uri(&self.path()));
            let at = |point: &str, what: &str| usize::try_from(location["range"][point][what].as_u64().unwrap()).unwrap();
            let line = self.text.lines().nth(at("start", "line")).unwrap();
            let (start, end) = (at("start", "character"), at("end", "character"));
            drawn.push_str(&format!("{line}\n{}{}\n", " ".repeat(start), "^".repeat(end - start)));
        }
        drawn
    }

    #[track_caller]
    pub(crate) fn hover(&mut self) -> String {
        self.ask("textDocument/hover", json!({}))["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn completions(&mut self) -> Vec<String> {
        let found = self.ask("textDocument/completion", json!({}));
        found.as_array().unwrap().iter().map(|i| i["label"].as_str().unwrap().to_owned()).collect()
    }

    /// The text after the edits of a workspace edit.
    pub(crate) fn edited(&self, edit: &Value) -> String {
        let mut edits = edit["changes"][uri(&self.path())].as_array().cloned().unwrap_or_default();
        let byte = |position: &Value| {
            let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
            let start: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
            start + usize::try_from(position["character"].as_u64().unwrap()).unwrap()
        };
        edits.sort_by_key(|e| std::cmp::Reverse(byte(&e["range"]["start"])));
        let mut text = self.text.clone();
        for edit in edits {
            text.replace_range(byte(&edit["range"]["start"])..byte(&edit["range"]["end"]), edit["newText"].as_str().unwrap());
        }
        text
    }
}

const NETWORK: &str = "vpc main {\n  cidr_block = 10.0.0.0/16\n}\n\nsubnet a {\n  vpc        = vpc.main\n  cidr_block = 10.0.0.0/18\n}\n";

#[test]
fn a_definition_is_found_and_so_are_its_uses() {
    let mut open = open(&NETWORK.replace("= vpc.main", "= vpc.ma$0in"));
    let found = open.ask("textDocument/definition", json!({}));
    assert_eq!(open.drawn(&found), "vpc main {\n    ^^^^\n");
    let found = open.ask("textDocument/references", json!({ "context": { "includeDeclaration": true } }));
    assert_eq!(open.drawn(&found), "vpc main {\n    ^^^^\n  vpc        = vpc.main\n                   ^^^^\n");
}

#[test]
fn the_name_of_a_for_hides_what_is_called_the_same_outside() {
    let mut open = open("let x = 1\noutput all = [for x in [1, 2] : $0x + 1]\noutput one = x\n");
    let found = open.ask("textDocument/references", json!({ "context": { "includeDeclaration": true } }));
    let line = "output all = [for x in [1, 2] : x + 1]\n";
    assert_eq!(open.drawn(&found), format!("{line}{:18}^\n{line}{:32}^\n", "", ""));
}

#[test]
fn a_hover_tells_the_manuals_words_the_value_and_what_is_left() {
    let told = open(&NETWORK.replacen("cidr_block", "cidr_$0block", 1)).hover();
    for words in ["**vpc.cidr_block**", "required", "10.0.0.0 to 10.0.255.255", "leave `10.0.64.0/18`, `10.0.128.0/17`"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let told = open(&NETWORK.replace("/18", "/18$0")).hover();
    assert!(told.contains("10.0.0.0 to 10.0.63.255, 16384 addresses") && told.contains("16379 for hosts"), "{told}");
    let told = open("$0vpc main {\n  cidr_block = 10.0.0.0/16\n}\n").hover();
    assert!(told.starts_with("**vpc**") && !told.contains("]("), "{told}");
    let told = open("output a = j$0oin(\"-\", [\"a\"])\n").hover();
    assert!(told.contains("join("), "{told}");
}

#[test]
fn a_hover_shows_nothing_that_is_sensitive() {
    let text = "variable token: string = \"hunter2\" {\n  sensitive = true\n}\noutput t = tok$0en {\n  sensitive = true\n}\n";
    let told = open(text).hover();
    assert!(told.contains("token") && !told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_not_written_yet_is_offered() {
    let found = open(&NETWORK.replace("  vpc        = vpc.main\n", "  $0\n")).completions();
    assert!(found.contains(&"vpc".into()) && found.contains(&"availability_zone".into()), "{found:?}");
    let found = open(&NETWORK.replace("  cidr_block = 10.0.0.0/18\n", "  cidr_block = 10.0.0.0/18\n  $0\n")).completions();
    assert!(!found.contains(&"vpc".into()) && !found.contains(&"cidr_block".into()), "{found:?}");
    let found = open(&NETWORK.replace("= vpc.main", "= $0")).completions();
    assert_eq!(found, ["vpc.main"]);
    let found = open(&NETWORK.replace("= vpc.main", "= vpc.$0")).completions();
    assert_eq!(found, ["main"]);
    let found = open(&format!("{NETWORK}output a = vpc.main.$0\n")).completions();
    assert!(found.contains(&"cidr_block".into()) && found.contains(&"id".into()), "{found:?}");
    let found = open("vpc main {\n  cidr_block = 10.0.0.0/16\n  instance_tenancy = $0\n}\n").completions();
    assert!(found.contains(&"\"dedicated\"".into()), "{found:?}");
    let found = open("$0\n").completions();
    assert!(found.contains(&"vpc".into()) && found.contains(&"policy".into()), "{found:?}");
    assert_eq!(open("# a co$0\n").completions(), Vec::<String>::new());
}

#[test]
fn a_rename_changes_every_use_and_writes_moved_only_where_it_is_applied() {
    let mut open = open(&NETWORK.replace("subnet a", "subnet $0a"));
    let edit = open.ask("textDocument/rename", json!({ "newName": "app" }));
    assert_eq!(open.edited(&edit), open.text.replace("subnet a", "subnet app"));
    secnet(open.folder.path(), &["apply", "--yes", "--sandbox"]).exits(0);
    // The sandbox's state is its own: an editor looks at it if it is told to.
    let edit = open.ask("textDocument/rename", json!({ "newName": "app" }));
    assert!(!open.edited(&edit).contains("moved"));
    let state = open.folder.path().join(".secnet/sandbox/state");
    let state = if state.is_dir() { state } else { open.folder.path().join(".secnet/sandbox") };
    let own = open.folder.path().join("state");
    fs::create_dir_all(&own).unwrap();
    let file = fs::read_dir(&state).unwrap().map(|e| e.unwrap().path()).find(|p| p.ends_with("test.json")).unwrap();
    fs::copy(file, own.join("test.json")).unwrap();
    let edit = open.ask("textDocument/rename", json!({ "newName": "app" }));
    let renamed = open.edited(&edit);
    assert_eq!(renamed, open.text.replace("subnet a", "subnet app") + "\nmoved subnet.a to subnet.app\n");
    fs::write(open.path(), renamed).unwrap();
    // Nothing is replaced, whoever carries it out: the tag that bears the name changes, and no more.
    let plan = secnet(open.folder.path(), &["plan", "--sandbox"]).exits(0).out;
    assert!(!plan.contains("delete subnet") && !plan.contains("replace subnet") && !plan.contains("create subnet"), "{plan}");
}

#[test]
fn what_cannot_be_renamed_is_told_why() {
    let mut open = open(&NETWORK.replace("subnet a", "su$0bnet a"));
    assert_eq!(open.ask("textDocument/prepareRename", json!({})), Value::Null);
    let why = open.try_ask("textDocument/rename", json!({ "newName": "app" })).unwrap_err();
    assert_eq!(why, "this has no name that could be another");
}

/// Without `moved` the next plan would make all of it anew.
#[test]
fn nothing_is_renamed_where_nobody_can_tell_whether_it_is_applied() {
    let mut open = open(&NETWORK.replace("subnet a", "subnet $0a"));
    let state = open.folder.path().join("state");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("test.json"), "{\"version\": ").unwrap();
    let why = open.try_ask("textDocument/rename", json!({ "newName": "app" })).unwrap_err();
    assert!(why.starts_with("whether it is applied, and needs `moved`, cannot be told: "), "{why}");
    fs::remove_file(state.join("test.json")).unwrap();
    let edit = open.ask("textDocument/rename", json!({ "newName": "app" }));
    assert_eq!(open.edited(&edit), open.text.replace("subnet a", "subnet app"));
}

#[test]
fn a_fix_mends_what_it_is_offered_for() {
    let mut open = open("vpc main {\n  $0cidr_blok = 10.0.0.0/16\n}\n");
    let range = json!({ "start": open.at, "end": open.at });
    let found = open.ask("textDocument/codeAction", json!({ "range": range, "context": { "diagnostics": [] } }));
    let fixed: Vec<String> = found.as_array().unwrap().iter().map(|a| open.edited(&a["edit"])).collect();
    assert!(fixed.contains(&open.text.replace("cidr_blok", "cidr_block")), "{found}");
}

#[test]
fn formatting_is_what_fmt_writes_and_touches_only_what_differs() {
    let mut open = open(&NETWORK.replace("  vpc        = vpc.main", "vpc = vpc.main$0"));
    let edits = open.ask("textDocument/formatting", json!({ "options": { "tabSize": 8, "insertSpaces": false } }));
    let whole = json!({ "changes": { uri(&open.path()): edits } });
    assert_eq!(open.edited(&whole), format!("{PROJECT}{NETWORK}"));
    assert_eq!(edits.as_array().unwrap().len(), 1);
    let line = open.text.lines().position(|l| l.starts_with("vpc =")).unwrap();
    assert_eq!(edits[0]["range"]["start"]["line"], line);
}

#[test]
fn the_outline_names_what_is_declared() {
    let mut open = open(&format!("{NETWORK}$0policy shut \"x\" {{\n  forbid all from internet to subnet.a\n}}\n"));
    let found = open.ask("textDocument/documentSymbol", json!({}));
    let names: Vec<&str> = found.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["test", "vpc.main", "subnet.a", "shut"]);
    assert_eq!(found[3]["children"][0]["name"], "forbid all from internet to subnet.a");
}

#[test]
fn a_lens_says_what_is_proven_and_what_the_internet_reaches() {
    let folder = examples::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/secure_server"));
    let root = folder.path().canonicalize().unwrap();
    let main = root.join("main.secnet");
    let text = fs::read_to_string(&main).unwrap();
    let mut client = Client::new(&root);
    client.open(&main, &text);
    let lenses = |client: &mut Client| -> Vec<(String, String)> {
        let found = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri(&main) } }));
        let mut one = |lens: &Value| {
            assert_eq!(lens["command"], Value::Null, "what a lens says is worked out when it is shown");
            let lens = client.ask("codeLens/resolve", lens.clone());
            let line = usize::try_from(lens["range"]["start"]["line"].as_u64().unwrap()).unwrap();
            let line = text.lines().nth(line).unwrap_or("new").trim();
            (line.to_owned(), lens["command"]["title"].as_str().unwrap().to_owned())
        };
        found.as_array().unwrap().iter().map(&mut one).collect()
    };
    let first = lenses(&mut client);
    let instance = first.iter().find(|(line, _)| line.starts_with("instance server")).unwrap();
    assert_eq!(instance.1, "reachable from the internet: tcp/22 from 203.0.113.0/28");
    assert_eq!(first.iter().filter(|(_, title)| title == "proven").count(), 3, "{first:?}");
    let rule = |head: &str| first.iter().find(|(line, _)| line.starts_with(head)).unwrap().1.clone();
    assert_eq!(rule("ingress"), "lets in: tcp/22 from 203.0.113.0/28 to instance.server");
    assert!(rule("egress").starts_with("lets out: "), "{first:?}");
    client.edit(&main, 2, &format!("{text}policy shut \"x\" {{\n  forbid tcp/22 from internet to instance.server\n}}\n"));
    let second = lenses(&mut client);
    assert!(second.iter().any(|(line, title)| line == "new" && title.starts_with("refuted")), "{second:?}");
}

/// What stands over the lines of a text, but only over some of many.
fn told(client: &mut Client, path: &Path) -> Vec<String> {
    let found = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri(path) } }));
    let some = found.as_array().unwrap().iter().step_by(9);
    some.map(|lens| client.ask("codeLens/resolve", lens.clone())["command"]["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_lens_says_the_same_whether_a_project_is_looked_at_in_pieces_or_as_a_whole() {
    let files = company::project(400, 20);
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let (_folder, root) = workspace(&files);
    let mut client = Client::new(&root);
    let looked_at = ["team000_groups", "team002_groups", "team002_machines_a", "team003_machines_b", "team003_policies"];
    let paths = looked_at.map(|name| root.join(format!("{name}.secnet")));
    let all = |client: &mut Client| -> Vec<Vec<String>> { paths.iter().map(|path| told(client, path)).collect() };
    client.open(&paths[0], files.iter().find(|(name, _)| *name == "team000_groups.secnet").unwrap().1);
    let in_pieces = all(&mut client);
    // A statement about a network is proved of the whole.
    let wide = "policy wide {\n  forbid tcp/81 from 192.0.2.0/24 to instance.t0_app1\n}\n";
    client.open(&root.join("wide.secnet"), wide);
    // Of rules the first: in a piece of its own, what comes from others by way of the internet is told as the internet. What are
    // too many in the whole may be few enough there.
    let whole = all(&mut client);
    let mut compared = 0;
    for (whole, piece) in whole[..2].iter().flatten().zip(in_pieces[..2].iter().flatten()) {
        if !whole.ends_with("too many to be told here") {
            assert_eq!(whole.split("; ").next(), piece.split("; ").next());
            compared += 1;
        }
    }
    assert!(compared >= 6, "{compared} rules");
    assert_eq!(whole[2..], in_pieces[2..]);
    let words: Vec<&String> = in_pieces.iter().flatten().collect();
    for word in ["lets in: ", "lets out: ", "nothing uses this", "reachable from the internet: ", "proven"] {
        assert!(words.iter().any(|told| told.starts_with(word)), "{word}: {words:?}");
    }
    client.end();
}

/// What a client does with the lenses of a text, one by one: title, command, arguments.
fn shown(open: &mut Open) -> Vec<(String, String, Value)> {
    let found = open.ask("textDocument/codeLens", json!({}));
    let lenses = found.as_array().unwrap().clone();
    let one = |lens: Value| {
        let command = open.client.ask("codeLens/resolve", lens)["command"].clone();
        (command["title"].as_str().unwrap().into(), command["command"].as_str().unwrap().into(), command["arguments"].clone())
    };
    lenses.into_iter().map(one).collect()
}

#[test]
fn the_witness_of_a_policy_is_one_click_away() {
    let policy = "forbid$0 tcp/443 from internet to instance.server\n  require tcp/22 from internet to instance.server";
    let mut open = open(&crate::lsp_fixes::server("egress all to anywhere", policy));
    let all = shown(&mut open);
    let bad: Vec<_> = all.iter().filter(|(_, command, _)| command == "secnet.witness").collect();
    assert_eq!(bad.len(), 2, "{all:#?}");
    for (n, (start, words)) in
        [("  ingress tcp/443", "internet_gateway.main"), ("security_group web", "has no rule that lets it pass")].into_iter().enumerate()
    {
        open.client.ask("workspace/executeCommand", json!({ "command": "secnet.witness", "arguments": bad[n].2 }));
        let said = open.client.said(2);
        let message = said[0].1["message"].as_str().unwrap();
        assert!(
            said[0].0 == "window/showMessage" && message.starts_with("policy `p`: refuted\ntcp ") && message.contains(words),
            "{message}"
        );
        assert_eq!(said[1].0, "window/showDocument");
        let line = usize::try_from(said[1].1["selection"]["start"]["line"].as_u64().unwrap()).unwrap();
        assert!(open.text.lines().nth(line).unwrap().starts_with(start), "{}", said[1].1);
    }
    let wrong = open.client.try_ask("workspace/executeCommand", json!({ "command": "secnet.nothing" })).unwrap_err();
    assert_eq!(wrong, "there is no command `secnet.nothing`");
}

#[test]
fn a_rule_that_nobody_can_use_says_so() {
    let rules = "ingress tcp/5432 from 10.9.0.0/16\n  ingress tcp/80 from anywhere";
    let mut open = open(&crate::lsp_fixes::server(rules, "$0forbid tcp/22 from internet to instance.server"));
    let titles: Vec<String> = shown(&mut open).into_iter().map(|(title, ..)| title).collect();
    assert!(titles.contains(&"nothing uses this".into()), "{titles:#?}");
    assert!(titles.contains(&"lets in: tcp/80 from 0.0.0.0/0 to instance.server".into()), "{titles:#?}");
}

/// Everything that can be asked of a whole file, or at its end, while it is half typed.
const OF_A_FILE: [&str; 17] = [
    "formatting",
    "rangeFormatting",
    "documentSymbol",
    "definition",
    "references",
    "hover",
    "completion",
    "prepareRename",
    "codeAction",
    "codeLens",
    "signatureHelp",
    "foldingRange",
    "selectionRange",
    "semanticTokens/full",
    "inlayHint",
    "documentLink",
    "prepareCallHierarchy",
];

#[test]
fn half_typed_files_do_no_harm_whatever_is_asked() {
    std::thread::scope(|scope| {
        for (n, example) in examples::examples().into_iter().enumerate() {
            scope.spawn(move || half_typed(&example, if n % 2 == 0 { "utf-8" } else { "utf-16" }));
        }
    });
}

fn half_typed(example: &Path, encoding: &str) {
    let (_folder, root) = crate::lsp_further::deep(example);
    let main = root.join("main.secnet");
    let text = fs::read_to_string(&main).unwrap();
    let mut client = Client::with(&root, &[encoding]);
    client.open(&main, &text);
    for (n, cut) in (0..text.len()).step_by(61).filter(|n| text.is_char_boundary(*n)).enumerate() {
        // Once with nothing after it, and once with the rest: then it is a hole of some letters.
        let rest = text.get(cut + 11..).filter(|_| n % 2 == 1).unwrap_or_default();
        client.edit(&main, i32::try_from(n).unwrap() + 2, &format!("{}{rest}", &text[..cut]));
        let position = crate::lsp_further::place(&text[..cut], encoding);
        let range = json!({ "start": { "line": 0, "character": 0 }, "end": position });
        let options = json!({ "tabSize": 2, "insertSpaces": true });
        let context = json!({ "includeDeclaration": true, "diagnostics": [], "triggerKind": 1, "isRetrigger": false });
        for method in OF_A_FILE {
            let document = json!({ "uri": uri(&main) });
            let mut params =
                json!({ "textDocument": document, "position": position, "positions": [position], "range": range, "options": options });
            params["context"] = context.clone();
            let found = client.ask(&format!("textDocument/{method}"), params);
            match (method, found.get(0)) {
                ("codeLens", Some(lens)) => drop(client.ask("codeLens/resolve", lens.clone())),
                ("prepareCallHierarchy", Some(item)) => {
                    client.ask("callHierarchy/outgoingCalls", json!({ "item": item }));
                    client.ask("callHierarchy/incomingCalls", json!({ "item": item }));
                }
                _ => {}
            }
        }
        client.ask("workspace/symbol", json!({ "query": "a" }));
    }
    client.end();
}
