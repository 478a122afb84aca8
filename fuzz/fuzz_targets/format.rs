//! What can be formatted is in its one form afterwards: formatting again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secnet::{base::span::FileId, syntax::format::format};

fuzz_target!(|text: &str| {
    if let Ok(once) = format(FileId(0), text) {
        match format(FileId(0), &once) {
            Ok(twice) => assert_eq!(once, twice, "of {text:?}"),
            Err(wrong) => panic!("{wrong:?}\nof {text:?}\nas {once:?}"),
        }
    }
});
