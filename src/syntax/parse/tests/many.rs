//! What there may be many or none of, and statements about more than one file.

use super::*;

#[test]
fn what_is_broken_in_what_is_repeated_is_told_at_its_place() {
    for (statement, expected) in [
        ("for p ps { ingress all from p }", "expected `in` or `,`, found `ps` | ps"),
        ("for p in { ingress all from p }", "expected `=`, found `all` | all"),
        ("for x, y, z in ps { ingress all from p }", "expected `in`, found `,` | ,"),
        ("for p = ps { ingress all from p }", "expected `in` or `,`, found `=` | ="),
        ("for p in ps ingress all from p", "expected `{`, found `ingress` | ingress"),
        ("for p in ps", "expected `{` after `ps` | ps"),
        ("for p in ps if { ingress all from p }", "expected `=`, found `all` | all"),
        ("for", "expected a name after `for` | for"),
        ("if { b = 1 }", "expected `{` after `}` | }"),
        ("if debug", "expected `{` after `debug` | debug"),
        ("if debug ingress all from p", "expected `{`, found `ingress` | ingress"),
        ("if debug then 1 else 2", "expected `{`, found `then` | then"),
        ("if a { b = 1 } else if { c = 1 }", "expected `{` after `}` | }"),
        ("if a { b = 1 } else if c d = 1", "expected `{`, found `d` | d"),
        ("else { b = 1 }", "expected a statement, found `else` | else"),
        ("if a { b = 1 } else { c = 1 } else { d = 1 }", "expected a statement, found `else` | else"),
        ("dynamic \"ingress\" {\n    for_each = xs\n  }", "how many there are is not said with `dynamic` | dynamic"),
        ("for_each = xs", "how many there are is not said with `for_each` | for_each"),
        ("count = 3", "how many there are is not said with `count` | count"),
        ("a = [for x in xs x]", "expected `:`, found `x` | x"),
        ("a = [for x in xs : x", "this `[` is never closed | ["),
        ("a = [for x in xs : ]", "expected a value, found `]` | ]"),
        ("a = [for x in xs]", "expected `:`, found `]` | ]"),
        ("a = [for x : xs]", "expected `in` or `,`, found `:` | :"),
        ("a = [for x of xs : x]", "expected `in` or `,`, found `of` | of"),
        ("a = [for x in xs : x => 1]", "expected `]`, found `=>` | =>"),
        ("a = [for x in xs : x if x > 1]", "the condition of a `for` stands before its `:` | if x > 1"),
        ("a = [\n    for x in xs\n    if x > 1 x\n  ]", "expected `:`, found `x` | x"),
        ("a = {for k, v in m : k}", "expected `=>`, found `}` | }"),
        ("a = {for k, v in m : k = v}", "expected `=>`, found `=` | ="),
        ("a = { for k in xs : k => }", "expected a value, found `}` | }"),
        ("a = {\n    for k, v in m :\n    k => v\n", "this `{` is never closed | {"),
        ("a = { b => 1 }", "expected `=` after `b`, found `=>` | =>"),
        ("a = b => c", "expected the end of the statement, found `=>` | =>"),
        ("a = b if c", "expected the end of the statement, found `if` | if"),
        ("with = 1 2", "expected the end of the statement, found `2` | 2"),
        ("with a", "expected `=` after `a` | a"),
        ("with a 1", "expected `=`, found `1` | 1"),
        ("with a =", "expected a value after `=` | ="),
        ("assert x >", "expected a value after `>` | >"),
        ("expect", "expected the rest of the sentence after `expect` | expect"),
    ] {
        check_in_block(statement, expected);
    }
}

