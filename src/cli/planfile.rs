//! A plan on disk, to be applied later exactly as it was shown. Layer 10.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    base::{
        codes::{environment as codes, state as state_codes},
        diagnostic::Diagnostic,
    },
    cli::{
        load,
        project::{Given, Project, Withheld},
        target::Place,
    },
    plan::Plan,
    state::seal,
};

/// The format of plan files that this version writes and reads.
const FORMAT: u32 = 4;

/// What a plan file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    format: u32,
    /// The version of secnet that made it.
    made_by: String,
    /// The project's directory, from the root.
    pub directory: PathBuf,
    /// Where it is to be applied.
    pub place: Place,
    /// Values of variables, without those of sensitive ones.
    pub given: Given,
    /// What of them is not here, with hashes in the place of values.
    pub withheld: Vec<Withheld>,
    /// What those hashes are made with; random. Whoever has the file can test guesses, and nothing else.
    pub salt: String,
    /// Of sources and variables.
    pub digest: String,
    /// The plan.
    pub plan: Plan,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// SHA-256 of `content`.
    checksum: String,
    /// A [`PlanFile`], as JSON.
    content: String,
}

impl PlanFile {
    /// A plan of this version.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(directory: PathBuf, place: Place, project: &Project, plan: Plan) -> Result<Self, Diagnostic> {
        let salt = seal::key().map_err(|e| state_codes::no_randomness(&e.to_string()))?;
        let (given, withheld) = project.given.without(&project.model.sensitive.variables);
        let withheld = withheld.into_iter().map(|w| w.hashed(&salt)).collect();
        let made_by = env!("CARGO_PKG_VERSION").into();
        Ok(Self { format: FORMAT, made_by, directory, place, given, withheld, salt, digest: project.digest.clone(), plan })
    }

    /// Writes it, whole or not at all, for its owner's eyes only: it holds values of variables.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Diagnostic> {
        let failed = |e: io::Error| codes::unwritable(&load::shown(path), &load::reason(&e));
        let content = serde_json::to_string(self).map_err(|e| failed(e.into()))?;
        let sealed = Sealed { checksum: checksum(&content), content };
        let text = serde_json::to_vec(&sealed).map_err(|e| failed(e.into()))?;
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let beside = path.with_file_name(name);
        let mut options = OpenOptions::new();
        // One that a crash has left may be for other eyes, too.
        let _ = fs::remove_file(&beside);
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&beside).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
        written.and_then(|()| fs::rename(&beside, path)).map_err(failed)
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is unreadable, no plan, not whole, changed by hand, or of another version.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let shown = load::shown(path);
        let bytes = fs::read(path).map_err(|e| codes::unreadable(&shown, &load::reason(&e)))?;
        let refuse = |why: &str| codes::plan_file(&shown, why);
        let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|_| refuse("it is not what `secnet plan --out` writes"))?;
        if checksum(&sealed.content) != sealed.checksum {
            return Err(refuse("it was changed after it was made"));
        }
        let known: Result<PlanFile, _> = serde_json::from_str(&sealed.content);
        match known {
            Ok(file) if file.format == FORMAT => Ok(file),
            _ => Err(refuse("another version of secnet has made it")),
        }
    }
}

fn checksum(text: &str) -> String {
    Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> PlanFile {
        let plan = serde_json::json!({
            "project": "p", "region": "us-east-1", "account": null, "base": ["l", 1], "changes": [], "tasks": [], "moves": [], "gone": [],
            "imports": [], "protect": {}, "notes": [],
            "seen": [], "images": {}, "existing": {}, "outputs": {}, "attached": [],
            "proof": {"policies": [], "added": [], "removed": [], "unknown": []}, "promises": [], "weakened": [],
        });
        let plan = serde_json::from_value(plan).expect("a plan");
        let (directory, place, given) = ("/p".into(), Place::default(), Given::default());
        let made_by = "0".into();
        PlanFile { format: FORMAT, made_by, directory, place, given, withheld: vec![], salt: "s".into(), digest: "d".into(), plan }
    }

    #[test]
    fn a_plan_comes_back_as_it_was_written_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("x.plan");
        any().write(&path).expect("written");
        assert_eq!(PlanFile::read(&path), Ok(any()));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("there").permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_plan_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("x.plan");
        any().write(&path).expect("written");
        let text = fs::read_to_string(&path).expect("there");
        let message = |text: &str| {
            fs::write(&path, text).expect("written");
            PlanFile::read(&path).err().map(|d| d.message.split_once(": ").map_or("", |m| m.1).to_owned())
        };
        assert_eq!(message(&text.replace("us-east-1", "us-east-2")).as_deref(), Some("it was changed after it was made"));
        assert_eq!(message("{}").as_deref(), Some("it is not what `secnet plan --out` writes"));
    }
}
