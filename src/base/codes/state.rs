//! E04: state and journal.

use crate::base::diagnostic::Diagnostic;

crate::codes! {
    STATE_TRUNCATED = "E0401" "the state file ends in the middle"
"The state file is JSON, and it stops before its last brace: a copy was cut short, or a disk was full. secnet itself never
leaves such a file: it writes a new one beside it, and only then puts it in the old one's place.

Nothing was changed. Put a good copy back (from version control or a backup), or run `secnet recover`, which rebuilds the state
from the tags of what stands.";
    STATE_NOT_OURS = "E0402" "the file is no state file"
"There is something else in the place of the state file: text that is not JSON, or JSON without the members that every state
file has (`format`, `serial`, `lineage`, `project`, `checksum`). A merge conflict in version control is the usual reason.

Nothing was changed. Put a good copy back. If the project has made nothing yet, move the file away.";
    STATE_CHANGED_BY_HAND = "E0403" "the state file was changed by hand"
"A state file carries a SHA-256 checksum of everything in it, so that a slip of an editor does not make secnet delete what
it should keep. The checksum of this one does not fit its contents. (White space and the order of members may change freely.)

Nothing was changed. Take the edit back, or put a good copy back. What was meant by the edit can nearly always be said in the
sources: `moved vpc.old to vpc.main` renames.";
    STATE_NEWER = "E0404" "the state file was written by a newer secnet"
"The file's `format` is higher than any that this version knows. An older version would drop what it does not understand, so
it does not touch it.

Install the newer version, on every machine that applies this project.";
    STATE_OF_ANOTHER_PROJECT = "E0405" "the state file belongs to another project"
"The name in the state file is not that of the `project` block. Going on would plan to delete everything the other project
has made.

If the project was renamed, give it its old name back. If the file was copied here, move it away.";
    STATE_LOCKED = "E0406" "another secnet is at work on this project"
"Only one process at a time may change a project's state. The lock is the operating system's: it ends with the process that
holds it, however that ends, so it never has to be broken by hand.

Wait until the other one is done, or stop it.";
    STATE_NOT_WRITABLE = "E0407" "the state cannot be written"
"secnet keeps what it has made in a file beside the sources, and checks that it can write there before it makes anything.
Each write goes to a new file that replaces the old one once it is safely on disk.

Free space on the disk, or mend the rights of the directory that is named.";
    STATE_NOT_READABLE = "E0408" "the state cannot be read"
"The file is there, but the system does not let this user read it. State files are readable by their owner alone (mode 0600).

Mend the rights or the owner of the file that is named.";
    STATE_MOVED_ON = "E0409" "the state file has changed meanwhile"
"Between reading the state and writing it, the file was replaced by something that does not hold secnet's lock: a checkout, a
restored backup. Writing would lose what it says.

The journal keeps what this run has done. Put the file back that was there before, and run the command again.";
    WRONG_ACCOUNT = "E0410" "the credentials are for another AWS account"
"The state names the account that its resources stand in, and the project may name one too. With the credentials of another
account everything would seem to be gone, and would be made a second time.

Choose the right credentials: `AWS_PROFILE`, or `--profile`.";
    WRONG_REGION = "E0411" "the region is another one than the state's"
"Resources do not move between regions. In another region everything would seem to be gone, and would be made a second time.

Go back to the region of the state. To move to another one, destroy the project first, or give the new one a project of its
own.";
    JOURNAL_BROKEN = "E0412" "the journal cannot be read"
"The journal holds what an apply was about to do and what came of it, one line each. A last line that was cut short is
normal after a crash and is left out; but here a line in the middle is damaged, so what was made cannot be told for certain.

Nothing was changed. Put a good copy back; or, if it is beyond repair, run `secnet recover`, which rebuilds the state from the
tags of what stands and keeps the journal aside.";
    JOURNAL_OF_ANOTHER_STATE = "E0413" "the journal does not belong to this state file"
"An apply that was interrupted has left a journal, and the state file beside it is not the one that the apply started from: it
was replaced by an older one, by another project's, or is missing.

Put back the state file that was there when the apply was interrupted; then the next command takes up the journal.";
    JOURNAL_UNFINISHED = "E0414" "an interrupted apply has to be resolved first"
"A journal lies beside the state: an apply was interrupted, and what it did is not yet part of the state. Every command that
applies resolves it before it does anything else.

Run `secnet apply` or `secnet plan`.";
    NO_RANDOMNESS = "E0415" "the system has no randomness to give"
"Every project and every operation gets a random name, so that what it made can be found again after a crash. The operating
system's source of randomness did not answer.";
    STATE_HEALTHY = "E0416" "there is a state that is not lost"
"`secnet recover` rebuilds a state from the tags in the account. The one that is there can be read, and may know more than EC2
tells: hashes of user data, pinned images, what the policies demanded when last applied.

`secnet plan` compares it with what stands. With `--replace` it is rebuilt all the same; a copy of what was there is kept.";
    SEVERAL_LINEAGES = "E0417" "several projects have things of these names"
"Everything that secnet makes carries the random lineage of its project in the tag `secnet:lineage`. More than one lineage has
things with the addresses of this project: its environments, copies of it, or projects of others with the same names.

Look at the ids that are named, and choose with `--lineage`. With the wrong one this project would take over, and in the end
change or delete, what another one has made.";
    NOTHING_TO_RECOVER = "E0418" "nothing carries the tags of this project"
"`secnet recover` looks for the tags `secnet:lineage` and `secnet:address` in the account and region of the project, and those of
its `account` blocks. Nothing there has one of the project's addresses.

Check credentials and region. If the project has made nothing yet, there is nothing to rebuild: `secnet apply` makes it.";
    REMOTE_UNREACHABLE = "E0419" "the shared state cannot be reached"
"The project keeps its state in a bucket, and something that is needed of it could not be read or written: there is no such bucket,
the credentials do not give the right to it, or nothing answers. The message holds the reason.

Nothing was changed in EC2 that is not in the journal. What the state needs of a bucket are `s3:GetObject`, `s3:PutObject`,
`s3:DeleteObject` on its keys, and `s3:ListBucket`.";
    LEASE_HELD = "E0420" "another secnet holds the lock of the shared state"
"A state in a bucket has a lock that all machines see: a lease, which its holder renews while it is at work, and gives back at
the end. If the holder is killed, the lease runs out by itself, after a minute and a half at most, and the next run takes it over.

`--lock-timeout 5m` waits for it. If you know that the holder is gone and don't want to wait, `secnet state unlock ID` ends its
lease; a holder that lives on after all can write nothing more.";
    LEASE_LOST = "E0421" "the lock of the shared state was lost"
"This run held the lock of the state, and does not any more: the machine slept for longer than the lease, the bucket was out of reach
for so long, or somebody ended the lease with `secnet state unlock`. Another run may have begun since, so this one writes nothing and
sends nothing any more.

What it has done is in the journal. The next run finds out what came of the last calls, and goes on from there.";
    STATE_ELSEWHERE = "E0422" "the project's state is kept elsewhere"
"The `state` block in the project says where the state is kept. Here it says another place than the one where it was kept so far. Going
on would find no state there, and make everything a second time.

`secnet state migrate` copies the state to where the project says, verifies the copy, and sets the old one aside. If the block was
changed by mistake, change it back.";
    NOT_LOCKED_BY = "E0423" "there is no such lock"
"`secnet state unlock ID` ends the lease of the run that the id names, and no other: between the moment when you saw the id and now
another run may have begun.

The message says who holds the lock now, if anybody does. On a state beside the sources there is nothing to unlock: its lock is the
operating system's, and ends with its process.";
    CANNOT_MOVE = "E0425" "the state cannot move a resource there"
"`secnet state mv` gives a resource another address, in the same project or with `--to` in another one. It stays of its type, the new
address must be free, and another project must stand in the same account and region.

Nothing was changed. `secnet state list` lists what is there.";
    PUSH_REFUSED = "E0426" "the state file is none to put here"
"`secnet state push` puts a state file in the place of the state. That is for states of the same lineage, which `secnet state pull` has
printed; and one that is older than what is there would forget what was done since.

Look at both: `secnet state pull`. If the older one is meant, `--older` says so.";
    NO_VERSION = "E0427" "there is no such version of the state"
"Each time when a shared state is written, the one before it is kept, by its serial. A state beside the sources keeps none: version
control does.

`secnet state list --versions` lists those that there are.";
    MIGRATION_REFUSED = "E0428" "the state cannot be taken there"
"`secnet state migrate` copies the state to where the project says that it is kept. There is something already, which it does not write
over.

Nothing was changed. Look at what is there; name another `key` in the `state` block if it is another project's, or move it away.";
    NO_STATE_KEY = "E0429" "there is no key for the encrypted state"
"The `state` block of the project says that the state is encrypted. What it is encrypted with is in no source: with
`encryption = \"passphrase\"` it is in the environment variable SECNET_STATE_PASSPHRASE, with `encryption = \"key_file\"` in the file that
SECNET_STATE_KEY_FILE names: 32 random bytes, or 64 hexadecimal digits, as `openssl rand -hex 32` makes them.

Nothing was read or written. Without the key nobody can read the state: keep it where it survives this machine.";
    NOT_ENCRYPTED_SO = "E0430" "the shared state is not encrypted as the project says"
"An object of the state was encrypted with another passphrase or key, is in the clear though the `state` block says that it is encrypted,
or the other way round; or somebody has changed it. It is not taken for the state.

If the `state` block has changed on purpose, `secnet state migrate` brings everything into the form that it asks for. For what was
encrypted otherwise it takes SECNET_STATE_OLD_PASSPHRASE or SECNET_STATE_OLD_KEY_FILE. Everybody else needs the new block, and the key.";
    SEGMENT_BROKEN = "E0424" "the journal of the shared state is damaged"
"While an apply runs, the bucket holds its journal in numbered objects. One of them is missing, or holds something else than what
secnet has written; so what the apply has made cannot be told for certain.

Nothing was changed. Put the object back, from the bucket's versions; or, if it is beyond repair, run `secnet recover`, which
rebuilds the state from the tags of what stands.";
}

