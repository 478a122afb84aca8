//! Where the state of a project is kept: beside the sources, or in a bucket. Layer 10.
//!
//! `.secnet/state/<project>.json` remembers in which bucket it was kept so far, so that a changed `state` block does not make
//! everything seem to be gone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use crate::{
    base::{
        codes::{environment, state as codes},
        diagnostic::Diagnostic,
    },
    cli::load,
    schema::model::{self, Backend, Bucket, Encryption},
    state::{
        remote::{
            Objects, Remote,
            encryption::{Encrypted, Secret},
            folder::Folder,
        },
        store::Store,
    },
};

/// Names a URL that stands in for that of S3.
const ENDPOINT: &str = "SECNET_STATE_ENDPOINT_URL";
/// Says how many seconds a lease holds.
const LEASE: &str = "SECNET_STATE_LEASE";

/// Holds the passphrase of an encrypted state.
const PASSPHRASE: &str = "SECNET_STATE_PASSPHRASE";
/// Names the file with the key of an encrypted state.
const KEY_FILE: &str = "SECNET_STATE_KEY_FILE";
/// They, as they were, for what is to be encrypted anew.
const OLD: [(Encryption, &str); 2] =
    [(Encryption::Passphrase, "SECNET_STATE_OLD_PASSPHRASE"), (Encryption::KeyFile, "SECNET_STATE_OLD_KEY_FILE")];

/// How long somebody waits for a lock.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LockArgs {
    /// How long to wait while another run holds the lock of the state: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s", env = "SECNET_LOCK_TIMEOUT")]
    pub lock_timeout: Duration,
}

/// `30s`, `5m`, `1h`
fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no time: write it like 30s, 5m or 1h");
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

/// Where a backend keeps the state of a project; `above` is the directory that holds `state/` if it lies beside the sources.
///
/// # Errors
/// There is no way to a bucket from here.
pub fn store_of(backend: &Backend, above: &Path, key: &str) -> Result<Store, Diagnostic> {
    let Some(bucket) = &backend.bucket else { return Ok(Store::new(above.join("state"), key)) };
    remote_of(Arc::new(encrypted(bucket)?), bucket, key).map(Store::Remote)
}

/// The objects of a state, as they are and as the project wants them: what brings them into another form.
///
/// # Errors
/// There is no way to a bucket from here.
pub fn in_any_form(bucket: &Bucket, key: &str) -> Result<(Arc<Encrypted>, Remote), Diagnostic> {
    let former = OLD.into_iter().filter(|(_, variable)| set(variable).is_some());
    let former = former.map(|(encryption, variable)| secret(encryption, variable)).collect::<Result<_, _>>()?;
    let objects = Arc::new(encrypted(bucket)?.or(former));
    Ok((objects.clone(), remote_of(objects, bucket, key)?))
}

fn remote_of(objects: Arc<Encrypted>, bucket: &Bucket, key: &str) -> Result<Remote, Diagnostic> {
    let remote = Remote::new(objects, &bucket.key, key);
    let Ok(text) = std::env::var(LEASE) else { return Ok(remote) };
    match text.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(remote.with_lease(Duration::from_secs(seconds))),
        _ => Err(environment::unreadable(LEASE, &format!("`{text}` is no number of seconds")).help("write one, such as 60")),
    }
}

/// The objects of a bucket, encrypted if it says so.
fn encrypted(bucket: &Bucket) -> Result<Encrypted, Diagnostic> {
    let variable = |encryption| if encryption == Encryption::Passphrase { PASSPHRASE } else { KEY_FILE };
    let secret = bucket.encryption.map(|encryption| secret(encryption, variable(encryption))).transpose()?;
    Ok(Encrypted::new(objects(bucket)?, secret))
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|text| !text.is_empty())
}

/// A passphrase, or the key in a file that is named.
fn secret(encryption: Encryption, variable: &str) -> Result<Secret, Diagnostic> {
    let Some(text) = set(variable) else {
        return Err(codes::no_state_key(variable, "nothing says with what"));
    };
    if encryption == Encryption::Passphrase {
        return Ok(Secret::Passphrase(text));
    }
    let bad = |why: String| codes::no_state_key(variable, &format!("`{text}` holds no key for it: {why}"));
    let bytes = fs::read(&text).map_err(|e| bad(load::reason(&e)))?;
    Secret::of_file(&bytes).map_err(bad)
}

