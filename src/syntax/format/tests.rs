use proptest::prelude::*;

use super::*;

fn formatted(text: &str) -> String {
    match format(FileId(0), text) {
        Ok(text) => text,
        Err(diagnostics) => panic!("{text}: {:?}", diagnostics.iter().map(|d| &d.message).collect::<Vec<_>>()),
    }
}

fn check(text: &str, expected: &str) {
    let once = formatted(text);
    assert_eq!(once, expected, "of {text}");
    assert_eq!(formatted(&once), once, "twice, of {text}");
}

#[test]
fn the_tour_is_as_it_is_written() {
    let tour = include_str!("../../../tests/spec/syntax/secure_server.secnet");
    check(tour, tour);
}

#[test]
fn attributes_in_a_row_have_their_equals_in_one_column() {
    check("vpc a{\na=1\nbcd  =  2\n\nef= 3\n}", "vpc a {\n  a   = 1\n  bcd = 2\n\n  ef = 3\n}\n");
    check("vpc a {\n a = 1\n # between\n bcd = 2\n}", "vpc a {\n  a = 1\n  # between\n  bcd = 2\n}\n");
    check("vpc a {\n a = 1\n bcd = [\n1,\n2 ]\n e=3\n}", "vpc a {\n  a = 1\n  bcd = [\n    1,\n    2]\n  e = 3\n}\n");
    check("let a = 1\nlet bcd = 2\noutput e = 3\n", "let a   = 1\nlet bcd = 2\noutput e = 3\n");
    check("vpc a {\n a = 1  bcd = 2\n}", "vpc a {\n  a   = 1\n  bcd = 2\n}\n");
    check("vpc a {\n a\n=\n1\n}", "vpc a {\n  a = 1\n}\n");
}

#[test]
fn sentences_that_go_alike_have_their_terms_in_columns() {
    check(
        "security_group a {\n ingress tcp/22 from x \"ssh\"\n egress all to anywhere\n ingress tcp/443 from everybody \"web\"\n}",
        "security_group a {\n  ingress tcp/22  from x           \"ssh\"\n  egress  all     to   anywhere\n  ingress tcp/443 from everybody   \"web\"\n}\n",
    );
    check(
        "policy p {\n require tcp/22 client ports 1024-65535 from a to b\n require tcp/443 from cd to b\n}",
        "policy p {\n  require tcp/22 client ports 1024-65535 from a to b\n  require tcp/443 from cd to b\n}\n",
    );
    check(
        "policy p {\n forbid all from a\n to b except tcp/22 from c,\ntcp/80 from d\n}",
        "policy p {\n  forbid all from a\n    to b except tcp/22 from c,\n    tcp/80 from d\n}\n",
    );
    check("security_group a {\n ingress tcp/( p )-( q ) from [ a,b ]\n}", "security_group a {\n  ingress tcp/(p)-(q) from [a, b]\n}\n");
    check("vpc a {\n validate f( x )>0   \"y\"\n}", "vpc a {\n  validate f(x) > 0   \"y\"\n}\n");
}

