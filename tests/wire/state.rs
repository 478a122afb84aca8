//! A state in S3, as moto has it: two runs at once, one that sleeps past its lease, and one that is encrypted.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use secnet::{
    live::bucket::S3,
    schema::model::Bucket,
    state::{
        remote::{Objects, Refused, Remote, When, lease},
        store::Store,
    },
};
use serde_json::json;
use tempfile::TempDir;

use super::ec2::{connect, moto, send};

/// The credentials of all who run here.
const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")];

/// Makes a bucket, and gives the way to it.
fn bucket(name: &str) -> Arc<S3> {
    let host = moto().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "PUT /{name} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let bucket = Bucket { name: name.into(), region: Some("us-east-1".into()), ..Bucket::default() };
    let keys = Some((KEYS[0].1.to_owned(), KEYS[1].1.to_owned()));
    Arc::new(S3::connect(&bucket, Some(moto()), keys).unwrap())
}

struct Project {
    folder: TempDir,
    bucket: &'static str,
}

impl Project {
    fn new(name: &str, bucket: &'static str, vpcs: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blocks: String = (0..vpcs).map(|i| format!("vpc v{i} {{ cidr_block = 10.{i}.0.0/16 }}\n")).collect();
        let text = format!("project {name} {{ region = \"us-east-1\"  state {{ bucket = \"{bucket}\" }} }}\n{blocks}");
        fs::write(folder.path().join("main.secnet"), text).unwrap();
        Self { folder, bucket }
    }