#[test]
fn comprehensions_are_read() {
    for (text, expected) in [
        ("[for x in xs : x]", "[for x in xs : x]"),
        ("[ for i, x in xs if i > 0 && x : x + i ]", "[for i, x in xs if ((i Greater 0) And x) : (x Add i)]"),
        ("{for k, v in m : k => v}", "{for k, v in m : k => v}"),
        ("{ for k, v in m if v:k=>v }", "{for k, v in m if v : k => v}"),
        ("[\n  for x # c\n  in xs\n  : x\n]", "[for x in xs : x]"),
        ("[for x in [for y in ys : y] : {for z in x : z => z}]", "[for x in [for y in ys : y] : {for z in x : z => z}]"),
        ("{ for = 1 }", "{for = 1}"),
        ("[for for_x in form : for_x][0].a", "[for for_x in form : for_x][0].a"),
        ("[for x in if a then b else c if d : x]", "[for x in if a then b else c if d : x]"),
        ("[for x in {a = 1} : ::1]", "[for x in {a = 1} : net ::1]"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_condition_at_the_end_is_read_and_moved() {
    let fixed = |text: &str| {
        let mut sink = Sink::default();
        let file = parse(FileId(0), text, &mut sink);
        assert!(!sink.has_errors() && sink.all.len() == 1, "{:?}", sink.all);
        let Some(Item::Let(binding)) = file.items.first() else { return String::new() };
        let mut mended = text.to_owned();
        let mut fixes = sink.all.remove(0).fixes;
        fixes.sort_by_key(|f| std::cmp::Reverse(f.span));
        for fix in fixes {
            mended.replace_range(fix.span.start()..fix.span.end(), &fix.replacement);
        }
        format!("{} | {mended}", show(&binding.value))
    };
    assert_eq!(fixed("let x = [for a in b : c if d]"), "[for a in b if d : c] | let x = [for a in b if d : c]");
    assert_eq!(
        fixed("let x = {for k, v in b : k => v\n if d > 1 }"),
        "{for k, v in b if (d Greater 1) : k => v} | let x = {for k, v in b if d > 1 : k => v }"
    );
    assert_eq!(fixed("let x = [for a in b if e : c if d]"), "[for a in b if (e And d) : c] | let x = [for a in b if e : c if d]");
    assert_eq!(fixed("let x = [for a in b : c # why\n if d]"), "[for a in b if d : c] | let x = [for a in b : c # why\n if d]");
}

fn show_each(each: Option<&ast::Each>) -> String {
    match each {
        None => String::new(),
        Some(ast::Each::For(clause)) => show_clause(clause),
        Some(ast::Each::If(condition)) => format!("if {}", show(condition)),
        Some(ast::Each::All(_)) => "all".into(),
    }
}

#[test]
fn blocks_say_how_many_of_them_there_are() {
    for (text, expected) in [
        ("subnet private for i, az in azs { a = 1 }", "for i, az in azs"),
        ("subnet private for az in azs if az != \"x\" { }", "for az in azs if (az NotEqual \"x\")"),
        ("subnet private for az in { a = 1 } { }", "for az in {a = 1}"),
        ("nat_gateway main if production { }", "if production"),
        ("nat_gateway main if f({ a = 1 }) { }", "if f({a = 1})"),
        ("vpc main if (if a then b else c) { }", "if if a then b else c"),
        ("existing subnet each for {} { vpc = vpc.default }", "all"),
        ("existing subnet each for { } { }", "all"),
        ("existing vpc a if b { }", "if b"),
        ("vpc for for for in for { }", "for for in for"),
        ("vpc a { }", ""),
    ] {
        let (file, messages) = parsed(text);
        assert_eq!(messages, Vec::<String>::new(), "in {text}");
        let [Item::Resource(block) | Item::Existing(block)] = file.items.as_slice() else { panic!("{text}: {:?}", file.items) };
        assert_eq!(show_each(block.each.as_ref()), expected, "in {text}");
    }
}

/// The entries of a body in a short form.
fn show_body(body: &ast::Body) -> String {
    let shown = body.entries.iter().map(|entry| match entry {
        Entry::Attribute(a) => format!("{} = {}", a.name.text, show(&a.value)),
        Entry::With(a) => format!("with {} = {}", a.name.text, show(&a.value)),
        Entry::Sentence(s) => format!("{}/{}", s.head.text, s.terms.len()),
        Entry::Block(b) => format!("{} {}", b.name.text, show_body(&b.body)),
        Entry::For(b) => format!("{} {}", show_clause(&b.clause), show_body(&b.body)),
        Entry::If(b) => {
            let otherwise = b.otherwise.as_ref().map(|o| format!(" else {}", show_body(o))).unwrap_or_default();
            format!("if {} {}{otherwise}", show(&b.condition), show_body(&b.body))
        }
    });
    format!("{{ {} }}", shown.collect::<Vec<_>>().join("; "))
}

#[test]
fn parts_of_bodies_are_repeated_or_left_out() {
    for (text, expected) in [
        ("for p in ps { ingress tcp/443 from p.cidr  p.name }", "{ for p in ps { ingress/4 } }"),
        (
            "for k, p in ps if p {\n a = 1\n for q in p { b = 2 }\n}\nc = 3",
            "{ for k, p in ps if p { a = 1; for q in p { b = 2 } }; c = 3 }",
        ),
        ("if debug { ingress tcp/9229 from ms }", "{ if debug { ingress/3 } }"),
        ("if a { b = 1 } else { b = 2 }", "{ if a { b = 1 } else { b = 2 } }"),
        ("if a { b = 1 }\n# c\nelse if d { }\nelse { e = 1 }\nf = 1", "{ if a { b = 1 } else { if d {  } else { e = 1 } }; f = 1 }"),
        (
            "if (a) { if b { } } else if c { lifecycle { protect = x  replace = \"create_first\"  ignore = [user_data] } }",
            "{ if a { if b {  } } else { if c { lifecycle { protect = x; replace = \"create_first\"; ignore = [user_data] } } } }",
        ),
        ("for = 1\nif = 2\nelse = 3\nwith = 4", "{ for = 1; if = 2; else = 3; with = 4 }"),
        ("a = b\nif c { d = 1 }", "{ a = b; if c { d = 1 } }"),
        ("a = b  if c { d = 1 }  e = 1", "{ a = b; if c { d = 1 }; e = 1 }"),
    ] {
        let (file, messages) = parsed(&format!("vpc a {{\n{text}\n}}"));
        assert_eq!(messages, Vec::<String>::new(), "in {text}");
        let [Item::Resource(block)] = file.items.as_slice() else { panic!("{text}") };
        assert_eq!(show_body(&block.body), expected, "in {text}");
    }
    let many = "if x { a = 1 }\n".repeat(1_000);
    assert_eq!(parsed(&format!("vpc a {{\n{many}}}\n")).1, Vec::<String>::new(), "an `if` around statements waits for no `else`");
    let (_, messages) = parsed(&format!("vpc a {{\nif x {{ }} {}\n}}\n", "else if x { }\n".repeat(10_000)));
    assert_eq!(messages.len(), 1, "{:?}", messages.first());
}

#[test]
fn an_else_if_begins_at_its_if() {
    let text = "vpc a {\n if b { } else if c { } else { d = 1 }\n}";
    let (file, _) = parsed(text);
    let [Item::Resource(block)] = file.items.as_slice() else { panic!("{file:?}") };
    let [Entry::If(first)] = block.body.entries.as_slice() else { panic!("{file:?}") };
    let Some([Entry::If(second)]) = first.otherwise.as_ref().map(|o| o.entries.as_slice()) else { panic!("{file:?}") };
    assert_eq!(text.get(second.span.start()..second.span.end()), Some("if c { } else { d = 1 }"));
}

fn show_target(target: &ast::Target) -> String {
    let key = |key: &Option<crate::base::address::Key>| key.as_ref().map(ToString::to_string).unwrap_or_default();
    let modules: String = target.modules.iter().map(|(name, k)| format!("{}{}/", name.text, key(k))).collect();
    format!("{modules}{} {}{}", target.kind.text, target.name.text, key(&target.key))
}

#[test]
fn statements_about_other_files_and_the_state_are_read() {
    let (file, messages) = parsed(
        "## the edge\nmodule edge \"./path\" for z in zs {\n  cidr_block = 10.8.0.0/16\n  count = 2\n}\nmodule b \"./b\" { }\n\
         extend security_group.web { ingress all from anywhere }\nextend gs[\"a\"].x if c { }\nextend group for p in ps { }\n\
         import module.a[\"k\"].module.b.vpc.main[3] from \"vpc-0abc\"\nforget subnet.legacy\nmoved vpc.old[-1] to module.m.vpc.main[\"a b\"]\n\
         test \"a stolen key\" {\n  with maintainers = [198.51.100.7/32]\n  forbid tcp/5432 from instance.bastion to instance.db\n  plan   creates 14 updates 2\n\
         \x20 assert length(x) > 0 \"message\"\n  expect E0301 \"part\"\n  for x in xs { require all from x to y }\n}\n\
         env prod { account = \"123456789012\" }\nproject other \"../network\"\nproject p { }\noutput o = 1 \"d\" { sensitive = true }\noutput q = 1 { sensitive = true }\n",
    );
    assert_eq!(messages, Vec::<String>::new());
    let shown: Vec<String> = file
        .items
        .iter()
        .map(|item| match item {
            Item::Module(m) => {
                format!("module {} {} {} {} {:?}", m.name.text, m.source.text, show_each(m.each.as_ref()), show_body(&m.body), m.doc)
            }
            Item::Extend(e) => format!("extend {} {} {}", show(&e.target), show_each(e.each.as_ref()), show_body(&e.body)),
            Item::Import(i) => format!("import {} from {}", show_target(&i.to), show(&i.from)),
            Item::Forget(f) => format!("forget {}", show_target(&f.target)),
            Item::Moved(m) => format!("moved {} to {}", show_target(&m.from), show_target(&m.to)),
            Item::Test(t) => format!("test {} {}", t.name.text, show_body(&t.body)),
            Item::Env(e) => format!("env {} {}", e.name.text, show_body(&e.body)),
            Item::Neighbour(n) => format!("project {} {}", n.name.text, n.path.text),
            Item::Project(p) => format!("project {}", p.name.text),
            Item::Output(o) => {
                format!(
                    "output {} {:?} {}",
                    o.name.text,
                    o.description.as_ref().map(|d| &*d.text),
                    o.body.as_ref().map(show_body).unwrap_or_default()
                )
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "module edge ./path for z in zs { cidr_block = net 10.8.0.0/16; count = 2 } Some(\"the edge\")",
            "module b ./b  {  } None",
            "extend security_group.web  { ingress/3 }",
            "extend gs[\"a\"].x if c {  }",
            "extend group for p in ps {  }",
            "import a[\"k\"]/b/vpc main[3] from \"vpc-0abc\"",
            "forget subnet legacy",
            "moved vpc old[-1] to m/vpc main[\"a b\"]",
            "test a stolen key { with maintainers = [net 198.51.100.7/32]; forbid/5; plan/4; assert/2; expect/2; for x in xs { require/5 } }",
            "env prod { account = \"123456789012\" }",
            "project other ../network",
            "project p",
            "output o Some(\"d\") { sensitive = true }",
            "output q None { sensitive = true }",
        ]
    );
}