#[test]
fn values_keep_their_lines_and_get_their_blanks() {
    for (value, expected) in [
        ("1+2*-3", "1 + 2 * -3"),
        ("!  a&&b", "!a && b"),
        ("f( 1,2 ,[ 3 ] )[ 0 ] . b", "f(1, 2, [3])[0].b"),
        ("xs[*].a+1", "xs[*].a + 1"),
        ("{a=1,\"b\"  =2}", "{ a = 1, \"b\" = 2 }"),
        ("{ }", "{}"),
        ("[ ]", "[]"),
        ("if a  then b   else c", "if a then b else c"),
        ("\"a ${ b }  c\"", "\"a ${ b }  c\""),
        ("tcp/( a ),22", "tcp/(a),22"),
        ("[\n1,\n  2,\n\n\n 3\n]", "[\n  1,\n  2,\n\n  3\n]"),
        ("[\n\n1\n\n]", "[\n  1\n]"),
        ("[{\na=1\n}, {\nb=2\n}]", "[{\n  a = 1\n}, {\n  b = 2\n}]"),
        ("{\na = 1 # one\nbcd = 2 # two\n\nc = 3\n}", "{\n  a   = 1  # one\n  bcd = 2  # two\n\n  c = 3\n}"),
        ("{\na = {\nb = 1\n}\ncde = 2\nf = 3\n}", "{\n  a = {\n    b = 1\n  }\n  cde = 2\n  f   = 3\n}"),
        ("[ # first\n1, # one\n# second\n2\n]", "[  # first\n  1,  # one\n  # second\n  2\n]"),
        ("a\n+ b\n+ [\nc\n]", "a\n  + b\n  + [\n    c\n  ]"),
        ("<<~END\n   as\n  it is\n END", "<<~END\n   as\n  it is\n END"),
        ("f(<<END\nx\nEND\n)", "f(<<END\nx\nEND\n)"),
        ("[ for x in  xs:x ]", "[for x in xs : x]"),
        ("[for i,x in xs  if x>y:::1]", "[for i, x in xs if x > y : ::1]"),
        ("{ for k ,v in m:k=>{a=v} }", "{for k, v in m : k => { a = v }}"),
        ("[for x in xs:x   if x]", "[for x in xs : x if x]"),
        ("[\nfor x in xs: # each\n{\na=x\n}\n]", "[\n  for x in xs :  # each\n  {\n    a = x\n  }\n]"),
        ("{for k, v in m\nif v:\nk=>v\n}", "{for k, v in m\n  if v :\n  k => v\n}"),
    ] {
        check(&format!("let x  =  {value}\n"), &format!("let x = {expected}\n"));
    }
}

#[test]
fn items_get_their_blanks() {
    for (item, expected) in [
        ("\n\n\nvpc  a  {  }\n\n\n\nvpc b{}\n\n", "vpc a { }\n\nvpc b { }\n"),
        ("existing vpc a{b=1  c  = 2}", "existing vpc a { b = 1  c = 2 }\n"),
        ("vpc a {\n\n  b = 1\n\n}", "vpc a {\n  b = 1\n}\n"),
        ("vpc a { # about\n  # more\n}  # end", "vpc a {  # about\n  # more\n}  # end\n"),
        ("vpc a {\nlifecycle{protect=true}\ngroup {\nb=1\n}\n}", "vpc a {\n  lifecycle { protect = true }\n  group {\n    b = 1\n  }\n}\n"),
        ("variable  a :object( {b:T ,c? : list( U )} )=1 \"d\"", "variable a: object({ b: T, c?: list(U) }) = 1   \"d\"\n"),
        ("variable a=1 \"d\"{sensitive=true}", "variable a = 1   \"d\" { sensitive = true }\n"),
        ("variable a = 1\n\"d\"", "variable a = 1\n  \"d\"\n"),
        ("vpc  a for i ,x  in [ 1,2 ]  if x{b=1}", "vpc a for i, x in [1, 2] if x { b = 1 }\n"),
        ("vpc a if(b){\nc=1\n}", "vpc a if (b) {\n  c = 1\n}\n"),
        ("existing subnet all for{ }{ }", "existing subnet all for {} { }\n"),
        ("module  a  \"./b\"  for x in xs{\nc=1\n}", "module a \"./b\" for x in xs {\n  c = 1\n}\n"),
        ("extend  a[ \"b\" ] . c  if d{}", "extend a[\"b\"].c if d { }\n"),
        ("import   module.a[\"b\"].vpc.c[1]   from  \"d\"", "import module.a[\"b\"].vpc.c[1] from \"d\"\n"),
        ("forget  vpc.a[-1] # b", "forget vpc.a[-1]  # b\n"),
        ("project  a   \"../b\"", "project a \"../b\"\n"),
        ("env  a{b=1}", "env a { b = 1 }\n"),
        (
            "test  \"a b\"{with c=1\nwith de=2\nassert c>0 \"why\"\nplan creates 14\nexpect E0301 \"x\"\n}",
            "test \"a b\" {\n  with c  = 1\n  with de = 2\n  assert c > 0   \"why\"\n  plan   creates 14\n  expect E0301   \"x\"\n}\n",
        ),
        ("output a=1 \"d\"{sensitive=true}", "output a = 1   \"d\" { sensitive = true }\n"),
        (
            "vpc a {\nfor p in ps{in a from p.b   p.c}\nif d{\ne=1\n}\nelse{\nf=1\n}\n}",
            "vpc a {\n  for p in ps { in a from p.b p.c }\n  if d {\n    e = 1\n  } else {\n    f = 1\n  }\n}\n",
        ),
        ("vpc a {\nif d{e=1}else  if f{g=1}else{h=1} # i\n}", "vpc a {\n  if d { e = 1 } else if f { g = 1 } else { h = 1 }  # i\n}\n"),
        ("vpc a {\nif d{ }\nelse if [\n1\n]{e=1\n}\n}", "vpc a {\n  if d { } else if [\n    1\n  ] {\n    e = 1\n  }\n}\n"),
        (
            "vpc a {\nif d {\ne=1 # f\n} # g\n\n# h\nelse{ i=1 }\n}",
            "vpc a {\n  if d {\n    e = 1  # f\n  }  # g\n\n  # h\n  else {\n    i = 1\n  }\n}\n",
        ),
        ("moved   vpc.a  to vpc.b # c", "moved vpc.a to vpc.b  # c\n"),
        ("policy p   \"d\"   during apply{\n}", "policy p \"d\" during apply { }\n"),
        ("\u{feff}let a = 1\r\n\r\n\r\nlet b = <<END\r\nx\r\nEND\r\n", "let a = 1\n\nlet b = <<END\nx\nEND\n"),
        ("  ## doc  \n  vpc a { }", "## doc\nvpc a { }\n"),
        ("", ""),
    ] {
        check(item, expected);
    }
}