    /// Another checkout of the same project.
    fn clone_of(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(self.folder.path().join("main.secnet"), folder.path().join("main.secnet")).unwrap();
        Self { folder, bucket: self.bucket }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn start(&self, line: &str) -> Child {
        command(&self.path(), line).spawn().unwrap()
    }

    /// The same with what opens its state.
    fn keyed(&self, line: &str, keys: &[(&str, &str)]) -> Output {
        command(&self.path(), line).envs(keys.iter().copied()).output().unwrap()
    }

    /// Whether the state is encrypted, by its sources.
    fn encrypt(&self, encrypted: bool) {
        let (file, how) = (self.folder.path().join("main.secnet"), "  encryption = \"passphrase\"");
        let plain = fs::read_to_string(&file).unwrap().replace(how, "");
        let block = format!("bucket = \"{}\"", self.bucket);
        let text = if encrypted { plain.replace(&block, &format!("{block}{how}")) } else { plain };
        fs::write(file, text).unwrap();
    }

    fn run(&self, line: &str) -> Output {
        self.start(line).wait_with_output().unwrap()
    }
}

fn command(directory: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
    command.args(line.split(' ')).current_dir(directory).envs(KEYS).env("SECNET_STATE_ENDPOINT_URL", moto());
    command.env("SECNET_STATE_LEASE", "2").env("SECNET_ENDPOINT_URL", moto()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How often each address of a lineage stands in moto.
async fn standing(lineage: &str) -> BTreeMap<String, usize> {
    let ec2 = connect(moto()).await;
    let listed = send(&ec2, "DescribeVpcs", json!({"Filters": [{"Name": "tag:secnet:lineage", "Values": [lineage]}]})).await;
    let mut found = BTreeMap::new();
    for vpc in listed["Vpcs"].as_array().unwrap() {
        let tags = vpc["Tags"].as_array().unwrap();
        let address = tags.iter().find(|tag| tag["Key"] == "secnet:address").unwrap()["Value"].as_str().unwrap();
        *found.entry(address.to_owned()).or_default() += 1;
    }
    found
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_bucket_keeps_the_conditions_of_writes() {
    let bucket = bucket("wire-conditions");
    assert_eq!(bucket.get("a/b").unwrap(), None);
    let first = bucket.put("a/b", b"one", When::Absent).unwrap();
    assert_eq!(bucket.put("a/b", b"two", When::Absent), Err(Refused::Conflict));
    let second = bucket.put("a/b", b"two", When::Unchanged(&first)).unwrap();
    assert_eq!(bucket.put("a/b", b"three", When::Unchanged(&first)), Err(Refused::Conflict));
    assert_eq!(bucket.put("a/c", b"three", When::Unchanged(&first)), Err(Refused::Conflict));
    let found = bucket.get("a/b").unwrap().unwrap();
    assert_eq!((found.bytes, found.etag), (b"two".to_vec(), second));
    bucket.put("a/a", b"", When::Always).unwrap();
    assert_eq!(bucket.list("a").unwrap().into_iter().map(|l| (l.key, l.size)).collect::<Vec<_>>(), [("a/a".into(), 0), ("a/b".into(), 3)]);
    bucket.delete("a/b").unwrap();
    bucket.delete("a/b").unwrap();
    assert_eq!(bucket.get("a/b").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_applies_at_once_one_wins_and_the_other_says_who_holds_the_lock() {
    let objects = bucket("wire-two");
    let one = Project::new("two", "wire-two", 30);
    let other = one.clone_of();
    let both = [one.start("apply --yes --parallelism 1"), other.start("apply --yes --parallelism 1")];
    let both = both.map(|child| child.wait_with_output().unwrap());
    let [won, lost] = [true, false].map(|success| both.iter().filter(|o| o.status.success() == success).collect::<Vec<_>>());
    assert_eq!((won.len(), lost.len()), (1, 1), "{}{}", said(&both[0]), said(&both[1]));
    let words = said(lost[0]);
    assert!(words.contains("E0420") && words.contains("(`apply`)") && lost[0].status.code() == Some(3), "{words}");
    let plan = other.run("plan --detailed-exitcode --lock-timeout 30s");
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    let store = Store::Remote(Remote::new(objects, "secnet", "two"));
    let loaded = store.load().unwrap();
    assert_eq!((loaded.state.resources.len(), loaded.unfinished.len()), (30, 0));
    let standing = standing(&loaded.state.lineage).await;
    assert_eq!((standing.len(), standing.values().max()), (30, Some(&1)));
    assert!(one.run("destroy --yes").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_sleeps_past_its_lease_writes_nothing_and_nothing_is_made_twice() {
    let objects = bucket("wire-sleep");
    let remote = Remote::new(objects.clone(), "secnet", "sleep").with_lease(Duration::from_secs(2));
    let project = Project::new("sleep", "wire-sleep", 30);
    let other = project.clone_of();
    let sleeper = project.start("apply --yes --parallelism 1");
    let begun = Instant::now();
    while objects.list(&remote.journal_prefix()).unwrap().len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&sleeper, "-STOP");
    let early = other.run("plan");
    assert!(said(&early).contains("E0420"), "{}", said(&early));
    std::thread::sleep(Duration::from_secs(4));
    assert!(lease::seen(&remote).unwrap().unwrap().expired);
    let second = other.run("apply --yes");
    assert!(second.status.success() && said(&second).contains("An earlier run was interrupted"), "{}", said(&second));
    let after = Store::Remote(remote.clone()).load().unwrap();
    signal(&sleeper, "-CONT");
    let woken = sleeper.wait_with_output().unwrap();
    assert!(!woken.status.success(), "{}", said(&woken));
    let words = said(&woken);
    assert!(["its lease has run out", "has taken over", "E0421"].iter().any(|why| words.contains(why)), "{words}");
    let now = Store::Remote(remote).load().unwrap();
    assert_eq!(now, after, "it wrote nothing");
    let standing = standing(&now.state.lineage).await;
    assert_eq!((standing.len(), standing.values().max()), (30, Some(&1)), "{}{}", said(&second), said(&woken));
    let plan = other.run("plan --detailed-exitcode");
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    assert!(other.run("destroy --yes").status.success());
}

/// The objects of a project in which a word stands.
fn with_word(bucket: &S3, word: &str) -> Vec<String> {
    let folders = ["", "/journal", "/history"].map(|folder| format!("secnet/hidden{folder}"));
    let holds = |key: &String| bucket.get(key).unwrap().is_some_and(|found| String::from_utf8_lossy(&found.bytes).contains(word));
    folders.iter().flat_map(|folder| bucket.list(folder).unwrap()).map(|listed| listed.key).filter(holds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_state_is_read_by_whoever_has_its_key_alone_and_is_brought_back_in_the_clear() {
    let objects = bucket("wire-secret");
    let project = Project::new("hidden", "wire-secret", 30);
    project.encrypt(true);
    let key: &[_] = &[("SECNET_STATE_PASSPHRASE", "correct horse")];
    let under = |folder: &str| objects.list(&format!("secnet/hidden/{folder}")).unwrap().len();

    // Killed on the way: journal, lock and state are in the bucket, and nothing of them can be read there.
    let mut killed = command(&project.path(), "apply --yes --parallelism 1").envs(key.iter().copied()).spawn().unwrap();
    let begun = Instant::now();
    while under("journal/") < 8 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Those of a plain journal or lock, and of a plain state.
    let words = ["apply", "CreateVpc", "lineage", "10.3.0.0", "vpc-"];
    assert!(!with_word(&objects, "").is_empty());
    assert!(under("journal/") >= 8 && objects.get("secnet/hidden/lock.json").unwrap().is_some());
    assert_eq!(words.map(|word| with_word(&objects, word)), words.map(|_| Vec::<String>::new()));

    let second = project.keyed("apply --yes --lock-timeout 30s", key);
    assert!(second.status.success() && said(&second).contains("An earlier run was interrupted"), "{}", said(&second));
    let plan = project.keyed("plan --detailed-exitcode", key);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    assert_eq!(words.map(|word| with_word(&objects, word)), words.map(|_| Vec::<String>::new()));
    assert!(under("history/") > 0);

    for (keys, code) in [(&[("SECNET_STATE_PASSPHRASE", "battery staple")][..], "E0430"), (&[], "E0429")] {
        for line in ["plan", "state list", "apply --yes"] {
            let refused = project.keyed(line, keys);
            assert!(refused.status.code() == Some(3) && said(&refused).contains(code), "{line}: {}", said(&refused));
        }
    }

    project.encrypt(false);
    let refused = project.keyed("plan", &[]);
    assert!(refused.status.code() == Some(3) && said(&refused).contains("E0430"), "{}", said(&refused));
    let moved = project.keyed("state migrate --yes", &[("SECNET_STATE_OLD_PASSPHRASE", "correct horse")]);
    assert!(moved.status.success(), "{}", said(&moved));
    for word in &words[2..] {
        assert!(with_word(&objects, word).iter().any(|key| key.ends_with("/state.json")), "{word}");
    }
    let plan = project.run("plan --detailed-exitcode");
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    let loaded = Store::Remote(Remote::new(objects, "secnet", "hidden")).load().unwrap();
    let standing = standing(&loaded.state.lineage).await;
    assert_eq!((loaded.state.resources.len(), standing.len(), standing.values().max()), (30, 30, Some(&1)));
    assert!(project.run("destroy --yes").status.success());
}
