use super::*;
use crate::{
    base::source::Sources,
    syntax::ast::{Entry, Expr, ExprKind, File, Item, Piece, Term},
};

mod many;

/// Each message with the text that its first label underlines.
fn parsed(text: &str) -> (File, Vec<String>) {
    let mut sources = Sources::default();
    let id = sources.add("main.secnet", text);
    let mut sink = Sink::default();
    let file = parse(id, text, &mut sink);
    let shown = sink.all.iter().map(|d| format!("{} | {}", d.message, d.labels.first().map_or("", |l| sources.text(l.span)))).collect();
    (file, shown)
}

#[test]
fn the_tour_parses_whole() {
    let (file, messages) = parsed(include_str!("../../../tests/spec/syntax/secure_server.secnet"));
    assert_eq!(messages, Vec::<String>::new());
    assert_eq!(file.items.len(), 11);
}

fn check(text: &str, expected: &[&str]) {
    let (_, messages) = parsed(text);
    assert_eq!(messages, expected, "in {text}");
}

/// The same for one statement in a block.
fn check_in_block(statement: &str, expected: &str) {
    let text = format!("vpc main {{\n  before = 1\n  {statement}\n  after = 1\n}}\nvpc other {{ a = 1 }}\n");
    let (file, messages) = parsed(&text);
    assert_eq!(messages, [expected], "in {text}");
    assert_eq!(file.items.len(), 2, "in {text}");
    let names = attributes(&file);
    for kept in ["before", "after"] {
        assert!(names.iter().any(|n| n == kept), "`{kept}` is lost in {text}");
    }
}

fn attributes(file: &File) -> Vec<String> {
    let bodies = file.items.iter().filter_map(|item| match item {
        Item::Resource(block) | Item::Existing(block) => Some(&block.body),
        _ => None,
    });
    bodies.flat_map(|b| &b.entries).map(|entry| entry.head().0.to_owned()).collect()
}

/// A value in a short form: `(1 + (2 * 3))`.
fn value(text: &str) -> String {
    let (file, messages) = parsed(&format!("let x = {text}\n"));
    assert_eq!(messages, Vec::<String>::new(), "in {text}");
    match file.items.as_slice() {
        [Item::Let(binding)] => show(&binding.value),
        other => format!("{other:?}"),
    }
}