#[test]
fn a_file_with_errors_is_refused() {
    let refused = format(FileId(0), "vpc a {\n  b = )\n}\n").map_err(|d| d.into_iter().map(|d| d.message).collect::<Vec<_>>());
    assert_eq!(refused, Err(vec!["expected a value, found `)`".to_owned()]));
}

/// Trivia where a newline may stand.
fn trivia() -> BoxedStrategy<String> {
    prop_oneof![4 => Just(" "), 2 => Just(""), 1 => Just("\n"), 1 => Just("\n\n\n"), 1 => Just(" # c, \"\n"), 1 => Just("\t// d\n\n  # e {\n"), 1 => Just("\r\n")]
        .prop_map(str::to_owned)
    .boxed()
}

/// What stands between the statements of a body.
fn line_end() -> impl Strategy<Value = String> {
    prop_oneof![Just("\n"), Just("\n\n\n"), Just("  # c }\n"), Just("\n## d\n"), Just(" // e\r\n\n")].prop_map(str::to_owned)
}

fn value_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "1.5",
        "30s",
        "a",
        "vpc.main",
        "10.0.0.0/16",
        "::/0",
        "tcp/22,443",
        "tcp/(p)-(q)",
        "\"t ${x + 1}\"",
        "\"\"",
        "null",
        "true",
        "!a",
        "-1",
        "xs[*].b",
        "icmp/3/4",
        "/8",
        "<<~E\n  x\n\n   ${y}\n  E\n",
        "all",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let items = prop::collection::vec((trivia(), inner.clone(), trivia()), 0..4);
        let entries =
            prop::collection::vec((trivia(), prop::sample::select(vec!["a", "bcd", "\"e f\""]), trivia(), trivia(), inner.clone()), 0..4);
        let row = |items: Vec<(String, String, String)>| items.iter().map(|(a, b, c)| format!("{a}{b}{c}")).collect::<Vec<_>>().join(",");
        prop_oneof![
            items.clone().prop_map(move |i| format!("[{}]", row(i))),
            items.prop_map(move |i| format!("f({})", row(i))),
            (inner.clone(), trivia(), prop::sample::select(vec!["+", "-", "*", "/", "==", "&&", "??", "<"]), inner.clone())
                .prop_map(|(a, t, o, b)| format!("{a}{t} {o} {b}")),
            (trivia(), inner.clone(), trivia()).prop_map(|(a, b, c)| format!("({a}{b}{c})")),
            (inner.clone(), trivia(), trivia(), inner.clone(), trivia())
                .prop_map(|(a, t, u, b, v)| format!("[{t}for i,x {u}in {a}{t} if b:{u}{b}{v}]")),
            (inner.clone(), trivia(), inner.clone(), trivia(), inner.clone())
                .prop_map(|(a, t, k, u, b)| format!("{{ for x in {a}{t}:{u}{k}{t}=>{u}{b} }}")),
            (inner.clone(), trivia(), inner.clone(), inner.clone()).prop_map(|(a, t, b, c)| format!("if {a} {t}then {b} else {c}")),
            (entries, prop::bool::ANY).prop_map(|(entries, newlines)| {
                let entries: Vec<_> = entries.iter().map(|(a, k, b, c, v)| format!("{a}{k}{b}={c}{v}")).collect();
                format!("{{{} }}", entries.join(if newlines { " # n\n" } else { "," }))
            }),
        ]
    })
}

