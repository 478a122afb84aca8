//! What an editor asks for besides the common things: signatures, symbols, folding, selections, tokens, hints, links, and the ways
//! of packets. Fixtures with a cursor, `$0`, as in the neighbour.

use std::{fs, path::Path, time::Instant};

use serde_json::{Value, json};

use crate::{
    examples,
    lsp::{Client, PROJECT, uri, workspace},
    lsp_features::{Open, open},
    lsp_fixes::server,
};

impl Open {
    /// The text between two places.
    fn within(&self, range: &Value) -> String {
        let byte = |p: &Value| {
            let line = usize::try_from(p["line"].as_u64().unwrap()).unwrap();
            let before: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
            before + usize::try_from(p["character"].as_u64().unwrap()).unwrap()
        };
        self.text[byte(&range["start"])..byte(&range["end"])].to_owned()
    }

    fn whole(&self) -> Value {
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": self.text.lines().count(), "character": 0 } })
    }
}

/// The label, with the part that is being written in brackets.
#[track_caller]
fn signature(marked: &str) -> String {
    let mut open = open(marked);
    let help = open.ask("textDocument/signatureHelp", json!({}));
    let Some(one) = help["signatures"].get(0) else { return String::new() };
    let part = usize::try_from(help["activeParameter"].as_u64().unwrap()).unwrap();
    let part = one["parameters"][part]["label"].as_str().unwrap_or_default().to_owned();
    one["label"].as_str().unwrap().replacen(&part, &format!("<{part}>"), 1)
}

#[test]
fn a_signature_shows_what_is_being_written() {
    assert_eq!(signature("output a = join($0"), "join(<\", \">, [\"a\", \"b\"])");
    assert_eq!(signature("output a = join(\",\", upper(\"a,(\"), $0)\n"), "join(\", \", <[\"a\", \"b\"]>)");
    assert_eq!(signature("output a = \"${join(\", \", [$0"), "");
    assert_eq!(signature("security_group a {\n  ingress $0\n}\n"), "ingress <SERVICE> from PEERS \"DESCRIPTION\"");
    assert_eq!(signature("security_group a {\n  ingress tcp/22 from $0\n}\n"), "ingress SERVICE <from PEERS> \"DESCRIPTION\"");
    assert_eq!(signature("security_group a {\n  ingress tcp/22 from anywhere $0\n}\n"), "ingress SERVICE from PEERS <\"DESCRIPTION\">");
    assert_eq!(signature("network_acl a {\n  in 100 $0\n}\n"), "in NUMBER <allow|deny> SERVICE from PEERS");
    assert_eq!(
        signature("policy p \"p\" {\n  forbid all from internet to $0\n}\n"),
        "forbid SERVICES from SOURCES <to TARGETS> except SERVICES from SOURCES"
    );
    assert_eq!(signature("moved vpc.a to $0"), "moved OLD <to NEW>");
    assert_eq!(signature("vpc main {\n  cidr_block = $0\n}\n"), "");
}

const NETWORK: &str =
    "vpc main {\n  cidr_block = 10.0.0.0/16\n}\n\n# one\n# two\nsubnet a {\n  vpc        = vpc.main\n  cidr_block = 10.0.0.0/24\n}\n";

#[test]
fn names_are_found_over_all_files() {
    let (_folder, root) = workspace(&[
        ("net/main.secnet", &format!("{PROJECT}module edge \"../modules/edge\" {{ }}\n")),
        ("modules/edge/main.secnet", NETWORK),
    ]);
    let main = root.join("net/main.secnet");
    let mut client = Client::new(&root);
    client.open(&main, &fs::read_to_string(&main).unwrap());
    let found = client.ask("workspace/symbol", json!({ "query": "SBA" }));
    let found: Vec<&str> = found.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(found, ["subnet.a"]);
    let all = client.ask("workspace/symbol", json!({ "query": "" }));
    assert_eq!(all.as_array().unwrap().len(), 4, "{all}");
    client.end();
}