/// [`STATE_TRUNCATED`]
#[must_use]
pub fn truncated(path: &str) -> Diagnostic {
    Diagnostic::error(&STATE_TRUNCATED, format!("the state file `{path}` ends in the middle"))
        .help(format!("put a good copy of `{path}` back, or run `secnet recover`; nothing was changed"))
}

/// [`STATE_NOT_OURS`]
#[must_use]
pub fn not_ours(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&STATE_NOT_OURS, format!("`{path}` is no state file: {why}"))
        .help(format!("put a good copy of `{path}` back, or move it away if the project has made nothing yet"))
}

/// [`STATE_CHANGED_BY_HAND`]
#[must_use]
pub fn changed_by_hand(path: &str) -> Diagnostic {
    Diagnostic::error(&STATE_CHANGED_BY_HAND, format!("the state file `{path}` was changed by hand: its checksum does not fit"))
        .help(format!("take the edit back, or put a good copy of `{path}` back"))
}

/// [`STATE_NEWER`]
#[must_use]
pub fn newer(path: &str, format: u64, known: u32) -> Diagnostic {
    Diagnostic::error(&STATE_NEWER, format!("the state file `{path}` has format {format}, and this secnet knows formats up to {known}"))
        .help("install a newer secnet")
}

/// [`STATE_OF_ANOTHER_PROJECT`]
#[must_use]
pub fn of_another_project(path: &str, theirs: &str, ours: &str) -> Diagnostic {
    Diagnostic::error(&STATE_OF_ANOTHER_PROJECT, format!("the state file `{path}` belongs to project `{theirs}`, not to `{ours}`"))
        .help(format!("name the project `{theirs}` if it was renamed, or move `{path}` away"))
}