fn entry_text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "bcd", "in", "for_x", "cidr_block"]);
    let term = prop::sample::select(vec![
        "from",
        "to",
        "a",
        "tcp/22",
        "[a,\n b]",
        "10.0.0.0/8",
        "f( x )",
        "\"text\"",
        "100",
        "\n  from",
        ",",
        "a , \n b",
        "x.y[ 0 ]",
    ]);
    let sentence = prop::collection::vec(term, 2..7);
    let one = prop_oneof![
        4 => (name.clone(), trivia(), trivia(), value_text()).prop_map(|(n, a, b, v)| format!("{n}{a}={b}{v}")),
        3 => (prop::sample::select(vec!["in", "out", "ingress"]), sentence).prop_map(|(h, t)| format!("{h} x {}", t.join(" "))),
        1 => value_text().prop_map(|v| format!("validate {v}   \"why\"")),
    ];
    one.prop_recursive(2, 8, 4, move |inner| {
        prop_oneof![
            (name.clone(), prop::collection::vec((inner.clone(), line_end()), 0..4))
                .prop_map(|(n, entries)| format!("{n} {{ {}}}", entries.iter().map(|(e, l)| format!("{e}{l}")).collect::<String>())),
            name.clone().prop_map(|n| format!("{n}{{ a=1  b = 2 }}")),
            (name.clone(), trivia(), value_text(), prop::collection::vec((inner.clone(), line_end()), 0..3)).prop_map(
                |(n, t, v, entries)| format!(
                    "for {n}{t} in {t}{v}{{ {}}}",
                    entries.iter().map(|(e, l)| format!("{e}{l}")).collect::<String>()
                )
            ),
            (value_text(), trivia(), inner.clone(), line_end(), value_text(), inner)
                .prop_map(|(c, t, a, l, d, b)| format!("if {c} {{ {a}{l}}}{t}else if {d}{{ {b} }}{l} else {{ }}")),
            value_text().prop_map(|v| format!("with x={v}")),
        ]
    })
}