#[test]
fn some_lines_are_formatted_and_others_are_left_alone() {
    let text = "vpc main {\ncidr_block   =   10.0.0.0/16\n}\n\n\n\nsubnet   a {\n$0 vpc = vpc.main\n      cidr_block = 10.0.0.0/24\n}\n";
    let mut open = open(text);
    let line = open.at["line"].as_u64().unwrap();
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let mut format = |first: u64, last: u64| {
        let range = json!({ "start": { "line": first, "character": 0 }, "end": { "line": last, "character": 0 } });
        let edits = open.ask("textDocument/rangeFormatting", json!({ "range": range, "options": options }));
        open.edited(&json!({ "changes": { uri(&open.path()): edits } }))
    };
    let both = "  vpc        = vpc.main\n  cidr_block = 10.0.0.0/24\n";
    let wanted = text.replace("$0 vpc = vpc.main\n      cidr_block = 10.0.0.0/24\n", both);
    assert_eq!(format(line, line + 2), format!("{PROJECT}{wanted}"));
    let first = text.replace("$0", "").replace("cidr_block   =   10", "  cidr_block = 10");
    assert_eq!(format(2, 3), format!("{PROJECT}{first}"));
    assert_eq!(format(0, 100), format!("{PROJECT}\n{}", NETWORK.replace("# one\n# two\n", "")).replacen("\n\n", "\n", 1));
}

#[test]
fn bodies_and_comments_fold() {
    let mut open = open(&format!("$0{NETWORK}let all = [\n  1,\n  2,\n]\n"));
    let found = open.ask("textDocument/foldingRange", json!({}));
    let one = |f: &Value| (f["startLine"].as_u64().unwrap(), f["endLine"].as_u64().unwrap(), f["kind"].as_str().map(str::to_owned));
    let found: Vec<_> = found.as_array().unwrap().iter().map(one).collect();
    assert_eq!(found, [(1, 2, None), (5, 6, Some("comment".into())), (7, 9, None), (11, 13, None)]);
}

#[test]
fn a_selection_grows_from_the_name_to_the_file() {
    let mut open = open(&NETWORK.replace("= vpc.main", "= vpc.ma$0in"));
    let at = open.at.clone();
    let found = open.ask("textDocument/selectionRange", json!({ "positions": [at] }));
    let (mut texts, mut at) = (vec![], &found[0]);
    while !at.is_null() {
        texts.push(open.within(&at["range"]));
        at = &at["parent"];
    }
    let body = "{\n  vpc        = vpc.main\n  cidr_block = 10.0.0.0/24\n}";
    assert_eq!(texts[..5], ["main", "vpc.main", "vpc        = vpc.main", body, &format!("subnet a {body}")]);
    assert_eq!(texts.last().unwrap(), &open.text);
}

#[test]
fn every_name_has_its_token() {
    let mut open = open(&server("egress all to anywhere", "$0forbid tcp/22 from internet to instance.server"));
    let legend = open.client.server_says["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"].clone();
    let tokens = open.ask("textDocument/semanticTokens/full", json!({}));
    let numbers: Vec<u64> = tokens["data"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let (mut line, mut column, mut seen) = (0, 0, vec![]);
    for token in numbers.chunks(5) {
        column = if token[0] == 0 { column + token[1] } else { token[1] };
        line += token[0];
        let at = json!({ "start": { "line": line, "character": column }, "end": { "line": line, "character": column + token[2] } });
        seen.push((open.within(&at), legend[usize::try_from(token[3]).unwrap()].as_str().unwrap().to_owned(), token[4]));
    }
    let has = |text: &str, kind: &str, modifiers: u64| assert!(seen.contains(&(text.into(), kind.into(), modifiers)), "{text}: {seen:?}");
    has("vpc", "class", 0);
    has("server", "variable", 1);
    has("server", "variable", 0);
    has("ingress", "keyword", 0);
    has("from", "keyword", 0);
    has("tcp/443", "enumMember", 0);
    has("10.0.0.0/16", "number", 0);
    has("ami", "function", 0);
    has("p", "interface", 1);
    let range = json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 3, "character": 0 } });
    let part = open.ask("textDocument/semanticTokens/range", json!({ "range": range }));
    assert!(part["data"].as_array().unwrap().len() < numbers.len() / 3);
}

