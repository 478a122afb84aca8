use super::*;
use crate::{base::source::Sources, syntax::ast::File};

pub(super) fn parsed(text: &str) -> (File, Vec<String>) {
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