/// [`STATE_LOCKED`]
#[must_use]
pub fn locked(project: &str, holder: &str) -> Diagnostic {
    Diagnostic::error(&STATE_LOCKED, format!("another secnet is at work on project `{project}`: {holder}"))
        .help("wait until it is done, or stop it")
}

/// [`STATE_NOT_WRITABLE`]
#[must_use]
pub fn not_writable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&STATE_NOT_WRITABLE, format!("`{path}` cannot be written: {reason}"))
        .help("mend its rights, or free space on the disk")
}

/// [`STATE_NOT_READABLE`]
#[must_use]
pub fn not_readable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&STATE_NOT_READABLE, format!("`{path}` cannot be read: {reason}")).help("mend its rights or its owner")
}

/// [`STATE_MOVED_ON`]
#[must_use]
pub fn moved_on(path: &str) -> Diagnostic {
    Diagnostic::error(&STATE_MOVED_ON, format!("the state file `{path}` has changed since it was read"))
        .help("put the file back that was there before, and run the command again")
}

/// [`WRONG_ACCOUNT`]
#[must_use]
pub fn wrong_account(whose: &str, wanted: &str, actual: &str) -> Diagnostic {
    Diagnostic::error(&WRONG_ACCOUNT, format!("the credentials are for account `{actual}`, and {whose} belongs to account `{wanted}`"))
        .help(format!("use credentials of account `{wanted}`, by `AWS_PROFILE` or `--profile`"))
}

