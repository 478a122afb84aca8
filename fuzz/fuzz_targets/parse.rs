//! Any text is read to a tree, with every message inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secnet::{
    base::{diagnostic::Sink, span::FileId},
    syntax::parse::parse,
};

fuzz_target!(|text: &str| {
    let mut sink = Sink::default();
    let tree = parse(FileId(0), text, &mut sink);
    for label in sink.all.iter().flat_map(|d| &d.labels) {
        assert!(text.get(label.span.start()..label.span.end()).is_some(), "{label:?} is not in the text");
    }
    for item in &tree.items {
        assert!(text.get(item.span().start()..item.span().end()).is_some(), "{:?} is not in the text", item.span());
    }
});
