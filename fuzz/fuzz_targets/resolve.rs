//! Any text resolves to a model or to messages, and never to a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secnet::analysis::{Inputs, analyze};

fuzz_target!(|text: &str| {
    let project = "project fuzz { }\nvpc main { cidr_block = 10.0.0.0/16 }\n";
    let files = vec![("project.secnet".to_owned(), project.to_owned()), ("main.secnet".to_owned(), text.to_owned())];
    let analysis = analyze(files, &Inputs::default());
    for label in analysis.diagnostics.iter().flat_map(|d| &d.labels) {
        let file = analysis.sources.get(label.span.file());
        assert!(file.is_some_and(|f| f.text.get(label.span.start()..label.span.end()).is_some()), "{label:?} is in no text");
    }
});