fn show(expr: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Null => "null".into(),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Float(f) => format!("{f:?}"),
        ExprKind::Text(pieces) => pieces
            .iter()
            .map(|p| match p {
                Piece::Plain(text) => format!("{text:?}"),
                Piece::Value(value) => format!("${{{}}}", show(value)),
            })
            .collect(),
        ExprKind::Net(text) => format!("net {text}"),
        ExprKind::Service(text) => format!("service {text}"),
        ExprKind::ServiceOf(name, ports) => {
            let ports = ports.iter().map(|(a, b)| [Some(a), b.as_ref()].into_iter().flatten().map(show).collect::<Vec<_>>().join("-"));
            format!("service {}/{}", name.text, ports.collect::<Vec<_>>().join(","))
        }
        ExprKind::Duration(seconds) => format!("{seconds} seconds"),
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::Map(entries) => {
            format!("{{{}}}", entries.iter().map(|(k, v)| format!("{} = {}", k.text, show(v))).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Field(of, name) => format!("{}.{}", show(of), name.text),
        ExprKind::Index(of, index) => format!("{}[{}]", show(of), show(index)),
        ExprKind::Splat(of) => format!("{}[*]", show(of)),
        ExprKind::Call(name, args) => format!("{}({})", name.text, list(args)),
        ExprKind::Unary(operator, of) => format!("{operator:?}({})", show(of)),
        ExprKind::Binary(operator, left, right) => format!("({} {operator:?} {})", show(left), show(right)),
        ExprKind::If(c, a, b) => format!("if {} then {} else {}", show(c), show(a), show(b)),
        ExprKind::ForList(clause, each) => format!("[{} : {}]", show_clause(clause), show(each)),
        ExprKind::ForMap(clause, key, each) => format!("{{{} : {} => {}}}", show_clause(clause), show(key), show(each)),
        ExprKind::Error => "error".into(),
    }
}

fn show_clause(clause: &ast::ForClause) -> String {
    let key = clause.key.as_ref().map(|k| format!("{}, ", k.text)).unwrap_or_default();
    let condition = clause.condition.as_ref().map(|c| format!(" if {}", show(c))).unwrap_or_default();
    format!("for {key}{} in {}{condition}", clause.value.text, show(&clause.of))
}

/// The terms of a sentence, separated by `|`.
fn terms(sentence: &str) -> String {
    let (file, messages) = parsed(&format!("vpc a {{\n{sentence}\n}}"));
    assert_eq!(messages, Vec::<String>::new(), "in {sentence}");
    let Some(Item::Resource(block)) = file.items.first() else { return String::new() };
    let shown = block.body.entries.iter().map(|e| match e {
        Entry::Sentence(s) => {
            let terms = s.terms.iter().map(|t| match t {
                Term::Expr(e) => show(e),
                Term::Comma(_) => ",".into(),
            });
            format!("{}: {}", s.head.text, terms.collect::<Vec<_>>().join(" | "))
        }
        Entry::Attribute(a) => format!("{} = {}", a.name.text, show(&a.value)),
        other => format!("{} {{}}", other.head().0),
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
fn literals_are_read_in_a_loose_shape() {
    for (text, expected) in [
        ("42", "42"),
        ("1.5", "1.5"),
        ("30s", "30 seconds"),
        ("5m", "300 seconds"),
        ("2d", "172800 seconds"),
        ("10.0.0.0/16", "net 10.0.0.0/16"),
        ("10.0.0/16", "net 10.0.0/16"),
        ("10.0.0.5", "net 10.0.0.5"),
        ("10.0.0.0/33", "net 10.0.0.0/33"),
        ("10.0.0.0/bits", "net 10.0.0.0/bits"),
        ("/33", "net /33"),
        ("::/0", "net ::/0"),
        ("::1", "net ::1"),
        ("2001:db8::/32", "net 2001:db8::/32"),
        ("fe80::1", "net fe80::1"),
        ("::ffff:10.0.0.1", "net ::ffff:10.0.0.1"),
        ("2001:db8/32", "net 2001:db8/32"),
        ("tcp/22", "service tcp/22"),
        ("tcp/80,443", "service tcp/80,443"),
        ("[tcp/22,443]", "[service tcp/22,443]"),
        ("[tcp/22, 443]", "[service tcp/22, 443]"),
        ("tcp/443-80", "service tcp/443-80"),
        ("tcp/70000", "service tcp/70000"),
        ("tpc/22", "service tpc/22"),
        ("icmp/echo-request", "service icmp/echo-request"),
        ("icmp/3/4", "service icmp/3/4"),
        ("protocol/50", "service protocol/50"),
        ("tcp/(port)", "service tcp/port"),
        ("tcp/(lo)-(hi)", "service tcp/lo-hi"),
        ("tcp/22,(port + 1)", "service tcp/22,(port Add 1)"),
        ("tcp", "tcp"),
        ("443-80", "(443 Subtract 80)"),
        ("null", "null"),
        ("nullable", "nullable"),
        ("truthful", "truthful"),
        ("false", "false"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn operators_bind_by_their_strength() {
    for (text, expected) in [
        ("1 + 2 * 3", "(1 Add (2 Multiply 3))"),
        ("1 - 2 - 3", "((1 Subtract 2) Subtract 3)"),
        ("(1 + 2) * 3", "((1 Add 2) Multiply 3)"),
        ("a / b % c", "((a Divide b) Remainder c)"),
        ("a || b && c == d < e + f", "(a Or (b And (c Equal (d Less (e Add f)))))"),
        ("a ?? b || c", "(a Coalesce (b Or c))"),
        ("!a && b", "(Not(a) And b)"),
        ("-a.b", "Minus(a.b)"),
        ("!!a", "Not(Not(a))"),
        ("1 -2", "(1 Subtract 2)"),
        ("a\n  + b", "(a Add b)"),
        ("if a then b else c + 1", "if a then b else (c Add 1)"),
        ("if a then b else if c then d else e", "if a then b else if c then d else e"),
        ("1 + if a then 2 else 3", "(1 Add if a then 2 else 3)"),
        ("a.b[0].c[*].d", "a.b[0].c[*].d"),
        ("subnets(vpc.main.cidr_block, 8)[10 + i]", "subnets(vpc.main.cidr_block, 8)[(10 Add i)]"),
        ("f()", "f()"),
        ("f(1, 2,)", "f(1, 2)"),
        ("[1, 2,]", "[1, 2]"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("{ a = 1, \"b:c\" = 2, }", "{a = 1, b:c = 2}"),
        ("{\n a = 1 # one\n\n b = 2\n}", "{a = 1, b = 2}"),
        ("{ if = 1, for = 2 }", "{if = 1, for = 2}"),
        ("a // the rest\n  .b", "a.b"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn texts_resolve_their_escapes() {
    for (text, expected) in [
        (r#""""#, r#""""#),
        (r#""a\n\t\"\\\u{e9}""#, "\"a\\n\\t\\\"\\\\é\""),
        (r#""a ${b} c""#, r#""a "${b}" c""#),
        (r#""${a}${b}""#, "${a}${b}"),
        (r#""$${a} $5 $$""#, r#""${a} $5 $$""#),
        (r#""${f("${x}")}""#, "${f(${x})}"),
        ("<<END\n  a\n    b\n  END", r#""  a\n    b\n""#),
        ("<<~END\n  a\n\n    b\\n\n  END", r#""a\n\n  b\\n\n""#),
        ("<<~END\r\n  a\r\n  END", r#""a\n""#),
        ("<<~END\n  ${x}END\n  $${y}\n  ENDS\nEND", r#"${x}"END\n${y}\nENDS\n""#),
        ("<<END\nEND", r#""""#),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_sentence_ends_with_its_line_unless_it_goes_on() {
    for (text, expected) in [
        ("ingress tcp/22 from a \"x\"\negress all to b", "ingress: service tcp/22 | from | a | \"x\"; egress: all | to | b"),
        ("ingress tcp/22\n  from a\n  \"x\"", "ingress: service tcp/22 | from | a | \"x\""),
        ("ingress tcp/22 # ssh\n  # and\n  from a", "ingress: service tcp/22 | from | a"),
        (
            "forbid all from a except tcp/22 from b,\n  tcp/80 from c",
            "forbid: all | from | a | except | service tcp/22 | from | b | , | service tcp/80 | from | c",
        ),
        ("ingress tcp/22 from [a,\n  b]\nto = c", "ingress: service tcp/22 | from | [a, b]; to = c"),
        ("in 100 allow all from anywhere  x = 1", "in: 100 | allow | all | from | anywhere; x = 1"),
        ("in -1 allow all from /8", "in: Minus(1) | allow | all | from | net /8"),
        ("in = 1\nout = 2", "in = 1; out = 2"),
        ("route anywhere via internet_gateway.main\nlifecycle { }", "route: anywhere | via | internet_gateway.main; lifecycle {}"),
        ("ingress tcp/(a)-(b),22 from cidr(x, 8)", "ingress: service tcp/a-b,22 | from | cidr(x, 8)"),
        (
            "require tcp/22 client ports 49152-65535 from a to b",
            "require: service tcp/22 | client | ports | (49152 Subtract 65535) | from | a | to | b",
        ),
        ("vpc = vpc.default  availability_zone = \"us-east-1a\"", "vpc = vpc.default; availability_zone = \"us-east-1a\""),
        (
            "validate length(x) > 0 && y == \"a\" \"at least one\"",
            "validate: ((length(x) Greater 0) And (y Equal \"a\")) | \"at least one\"",
        ),
        ("instance = 1\ninput = 2", "instance = 1; input = 2"),
        ("ingress tcp/22 from a // why\negress all to b", "ingress: service tcp/22 | from | a; egress: all | to | b"),
    ] {
        assert_eq!(terms(text), expected, "{text}");
    }
}

#[test]
fn statements_at_the_top_are_read() {
    let (file, messages) = parsed(
        "variable a\nvariable b: object({ x: string, y?: list(int) }) = null \"about b\" {\n  sensitive = true\n}\nlet c = 1\nlet d = 2 output e = c \"about e\"\n\
         existing vpc default { is_default = true }\nmoved vpc.old to vpc.main\npolicy p during apply { }\n## first\n##   second\nvpc main { }\n",
    );
    assert_eq!(messages, Vec::<String>::new());
    let [
        Item::Variable(a),
        Item::Variable(b),
        Item::Let(_),
        Item::Let(_),
        Item::Output(e),
        Item::Existing(_),
        Item::Moved(m),
        Item::Policy(p),
        Item::Resource(v),
    ] = file.items.as_slice()
    else {
        panic!("{:?}", file.items)
    };
    assert!(a.ty.is_none() && a.default.is_none());
    let ty = b.ty.as_ref().unwrap();
    let fields: Vec<_> = ty.fields.iter().map(|(n, o, t)| format!("{} {o} {} {}", n.text, t.name.text, t.args.len())).collect();
    assert_eq!(fields, ["x false string 0", "y true list 1"]);
    assert_eq!(b.description.as_ref().map(|d| &*d.text), Some("about b"));
    assert!(b.body.is_some() && e.description.is_some() && p.during_apply);
    assert_eq!((&*m.from.name.text, &*m.to.name.text), ("old", "main"));
    assert_eq!(v.doc.as_deref(), Some("first\nsecond"));
}

#[test]
fn a_broken_statement_is_told_and_leaves_its_neighbours() {
    for (statement, expected) in [
        ("description = \"SSH", "this text is never closed | \""),
        ("a = \"x ${y", "this `${` is never closed | ${"),
        ("a = \"x ${y}", "this text is never closed | \""),
        ("a = (1 +", "this `(` is never closed | ("),
        ("a = [1, 2", "this `[` is never closed | ["),
        ("a = f(\n    1,\n    2", "this `(` is never closed | ("),
        ("a = f(1, [2, 3)", "expected `]`, found `)` | )"),
        ("a = <<END\n text", "no line `END` ends this text | <<END"),
        ("a =", "expected a value after `=` | ="),
        ("a = # none", "expected a value after `=` | ="),
        ("a = 1 +", "expected a value after `+` | +"),
        ("a = vpc.", "expected a name after `.` | ."),
        ("a = = 1", "expected a value, found `=` | ="),
        ("a = )", "expected a value, found `)` | )"),
        ("a = 1 )", "expected the end of the statement, found `)` | )"),
        ("a = 1,", "expected the end of the statement, found `,` | ,"),
        ("a = 1;", "expected the end of the statement, found `;` | ;"),
        ("a = 'x'", "expected a value, found `'` | '"),
        ("a = b ? c : d", "expected the end of the statement, found `?` | ?"),
        ("a = b & c", "expected the end of the statement, found `&` | &"),
        ("a = b and c", "expected the end of the statement, found `and` | and"),
        ("a = ${x}", "expected a value, found `${` | ${"),
        ("a = \u{a0}1", "expected a value, found the character U+00A0 | \u{a0}"),
        ("a = if b then c", "expected `else` after `c` | c"),
        ("a = if b = c then d else e", "expected `then`, found `=` | ="),
        ("a = { b: 1 }", "expected `=` after `b`, found `:` | :"),
        ("a = { b = 1 c = 2 }", "expected `,` or `}`, found `c` | c"),
        ("a = { b 1 }", "expected `=`, found `1` | 1"),
        ("a = { \"${b}\" = 1 }", "this text can't hold values | \"${b}\""),
        ("a = f(b c)", "expected `,` or `)`, found `c` | c"),
        ("a = 10.0.0.0/(bits)", "expected the end of the statement, found `(` | ("),
        ("a = tcp/port", "`port` is no port number | port"),
        ("ingress tcp/port from x", "`port` is no port number | port"),
        ("ingress tpc/(port) from x", "unknown protocol `tpc` | tpc"),
        ("a = 99999999999999999999", "the number `99999999999999999999` is out of range | 99999999999999999999"),
        ("a = 99999999999999999999d", "the number `99999999999999999999d` is out of range | 99999999999999999999d"),
        ("a = 30sec", "`30sec` is neither a number nor a duration | 30sec"),
        ("a = us-east-1a", "`1a` is neither a number nor a duration | 1a"),
        ("a = 1.5x", "`1.5x` is neither a number nor a duration | 1.5x"),
        (r#"a = "b\qc""#, r"unknown escape `\q` | \q"),
        (r#"a = "\u{110000}""#, r"unknown escape `\u{110000}` | \u{110000}"),
        ("a = SSH for maintainers", "only the first word of this is the value | SSH for maintainers"),
        ("a = Ali Baba # who", "only the first word of this is the value | Ali Baba"),
        ("a 10.0.0.0/16", "expected `=` between `a` and its value | a"),
        ("a", "expected `=` and a value after `a` | a"),
        ("a: 1", "expected `=` after `a`, found `:` | :"),
        ("a == 1", "expected `=` after `a`, found `==` | =="),
        ("a.b = 1", "expected `=` and a value, found `.` | ."),
        ("\"a\" = 1", "a name stands without quotes, not `\"a\"` | \"a\""),
        ("my-name = 1", "a name is letters, digits and `_`, not `my-name` | my-name"),
        ("ingress", "expected the rest of the sentence after `ingress` | ingress"),
        ("ingress tcp/22 from a + b", "expected the next word of the sentence or the end of the line, found `+` | +"),
        ("ingress tcp/22 from (a", "this `(` is never closed | ("),
        ("validate x >", "expected a value after `>` | >"),
        ("10 = 1", "expected a statement, found `10` | 10"),
        (")", "this `)` closes nothing | )"),
        ("lifecycle { protect = ) }", "expected a value, found `)` | )"),
    ] {
        check_in_block(statement, expected);
    }
}

#[test]
fn a_broken_attribute_keeps_its_name_and_a_slip_its_value() {
    let kept = |text: &str| {
        let (file, _) = parsed(&format!("vpc main {{\n{text}\n}}"));
        let Some(Item::Resource(block)) = file.items.first() else { return String::new() };
        let shown = block.body.entries.iter().map(|e| match e {
            Entry::Attribute(a) => format!("{} = {}", a.name.text, show(&a.value)),
            _ => "other".to_owned(),
        });
        shown.collect::<Vec<_>>().join("; ")
    };
    assert_eq!(kept("a = )"), "a = error");
    assert_eq!(kept("a: 1"), "a = 1");
    assert_eq!(kept("a 1"), "a = 1");
    assert_eq!(kept("\"a\" = 1"), "a = 1");
    assert_eq!(kept("a = 1, b = 2"), "a = 1; b = 2");
    assert_eq!(kept("a"), "a = error");
}

#[test]
fn an_unclosed_brace_is_the_one_that_its_indentation_betrays() {
    check("vpc main {\n  a = 1\n\nsubnet x { b = 1 }\n", &["this `{` is never closed | {"]);
    for text in [
        "vpc main {\n  tags = {\n    Owner = \"Ali\"\n  ingress tcp/22 from x\n  after = 1\n}\n",
        "vpc main {\n  tags = { Owner = \"Ali\"\n  after = 1\n}\n",
        "vpc main {\n  tags = { Owner = \"Ali\" # who\n  after = 1\n}\n",
        "vpc main {\n  lifecycle {\n    protect = true\n  after = 1\n}\nvpc b { }\n",
    ] {
        let (file, messages) = parsed(text);
        assert_eq!(messages, ["this `{` is never closed | {"], "in {text}");
        assert!(attributes(&file).contains(&"after".to_owned()), "in {text}");
    }
    let mut sink = Sink::default();
    parse(FileId(0), "vpc main {\n  tags = { Owner = \"Ali\"\n  after = 1\n}\n", &mut sink);
    assert_eq!(sink.all.first().and_then(|d| d.labels.first()).map(|l| l.span.start()), Some(20));
}

#[test]
fn a_broken_item_is_told_and_leaves_its_neighbours() {
    for (item, expected) in [
        ("vpc \"main\" {\n  a = 1\n}", "a name stands without quotes, not `\"main\"` | \"main\""),
        ("vpc my-vpc {\n  a = 1\n}", "a name is letters, digits and `_`, not `my-vpc` | my-vpc"),
        ("vpc {\n  a = 1\n}", "expected a name, found `{` | {"),
        ("vpc", "expected a name after `vpc` | vpc"),
        ("vpc main", "expected `{` after `main` | main"),
        ("vpc main\n{\n  a = 1\n}", "expected `{` after `main` | main"),
        ("resource \"aws_vpc\" \"main\" {\n  a = 1\n}", "expected a block or a statement of secnet, found `resource` | resource"),
        ("subnet private for i, az azs {\n  a = 1\n}", "expected `in`, found `azs` | azs"),
        ("subnet private for i, az, x in azs {\n  a = 1\n}", "expected `in`, found `,` | ,"),
        ("subnet private for az in azs", "expected `{` after `azs` | azs"),
        ("subnet private for {} {\n  a = 1\n}", "expected a name, found `{` | {"),
        ("subnet private if {\n  a = 1\n}", "expected `{` after `}` | }"),
        ("subnet private if x then y {\n  a = 1\n}", "expected `{`, found `then` | then"),
        ("existing subnet each for { vpc = vpc.default }", "expected `}`, found `vpc` | vpc"),
        ("for x in xs {\n  vpc a { }\n}", "expected a block or a statement, found `for` | for"),
        ("subnet private {\n  for_each = azs\n}", "how many there are is not said with `for_each` | for_each"),
        ("subnet private {\n  count = 3\n}", "how many there are is not said with `count` | count"),
        ("module edge {\n}", "expected a text in quotes, found `{` | {"),
        ("module \"edge\" {\n  source = \"./x\"\n}", "expected a block or a statement of secnet, found `module` | module"),
        ("module \"edge\" \"./x\" { }", "a name stands without quotes, not `\"edge\"` | \"edge\""),
        ("module edge ./x {\n}", "expected a text in quotes, found `.` | ."),
        ("module edge \"${x}\" { }", "this text can't hold values | \"${x}\""),
        ("module edge \"./x\"", "expected `{` after `\"./x\"` | \"./x\""),
        ("test foo {\n  plan creates 14\n}", "expected a text in quotes, found `foo` | foo"),
        ("test \"foo\"", "expected `{` after `\"foo\"` | \"foo\""),
        ("test \"foo\" {\n  with a\n}", "expected `=` after `a` | a"),
        ("env { a = 1 }", "expected a name, found `{` | {"),
        ("env \"prod\" { a = 1 }", "a name stands without quotes, not `\"prod\"` | \"prod\""),
        ("import vpc.main", "expected `from` after `main` | main"),
        ("import vpc.main \"vpc-0\"", "expected `from`, found a text | \"vpc-0\""),
        ("import vpc from \"vpc-0\"", "expected `.` after `vpc` | vpc"),
        ("import vpc.main from", "expected a value after `from` | from"),
        ("forget vpc", "expected `.` after `vpc` | vpc"),
        ("forget", "expected a name after `forget` | forget"),
        ("forget vpc.main[x]", "expected a value, found `x` | x"),
        ("forget vpc.main[1", "this `[` is never closed | ["),
        ("forget vpc.main[99999999999999999999]", "the number `99999999999999999999` is out of range | 99999999999999999999"),
        ("forget module.a", "expected `.` after `a` | a"),
        ("extend vpc.main", "expected `{` after `main` | main"),
        ("extend { a = 1 }", "expected a name, found `{` | {"),
        ("extend vpc.main for x xs { a = 1 }", "expected `in` or `,`, found `xs` | xs"),
        ("project p \"../x\" {\n}", "expected the end of the statement, found `{` | {"),
        ("varible x = 3", "expected `{`, found `=` | ="),
        ("y = 3", "expected a name and `{`, found `=` | ="),
        ("let z =", "expected a value after `=` | ="),
        ("let z = 3 )", "expected the end of the statement, found `)` | )"),
        ("let z = Ali Baba", "only the first word of this is the value | Ali Baba"),
        ("let z = [1, 2", "this `[` is never closed | ["),
        ("let", "expected a name after `let` | let"),
        ("output o = 1 b", "expected the end of the statement, found `b` | b"),
        ("output o", "expected `=` after `o` | o"),
        ("variable v: list( = 3", "this `(` is never closed | ("),
        ("policy p \"abc {\n  require all from a to b\n}", "this text is never closed | \""),
        ("policy p \"${x}\" { }", "this text can't hold values | \"${x}\""),
        ("moved vpc.x vpc.y", "expected `to`, found `vpc` | vpc"),
        ("moved a to b", "expected `.` after `a` | a"),
        ("ingress tcp/22 from x", "expected a block or a statement, found `ingress` | ingress"),
        ("}", "this `}` closes nothing | }"),
        ("%", "expected a block or a statement, found `%` | %"),
    ] {
        let text = format!("vpc before {{ a = 1 }}\n{item}\nvpc after {{ a = 1 }}\n");
        let (file, messages) = parsed(&text);
        assert_eq!(messages, [expected], "in {text}");
        let around = file.items.iter().filter(|i| matches!(i, Item::Resource(b) if matches!(&*b.name.text, "before" | "after"))).count();
        assert_eq!(around, 2, "in {text}");
    }
}

#[test]
fn ten_broken_blocks_give_ten_messages() {
    let text: String = (0..10).map(|n| format!("vpc v{n} {{\n  a = (1 +\n  b = 1\n}}\n\n")).collect();
    let (file, messages) = parsed(&text);
    assert_eq!(messages, vec!["this `(` is never closed | ("; 10]);
    assert_eq!(file.items.len(), 10);
    for line in ["  a = (1 +\n", "  a = [1,\n", "  a = f(\n", "  a = \"b ${c\n", "  a = \"b\n", "  a: 1\n", "  ) % &\n"] {
        let (_, messages) = parsed(&format!("vpc v {{\n{}}}\n", line.repeat(200)));
        assert_eq!(messages.len(), 200, "{line}");
    }
    let text: String = (0..10).map(|n| format!("vpc v{n} {{\n  a = 1\n")).collect();
    assert_eq!(parsed(&text).1, vec!["this `{` is never closed | {"; 10]);
}

#[test]
fn names_of_blocks_that_could_not_be_read_are_known() {
    let lost = |text: &str| parsed(text).0.lost.iter().map(|(k, n)| format!("{}.{}", k.text, n.text)).collect::<Vec<_>>();
    assert_eq!(
        lost("vpc main\nsubnet a for x xs { }\nexisting vpc b if { }\nmodule c { }\n"),
        ["vpc.main", "subnet.a", "vpc.b", "module.c"]
    );
    let (file, _) = parsed("let a = )\nvariable b: = 1\noutput c = (\nvarible d = 1\n");
    assert_eq!(file.items.len(), 4);
}

#[test]
fn a_big_file_is_read() {
    let block = "vpc name {\n  cidr_block = 10.0.0.0/16\n  tags       = { Owner = \"Ali\", Size = 3 * (1 + x) } # yes\n  ingress tcp/22 from maintainers \"text\"\n}\n\n";
    let (file, messages) = parsed(&block.repeat(200));
    assert_eq!((file.items.len(), messages.len()), (200, 0));
}

#[test]
fn what_is_nested_too_deep_is_an_error_at_its_place() {
    let deep = |open: &str, close: &str| {
        let text = format!("let x = {}1{}\nvpc ok {{ a = 1 }}\n", open.repeat(100_000), close.repeat(100_000));
        let (file, messages) = parsed(&text);
        assert_eq!(messages.len(), 1, "{open}: {:?}", messages.first());
        assert!(messages.iter().all(|m| m.starts_with("this is nested more than 100 deep")), "{open}: {messages:?}");
        assert_eq!(file.items.len(), 1, "the block after it stands");
    };
    deep("(", ")");
    deep("[", "]");
    deep("{ a = ", "}");
    deep("f(", ")");
    deep("a[", "]");
    deep("\"${", "}\"");
    deep("if ", " then 1 else 2");
    deep("tcp/(", ")");
    deep("(", "");
    deep("{ a = (", "");
    let (_, messages) = parsed(&format!("vpc main {{ {} {} }}", "a { ".repeat(100_000), "}".repeat(100_000)));
    assert_eq!(messages, ["this is nested more than 100 deep | {"]);
}

#[test]
fn a_long_row_of_operators_is_an_error_and_no_crash() {
    for (row, of) in [("1", " + 1"), ("1", " ?? 1"), ("a", ".b"), ("a", "[0]"), ("a", "[*]")] {
        let text = format!("let x = {row}{}\nlet y = 1\n", of.repeat(3_000));
        let (file, messages) = parsed(&text);
        assert_eq!(messages.len(), 1, "{of}: {}", messages.len());
        assert!(messages.iter().all(|m| m.starts_with("this expression is more than 256 nodes deep")));
        assert_eq!(file.items.len(), 2);
    }
    for row in ["!", "-", "- "] {
        let (_, messages) = parsed(&format!("let x = {}1\n", row.repeat(3_000)));
        assert_eq!(messages.len(), 1, "{row}");
    }
    let chain = format!("let x = {}3\n", "if a then 1 else ".repeat(3_000));
    assert_eq!(parsed(&chain).1.len(), 1);
    let (_, messages) = parsed(&format!("let x = {}1{}\n", "(".repeat(99), ")".repeat(99)));
    assert_eq!(messages, Vec::<String>::new(), "just within the limit");
}

#[test]
fn what_is_not_closed_takes_linear_time() {
    for open in [
        "(",
        "[",
        "{ a = ",
        "f(",
        "a[",
        "\"${",
        "if ",
        "tcp/(",
        "a { ",
        "1 + (",
        "if (",
        "else if (",
        "[(",
        "x = {",
        "\"",
        "<<E\n",
        "(\"",
        "{",
    ] {
        for text in [
            format!("let x = {}", open.repeat(60)),
            format!("vpc a {{ x = {}", open.repeat(60)),
            format!("vpc a {{ {} }}", open.repeat(60)),
        ] {
            let before = std::time::Instant::now();
            parsed(&text);
            assert!(before.elapsed().as_secs() < 5, "{open}");
        }
    }
}