/// [`WRONG_REGION`]
#[must_use]
pub fn wrong_region(wanted: &str, actual: &str) -> Diagnostic {
    Diagnostic::error(&WRONG_REGION, format!("the region is `{actual}`, and the state's resources stand in `{wanted}`"))
        .help(format!("set the region to `{wanted}`, or destroy the project there first"))
}

/// [`JOURNAL_BROKEN`]
#[must_use]
pub fn journal_broken(path: &str, line: usize) -> Diagnostic {
    Diagnostic::error(&JOURNAL_BROKEN, format!("line {line} of the journal `{path}` is damaged"))
        .help(format!("put a good copy of `{path}` back, or run `secnet recover`"))
}

/// [`JOURNAL_OF_ANOTHER_STATE`]
#[must_use]
pub fn journal_of_another_state(journal: &str, state: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&JOURNAL_OF_ANOTHER_STATE, format!("the journal `{journal}` does not belong to the state file: {why}"))
        .help(format!("put back the `{state}` that was there when the apply was interrupted, or run `secnet recover`"))
}

/// [`JOURNAL_UNFINISHED`]
#[must_use]
pub fn journal_unfinished(path: &str) -> Diagnostic {
    Diagnostic::error(&JOURNAL_UNFINISHED, format!("an interrupted apply has left the journal `{path}`"))
        .help("run `secnet apply`, which resolves it first")
}

/// [`NO_RANDOMNESS`]
#[must_use]
pub fn no_randomness(error: &str) -> Diagnostic {
    Diagnostic::error(&NO_RANDOMNESS, format!("the system has no randomness to give: {error}"))
        .help("run the command again; if it stays so, see to the system's source of randomness")
}

/// [`STATE_HEALTHY`]
#[must_use]
pub fn healthy(path: &str) -> Diagnostic {
    Diagnostic::error(&STATE_HEALTHY, format!("`{path}` is neither lost nor broken"))
        .help("run `secnet plan` to see how it compares with what stands, or rebuild it all the same with `--replace`")
}

/// [`SEVERAL_LINEAGES`]; each with one of its things, and how many there are.
#[must_use]
pub fn several_lineages(all: &[(&str, String, usize)]) -> Diagnostic {
    let told: Vec<String> = all.iter().map(|(lineage, first, n)| format!("`{lineage}` ({n}, {first} among them)")).collect();
    Diagnostic::error(&SEVERAL_LINEAGES, format!("several projects have things of these names: {}", told.join(", ")))
        .help("choose one with `--lineage`")
}

/// [`NOTHING_TO_RECOVER`]
#[must_use]
pub fn nothing_to_recover(place: &str, lineage: Option<&str>) -> Diagnostic {
    let what = lineage.map_or_else(|| "a name of this project".into(), |lineage| format!("the lineage `{lineage}`"));
    Diagnostic::error(&NOTHING_TO_RECOVER, format!("nothing in {place} carries {what}"))
        .help("check the credentials and the region; what was never applied is made by `secnet apply`")
}