/// The store of a project that was kept there so far, too.
///
/// # Errors
/// It was kept elsewhere so far, or there is no way to the bucket.
pub fn store(directory: &Path, project: &model::Project) -> Result<Store, Diagnostic> {
    let wanted = store_of(&project.backend, directory, &project.key())?;
    match known(directory, project)? {
        Some(before) if !same(&before, &project.backend) => {
            let before = store_of(&before, directory, &project.key())?;
            Err(codes::state_elsewhere(&wanted.shown(), &before.shown()))
        }
        _ => Ok(wanted),
    }
}

/// The store of a project's sandbox: below `above`, apart from every bucket of the project's, unless something is named that
/// stands in for S3.
///
/// # Errors
/// There is no way to it.
pub fn of_sandbox(above: &Path, project: &model::Project) -> Result<Store, Diagnostic> {
    store_of(&in_sandbox(project), above, &project.key())
}

/// Where the state of a project's sandbox is kept.
pub fn in_sandbox(project: &model::Project) -> Backend {
    let bucket = project.backend.bucket.as_ref().filter(|_| named().is_some());
    Backend { bucket: bucket.map(|bucket| Bucket { key: format!("{}/sandbox", bucket.key), ..bucket.clone() }) }
}

/// Whether a state is at the same place in both.
pub fn same(one: &Backend, other: &Backend) -> bool {
    match (&one.bucket, &other.bucket) {
        (None, None) => true,
        // By which profile one gets there makes no difference.
        (Some(one), Some(other)) => (&one.name, &one.key, &one.endpoint) == (&other.name, &other.key, &other.endpoint),
        _ => false,
    }
}

/// Where the state was kept so far; `None` where nothing tells.
///
/// # Errors
/// What tells cannot be read.
pub fn known(directory: &Path, project: &model::Project) -> Result<Option<Backend>, Diagnostic> {
    let path = marker(directory, project);
    match fs::read(&path) {
        Ok(bytes) => {
            let bad = |e: serde_json::Error| environment::unreadable(&load::shown(&path), &e.to_string());
            serde_json::from_slice(&bytes).map(Some).map_err(bad)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let beside = Store::new(directory.join("state"), &project.key());
            Ok(beside.exists().then(Backend::default))
        }
        Err(error) => Err(environment::unreadable(&load::shown(&path), &load::reason(&error))),
    }
}

/// Remembers where the state is kept.
///
/// # Errors
/// It cannot be written.
pub fn remember(directory: &Path, project: &model::Project) -> Result<(), Diagnostic> {
    let path = marker(directory, project);
    let failed = |e: io::Error| codes::not_writable(&load::shown(&path), &load::reason(&e));
    if project.backend.bucket.is_none() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    let text = serde_json::to_vec_pretty(&project.backend).map_err(|e| failed(e.into()))?;
    if fs::read(&path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text)).map_err(failed)
}

fn marker(directory: &Path, project: &model::Project) -> PathBuf {
    directory.join(".secnet").join("state").join(format!("{}.json", project.key()))
}

/// What is named in S3's place for this run.
fn named() -> Option<String> {
    set(ENDPOINT)
}

/// The way to a bucket.
fn objects(bucket: &Bucket) -> Result<Arc<dyn Objects>, Diagnostic> {
    let endpoint = named().or_else(|| bucket.endpoint.clone());
    match endpoint.as_deref().and_then(|url| url.strip_prefix("file://")) {
        Some(directory) => Ok(Arc::new(Folder::new(Path::new(directory).join(&bucket.name)))),
        None => s3(bucket, endpoint),
    }
}

#[cfg(feature = "aws")]
fn s3(bucket: &Bucket, endpoint: Option<String>) -> Result<Arc<dyn Objects>, Diagnostic> {
    use crate::live::bucket::S3;
    let unreachable = |why: String| codes::remote_unreachable(&format!("s3://{}", bucket.name), &why);
    Ok(Arc::new(S3::connect(bucket, endpoint.as_deref(), None).map_err(unreachable)?))
}

#[cfg(not(feature = "aws"))]
fn s3(_: &Bucket, _: Option<String>) -> Result<Arc<dyn Objects>, Diagnostic> {
    Err(environment::without_sdk())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("5").is_err() && duration("m").is_err() && duration("5 m").is_err());
    }
}
