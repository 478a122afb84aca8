//! Networks with known answers, where they are: beside the project, in `../shared/cases`, or where `SECNET_CASES` says.

use std::path::PathBuf;

use secnet::{net::snapshot, prove::cases};

use crate::random::tell;

#[test]
fn every_expectation_of_the_cases_holds() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let place = std::env::var_os("SECNET_CASES").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&place) else {
        tell(format!("SKIPPED: there are no cases at {}", place.display()));
        return;
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.join("expect.json").exists()).collect();
    folders.sort();
    let (mut wrong, mut total) = (vec![], 0);
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{name}/{file}: {e}"));
        let net = snapshot::read("describe.json", &text("describe.json")).unwrap_or_else(|e| panic!("{name}: {e:#?}"));
        let results = cases::run(&net, "expect.json", &text("expect.json")).unwrap_or_else(|e| panic!("{name}: {e:#?}"));
        let differing: Vec<_> = results.iter().filter(|r| !r.differs.is_empty()).collect();
        tell(format!("{name}: {} of {} hold", results.len() - differing.len(), results.len()));
        total += results.len();
        wrong.extend(differing.iter().map(|r| format!("{}: {} ({}; {:?})", r.id, r.differs.join("; "), r.reason, r.path)));
    }
    tell(format!("{} of {total} expectations hold", total - wrong.len()));
    assert!(wrong.is_empty(), "{} of {total} differ:\n{}", wrong.len(), wrong.join("\n"));
}