/// Each hint behind the text of its line up to it.
fn hints(open: &mut Open) -> Vec<(String, String)> {
    let range = open.whole();
    let found = open.ask("textDocument/inlayHint", json!({ "range": range }));
    let one = |hint: &Value| {
        let line = open.text.lines().nth(usize::try_from(hint["position"]["line"].as_u64().unwrap()).unwrap()).unwrap();
        let before = &line[..usize::try_from(hint["position"]["character"].as_u64().unwrap()).unwrap()];
        (before.to_owned(), hint["label"].as_str().unwrap().to_owned())
    };
    found.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn hints_tell_what_is_not_written() {
    let text = "let bits = 8 + 0\nlet plain = [1, 2]\nlet range = cidrsubnet(10.0.0.0/16, bits, 1)\n\
                variable token: string = \"hunter2\" {\n  sensitive = true\n}\nlet secret = \"x${token}\"\noutput s = secret {\n  sensitive = true\n}\n\
                output p = plain\nvpc main {\n  cidr_block = 10.0.0.0/16\n}\nsubnet a {\n  vpc = vpc.main\n  cidr_block = range\n}\n$0";
    let mut open = open(text);
    let found = hints(&mut open);
    let of = |before: &str| found.iter().find(|(b, _)| b == before).map(|(_, hint)| hint.clone());
    assert_eq!(of("let bits = 8 + 0").as_deref(), Some("= 8"), "{found:?}");
    assert_eq!(of("let range = cidrsubnet(10.0.0.0/16, bits, 1)").as_deref(), Some("= 10.0.1.0/24"));
    assert_eq!(of("  cidr_block = range").as_deref(), Some("251 hosts"));
    assert_eq!(of("let plain = [1, 2]"), None);
    assert!(of("subnet a").unwrap().starts_with("AWS adds the main route table"), "{found:?}");
    assert!(!found.iter().any(|(_, hint)| hint.contains("hunter2")), "{found:?}");
}

#[test]
fn what_is_written_leads_where_it_means() {
    let text = "module edge \"./edge\" { }\nlet key = file(\"keys/a.pub\")\n\
                module far \"git+https://example.com/net.git//edge?commit=0123456789012345678901234567890123456789\" { }\n$0";
    let mut open = open(text);
    let root = open.folder.path().canonicalize().unwrap();
    fs::create_dir(root.join("edge")).unwrap();
    fs::write(root.join("edge/main.secnet"), "let a = 1\n").unwrap();
    open.client.say("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    let found = open.ask("textDocument/documentLink", json!({}));
    let one = |l: &Value| (open.within(&l["range"]), l["target"].as_str().unwrap().to_owned());
    let found: Vec<_> = found.as_array().unwrap().iter().map(one).collect();
    assert_eq!(found[0], ("\"./edge\"".into(), uri(&root.join("edge/main.secnet"))));
    assert_eq!(found[1], ("\"keys/a.pub\"".into(), uri(&root.join("keys/a.pub"))));
    assert_eq!(found[2].1, "https://example.com/net");
}

#[test]
fn the_way_of_a_packet_is_a_hierarchy_of_calls() {
    let policy = "fo$0rbid tcp/443 from internet to instance.server";
    let mut open = open(&server("egress all to anywhere", policy));
    let item = open.ask("textDocument/prepareCallHierarchy", json!({}))[0].clone();
    assert_eq!((&item["name"], &item["detail"]), (&json!("forbid tcp/443 from internet to instance.server"), &json!("refuted")));
    let calls = open.client.ask("callHierarchy/outgoingCalls", json!({ "item": item }));
    let way: Vec<(String, String)> =
        calls.as_array().unwrap().iter().map(|c| (c["to"]["name"].as_str().unwrap().into(), open.within(&c["to"]["range"]))).collect();
    let rule = way.iter().find(|(name, _)| name.starts_with("security_group.web: ingress tcp/443")).unwrap_or_else(|| panic!("{way:#?}"));
    assert_eq!(rule.1, "ingress tcp/443 from anywhere");
    assert!(way[0].0.contains("internet"), "{way:#?}");
}

#[test]
fn what_reaches_a_machine_and_what_it_reaches_are_its_calls() {
    let text = server("egress tcp/443 to anywhere", "require tcp/443 from internet to instance.server");
    let mut open = open(&text.replace("instance server {", "instance ser$0ver {"));
    let item = open.ask("textDocument/prepareCallHierarchy", json!({}))[0].clone();
    assert_eq!(item["name"], "instance.server");
    let calls = open.client.ask("callHierarchy/incomingCalls", json!({ "item": item }));
    assert_eq!(calls[0]["from"]["name"], "tcp/443 from the internet (0.0.0.0/0)", "{calls}");
    assert_eq!(open.within(&calls[0]["fromRanges"][0]), "ingress tcp/443 from anywhere");
    let calls = open.client.ask("callHierarchy/outgoingCalls", json!({ "item": item }));
    assert!(calls[0]["to"]["name"].as_str().unwrap().starts_with("tcp/443 to the internet"), "{calls}");
    // A proven requirement has a way, too.
    let policy = text.lines().position(|l| l.contains("require tcp/443")).unwrap() + 1;
    open.at = json!({ "line": policy, "character": 4 });
    let item = open.ask("textDocument/prepareCallHierarchy", json!({}))[0].clone();
    assert_eq!(item["detail"], "proven");
    let calls = open.client.ask("callHierarchy/outgoingCalls", json!({ "item": item }));
    assert!(calls.as_array().unwrap().len() > 3, "{calls}");
}

#[test]
fn free_networks_types_and_zones_are_offered() {
    let found =
        open(&NETWORK.replace("vpc        = vpc.main\n  cidr_block = 10.0.0.0/24", "vpc = vpc.main\n  cidr_block = $0")).completions();
    assert_eq!(found[..2], ["10.0.0.0/24", "10.0.1.0/24"]);
    let other = "subnet b {\n  vpc = vpc.main\n  cidr_block = 10.0.$0\n}\n";
    let mut half = open(&format!("{NETWORK}{other}"));
    let found = half.ask("textDocument/completion", json!({}));
    assert_eq!(found[0]["label"], "10.0.1.0/24", "{found}");
    assert_eq!(half.within(&found[0]["textEdit"]["range"]), "10.0.");
    assert!(open("instance a {\n  instance_type = $0\n}\n").completions().contains(&"\"t3.micro\"".into()));
    assert!(open("instance a {\n  instance_type = \"t3.$0\"\n}\n").completions().contains(&"t3.micro".into()));
    let zones = open("subnet a {\n  availability_zone = \"$0\"\n}\n").completions();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
    // What is repeated stands in the body around it, and one line may hold a body.
    let found = open("security_group a {\n  for p in [1] {\n    $0\n  }\n}\n").completions();
    assert!(found.contains(&"ingress".into()), "{found:?}");
    let found = open("subnet a { cidr_block = 10.0.0.0/24  v$0 }\n").completions();
    assert!(!found.contains(&"policy".into()), "{found:?}");
}

#[test]
fn a_hover_tells_what_a_let_is_worth() {
    let told = open("let ran$0ge = cidrsubnet(10.0.0.0/16, 8, 1)\noutput a = range\n").hover();
    assert!(told.contains("`10.0.1.0/24`") && told.contains("10.0.1.0 to 10.0.1.255"), "{told}");
}

/// Features that are asked for at a place.
const AT_A_PLACE: [&str; 7] =
    ["hover", "completion", "definition", "signatureHelp", "prepareRename", "prepareCallHierarchy", "selectionRange"];

/// Every feature at every offset of every example answers, in columns of bytes and of UTF-16, and does so at once.
#[test]
fn every_feature_answers_wherever_the_cursor_is() {
    std::thread::scope(|scope| {
        for (n, example) in examples::examples().into_iter().enumerate() {
            scope.spawn(move || everywhere(&example, if n % 2 == 0 { "utf-16" } else { "utf-8" }));
        }
    });
}

fn everywhere(example: &Path, encoding: &str) {
    let (_folder, root) = deep(example);
    let main = root.join("main.secnet");
    let text = fs::read_to_string(&main).unwrap().replace("Name = \"", "Name = \"\u{1f512}\u{e4}");
    let mut client = Client::with(&root, &[encoding]);
    client.open(&main, &text);
    let (mut slowest, mut what) = (0, String::new());
    for byte in (0..=text.len()).filter(|b| text.is_char_boundary(*b)) {
        let position = place(&text[..byte], encoding);
        for method in AT_A_PLACE {
            let params = json!({ "textDocument": { "uri": uri(&main) }, "position": position, "positions": [position] });
            let begun = Instant::now();
            client.ask(&format!("textDocument/{method}"), params);
            let took = begun.elapsed().as_millis();
            if took > slowest && byte > 0 {
                (slowest, what) = (took, format!("{method} at {byte} of {}", example.display()));
            }
        }
    }
    client.end();
    assert!(slowest < 2_000, "{what} took {slowest} ms");
}

/// The sources of an example, so deep below the directory of temporary files that the server does not look at what others left there.
pub(crate) fn deep(example: &Path) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("a/b/c");
    fs::create_dir_all(&root).unwrap();
    for file in fs::read_dir(example).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
        fs::copy(&file, root.join(file.file_name().unwrap())).unwrap();
    }
    (folder, root)
}

pub(crate) fn place(before: &str, encoding: &str) -> Value {
    let last = before.rsplit('\n').next().unwrap();
    let character = if encoding == "utf-8" { last.len() } else { last.encode_utf16().count() };
    json!({ "line": before.matches('\n').count(), "character": character })
}