fn file_text() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        3 => prop::collection::vec((entry_text(), line_end()), 0..6)
            .prop_map(|e| format!("vpc main  {{{}}}", e.iter().map(|(e, l)| format!("\n {e}{l}")).collect::<String>())),
        1 => value_text().prop_map(|v| format!("let x = {v}")),
        1 => value_text().prop_map(|v| format!("variable x : list( cidr )={v} \"d\" {{ sensitive = true }}")),
        1 => prop::sample::select(vec![
            "existing vpc a { b = 1  c = 2 }", "existing vpc a  for {} { }", "vpc a for x in xs  if x{ b=1 }", "module m \"./m\"if x { a=1 }",
            "extend a[ 0] .b { in a from b }", "import module.a[\"k\"].vpc.b[3] from \"c\"", "forget  vpc.a", "moved vpc.a  to module.b.vpc.c",
            "test \"a\" { with b=1  assert b > 0 \"c\" }", "env a{ b=1 }", "project a  \"../b\"", "output a = 1 \"b\"{ sensitive=true }",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec((item, line_end()), 0..5).prop_map(|items| items.iter().map(|(i, l)| format!("{i}{l}")).collect())
}

/// The tree without its positions, and how many errors there are.
fn tree(text: &str) -> (String, usize) {
    let mut sink = Sink::default();
    let shown = format!("{:?}", parse::parse(FileId(0), text, &mut sink));
    let mut plain = String::new();
    for piece in shown.split("span: ") {
        plain.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.')));
    }
    (
        plain
            .replace("Comma(", "\n")
            .replace("All(", "\n")
            .lines()
            .map(|l| l.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ':' | '.')))
            .collect(),
        sink.all.len(),
    )
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Every `secnet` block of the specs and every example: where it comes from, and its text.
fn written() -> Vec<(String, String)> {
    fn files(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![];
    files(&root.join("tests/spec"), &mut paths);
    files(&root.join("examples"), &mut paths);
    let mut found = vec![];
    for path in paths {
        let is_whole = path.extension().is_some_and(|e| e == "secnet");
        if !is_whole && path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let (name, text) = (path.display().to_string(), std::fs::read_to_string(&path).unwrap());
        if is_whole {
            found.push((name, text));
            continue;
        }
        let mut lines = text.split_inclusive('\n').enumerate();
        while let Some((number, line)) = lines.next() {
            if line.starts_with("```secnet") {
                let block: String = lines.by_ref().map(|(_, l)| l).take_while(|l| l.trim_end() != "```").collect();
                found.push((format!("{name}:{}", number + 1), block));
            } else if line.starts_with("```") {
                lines.by_ref().find(|(_, l)| l.trim_end() == "```");
            }
        }
    }
    found
}

#[test]
fn what_is_written_anywhere_keeps_its_meaning_and_its_comments() {
    let mut laid_out = 0;
    for (place, text) in written() {
        let mut sink = Sink::default();
        parse::parse(FileId(0), &text, &mut sink);
        if sink.has_errors() {
            assert!(format(FileId(0), &text).is_err(), "{place}");
            continue;
        }
        let once = formatted(&text);
        assert_eq!(tree(&once), tree(&text), "the meaning of {place}");
        assert_eq!(without_blanks(&once), without_blanks(&text), "the comments of {place}");
        assert_eq!(formatted(&once), once, "twice, of {place}");
        laid_out += 1;
    }
    assert!(laid_out > 100, "{laid_out}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_blanks_alone_and_nothing_the_second_time(text in file_text()) {
        let (before, errors) = tree(&text);
        prop_assume!(errors == 0);
        let once = formatted(&text);
        prop_assert_eq!(tree(&once), (before, 0));
        prop_assert_eq!(without_blanks(&once), without_blanks(&text));
        prop_assert_eq!(formatted(&once), once);
    }

    #[test]
    fn any_text_parses_without_panic(text in "\\PC{0,200}") {
        total(&text)?;
    }

    #[test]
    fn any_row_of_tokens_parses_without_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "vpc", " ", "\n", "main", "{", "}", "(", ")", "[", "]", "=", "\"", "${", "<<E\n", "E\n", "<<~", "#", "//", "tcp/", "1", "10.0.0.0/16", "::", ",", ".", "let ", "if ", "then ",
        "else ", "for ", "from ", "policy ", "variable ", "\\", "é", "\u{a0}", "\r", "+", "!", "?", ":", "-", "\"x\"", "\n  a = 1", "\nvpc b {", "$${", "a", "==", "/",
    ]), 0..60)) {
        total(&tokens.concat())?;
    }
}

/// Every message points into the text, at whole characters; whoever formats it gets the same messages or a text.
fn total(text: &str) -> Result<(), TestCaseError> {
    let mut sink = Sink::default();
    parse::parse(FileId(0), text, &mut sink);
    for diagnostic in &sink.all {
        prop_assert!(!diagnostic.labels.is_empty());
        for label in &diagnostic.labels {
            prop_assert!(text.get(label.span.start()..label.span.end()).is_some(), "{:?} in {:?}", label, text);
        }
    }
    prop_assert_eq!(format(FileId(0), text).is_err(), sink.has_errors());
    Ok(())
}