/// [`REMOTE_UNREACHABLE`]
#[must_use]
pub fn remote_unreachable(state: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&REMOTE_UNREACHABLE, format!("the state in `{state}` cannot be reached: {why}"))
        .help("look at the bucket's name and region, and at the rights of the credentials")
}

/// [`NO_STATE_KEY`]; `variable`: the one that says which it is.
#[must_use]
pub fn no_state_key(variable: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&NO_STATE_KEY, format!("the state is encrypted, and {why}")).help(format!("set {variable}"))
}

/// [`NOT_ENCRYPTED_SO`]
#[must_use]
pub fn not_encrypted_so(object: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&NOT_ENCRYPTED_SO, format!("`{object}` cannot be read: {why}"))
        .help("give the passphrase or the key that it was written with; if the `state` block was changed, `secnet state migrate`")
}

/// [`LEASE_HELD`]; `id` is what the lock goes by.
#[must_use]
pub fn lease_held(project: &str, holder: &str, id: &str) -> Diagnostic {
    let help = match id {
        "" => "run the command again".to_owned(),
        id => format!("wait for it with `--lock-timeout 5m`; if it is certain to be gone, `secnet state unlock {id}`"),
    };
    Diagnostic::error(&LEASE_HELD, format!("another secnet is at work on project `{project}`: {holder}")).help(help)
}

/// [`LEASE_LOST`]
#[must_use]
pub fn lease_lost(state: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&LEASE_LOST, format!("`{state}` was not written: {why}"))
        .help("run the command again: it takes up the journal, and finds out what this run has done")
}

/// [`STATE_ELSEWHERE`]
#[must_use]
pub fn state_elsewhere(wanted: &str, known: &str) -> Diagnostic {
    Diagnostic::error(&STATE_ELSEWHERE, format!("the project keeps its state in `{wanted}`, and so far it was in `{known}`"))
        .help("run `secnet state migrate` to take it there, or change the `state` block back")
}

/// [`NOT_LOCKED_BY`]; `held`: id and holder of the lock that there is.
#[must_use]
pub fn not_locked_by(project: &str, id: &str, held: Option<(&str, &str)>) -> Diagnostic {
    let message = format!("project `{project}` is not locked by `{id}`");
    let help = match held {
        Some((id, holder)) => format!("its lock is `{id}`, of {holder}"),
        None => "nobody holds its lock: there is nothing to unlock".into(),
    };
    Diagnostic::error(&NOT_LOCKED_BY, message).help(help)
}

/// [`CANNOT_MOVE`]
#[must_use]
pub fn cannot_move(old: &str, new: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&CANNOT_MOVE, format!("`{old}` cannot become `{new}`: {why}")).help("choose another address; nothing was changed")
}

/// [`PUSH_REFUSED`]
#[must_use]
pub fn push_refused(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&PUSH_REFUSED, format!("`{file}` does not take the state's place: {why}"))
        .help("compare it with what `secnet state pull` prints; `--older` puts an older one back")
}

/// [`NO_VERSION`]
#[must_use]
pub fn no_version(state: &str, serial: u64) -> Diagnostic {
    Diagnostic::error(&NO_VERSION, format!("`{state}` has no earlier state of serial {serial}"))
        .help("`secnet state list --versions` lists those that there are")
}

/// [`MIGRATION_REFUSED`]
#[must_use]
pub fn migration_refused(state: &str, what: &str) -> Diagnostic {
    Diagnostic::error(&MIGRATION_REFUSED, format!("the state was not taken to `{state}`: there is {what}"))
        .help("name another `key` in the `state` block, or move away what is there")
}

/// [`SEGMENT_BROKEN`], of one that is there.
#[must_use]
pub fn segment_broken(segment: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&SEGMENT_BROKEN, format!("the segment `{segment}` of the journal is damaged: {why}"))
        .help("put a good version of it back, or run `secnet recover`")
}

/// [`SEGMENT_BROKEN`], of one that is not there.
#[must_use]
pub fn segment_missing(journal: &str, number: u64) -> Diagnostic {
    Diagnostic::error(&SEGMENT_BROKEN, format!("segment {number} of the journal `{journal}` is missing"))
        .help("put it back, or run `secnet recover`")
}
