//! E06: the environment: files, credentials, endpoints, and what was asked of the command line.

use crate::base::diagnostic::{Diagnostic, nearest};

crate::codes! {
    NO_SOURCES = "E0601" "a directory holds no sources"
"secnet reads every file of a directory whose name ends in `.secnet`; subdirectories are projects of their own. This directory has
no such file.

Name the directory that has them, `secnet plan path/to/project`, or start a project with `secnet new NAME`.";
    UNREADABLE = "E0602" "a file or directory cannot be read"
"The operating system has refused to read it; the message holds its reason.

Look at the path and at its permissions.";
    NOT_UTF8 = "E0603" "a source file is not UTF-8"
"Sources are UTF-8 text. Something in this file is not: it was probably saved in an older encoding such as Latin-1 or UTF-16, or is no
text at all.

Save it again as UTF-8. `iconv -f latin1 -t utf-8 main.secnet` converts one on most systems.";
    TOO_LARGE = "E0604" "a source file is too large"
"A source file may have 64 MiB, and a project 4096 files. No project written by people comes near these limits; the file is probably
something else that happens to end in `.secnet`.";
    TOO_MANY = "E0605" "a project has too many source files"
"A project may have 4096 files. Split it into several projects, or join small files.";
    NO_CREDENTIALS = "E0610" "there are no credentials"
"secnet finds credentials as every AWS tool does: the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`), a profile in
`~/.aws/config`, single sign-on, a web identity, or the role of the machine it runs on. None of these gave any.

`aws sso login --profile NAME` and then `--profile NAME`, or set the two variables. Without an account, `--sandbox` runs the same
commands against an EC2 in memory.";
    NO_REGION = "E0611" "no region is given"
"EC2 exists once in each region, and secnet does not guess one.

Write `region = \"eu-central-1\"` in the `project` block, so that the project can't end up elsewhere; or give `--region`, `AWS_REGION`, or
a `region` in the profile.";
    NO_SUCH_REGION = "E0612" "a region does not exist"
"There is no EC2 under the name of this region: its endpoint cannot be found.

`aws ec2 describe-regions --all-regions` lists the regions of an account. The name of a zone (`us-east-1a`) is the name of its region
(`us-east-1`) and a letter.";
    UNREACHABLE = "E0613" "the endpoint cannot be reached"
"Nothing accepts connections where EC2 is expected, or what answers does not speak EC2: a proxy's page, a login page, another server at
this port. The call has not been carried out.

Look at the address (`--endpoint-url`, `AWS_ENDPOINT_URL`), at the network, and at the proxy (`HTTPS_PROXY`, `NO_PROXY`).";
    NO_ANSWER = "E0614" "the endpoint does not answer"
"A connection was made, and no answer came in time. If the call was to change something, it may have been carried out or not: the journal
knows of it, and the next run finds out before it does anything else.

Look whether the endpoint is one of EC2's, and run the command again.";
    OTHER_REGION = "E0615" "the project stands in another region"
"The project says in which region it stands, and `--region` says another. A project does not move: its resources would be made a second
time, and the first ones would be forgotten.

Leave `--region` out. To have the same project in several regions, take the region out of its sources and give each its own directory.";
    DENIED = "E0616" "EC2 denies the call"
"The credentials are missing, expired or invalid, or they do not give the right to this action.

`aws sts get-caller-identity` says who you are. If that is who you expected, the policies of that identity must allow the action that
the message names, `ec2:DescribeVpcs` for instance.";
    WITHOUT_SDK = "E0617" "this build cannot talk to EC2"
"This secnet was built without the AWS SDK (`--no-default-features`), as its developers do, since the SDK takes minutes to compile. It
plans and applies in the sandbox only.

`cargo install --locked --path .` builds one with it.";
    REFUSED = "E0618" "EC2 refuses a read"
"EC2 has answered with an error while secnet was reading what stands. Nothing has been changed. The message holds EC2's code and words,
and the request id that AWS's support asks for.";
    PLAN_FILE = "E0620" "a plan file cannot be used"
"A plan file is written by `secnet plan --out FILE` and applied by `secnet apply FILE`, by the same version of secnet. This one is not
complete, was changed, or is no plan at all.

Make it anew.";
    NO_TERMINAL = "E0630" "nobody can be asked"
"An apply and a destroy show their plan and ask before they touch anything. Here there is no terminal to ask at, or the answer would get
into a machine's output.

`--yes` goes ahead without asking. To look first and apply exactly that later: `secnet plan --out FILE`, then `secnet apply FILE --yes`.";
    NOT_AGREED = "E0631" "the plan was not agreed to"
"Only the word `yes` goes ahead. Nothing has been touched.";
    UNKNOWN_CODE = "E0632" "there is no message with this code"
"Codes are a letter and four digits: `E0301`. Each message shows its own.";
    EXISTS = "E0633" "something is there already"
"`secnet new` makes a directory of its own and writes over nothing.";
    BAD_NAME = "E0634" "a project has no usable name"
"The name of a project names its state file and stands in its sources: a letter, then letters, digits and underscores.";
    NOT_IN_STATE = "E0635" "the state has no such resource"
"The state holds what the project has made and not yet destroyed. `secnet state list` lists it.";
    NO_OUTPUT = "E0636" "there is no such output"
"The outputs are those of the last apply. One that was written since is known after the next.";
    UNWRITABLE = "E0637" "a file cannot be written"
"The operating system has refused to write it; the message holds its reason.

Look at the path, at its permissions, and at the space that is left.";
    ADDRESS_TAKEN = "E0638" "the sandbox cannot listen"
"`secnet sandbox serve` listens on loopback alone. The port is taken, or may not be used.

Choose another with `--port`, or 0 for one that is free.";
    SANDBOX = "E0639" "the sandbox cannot be used"
"The sandbox keeps its world in `.secnet/sandbox/world.json` in the project's directory. The file cannot be read, holds no world, or one of
another region.

Remove the directory `.secnet/sandbox` with everything in it: there is nothing in it that cannot be made again.";
    UNKNOWN_TOPIC = "E0645" "the manual has no such topic"
"A topic is the name of a resource type, a function, a chapter, a command or a message's code, or a page and a piece of it:
`subnet`, `subnet.cidr_block`, `network_acl.in`, `contains`, `E0301`. `secnet docs` lists them.";
    WITHHELD = "E0646" "a plan file needs its sensitive values again"
"A plan file holds no value of a sensitive variable, only a salted hash that tells whether it is given the same one again.

```text
secnet plan --var token=... --out network.plan
secnet apply network.plan --var token=...
```

Give the value in any of the ways in which the plan got it: `--var`, `SECNET_VAR_token`, or the same file with `--var-file`.";
    NOT_KEPT = "E0647" "a sensitive output is not kept"
"Of an output that is `sensitive = true` the state keeps the name alone, so that whoever reads the state does not learn the value, and
`secnet output` has nothing to print.

Take the value from where the project takes it. Where it is no secret, take the mark off and apply again.";
}

/// [`NO_SOURCES`]
#[must_use]
pub fn no_sources(directory: &str) -> Diagnostic {
    Diagnostic::error(&NO_SOURCES, format!("`{directory}` holds no file that ends in `.secnet`"))
        .help("name the directory of a project, or start one with `secnet new NAME`")
}

/// [`UNREADABLE`]: what an editor sends.
#[must_use]
pub fn editor_gone(why: &str) -> Diagnostic {
    Diagnostic::error(&UNREADABLE, format!("what the editor sends cannot be read: {why}"))
        .help("an editor starts `secnet lsp` by itself; nothing else is to write to its standard input")
}

/// [`UNREADABLE`]
#[must_use]
pub fn unreadable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&UNREADABLE, format!("`{path}` cannot be read: {reason}")).help("look at the path and at its permissions")
}

/// [`UNWRITABLE`]
#[must_use]
pub fn unwritable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&UNWRITABLE, format!("`{path}` cannot be written: {reason}"))
        .help("look at the path, its permissions and the space left")
}

/// [`NOT_UTF8`]: the first bad byte, its offset from 0, its line from 1.
#[must_use]
pub fn not_utf8(path: &str, byte: u8, offset: usize, line: usize) -> Diagnostic {
    Diagnostic::error(&NOT_UTF8, format!("`{path}` is not UTF-8: byte 0x{byte:02x} at offset {offset}, in line {line}"))
        .help("save the file as UTF-8")
}

/// [`TOO_LARGE`]
#[must_use]
pub fn too_large(path: &str, bytes: u64, most: usize) -> Diagnostic {
    Diagnostic::error(&TOO_LARGE, format!("`{path}` has {bytes} bytes; a source file may have {most}"))
        .help("give it another ending if it is no source file")
}

/// [`TOO_MANY`]
#[must_use]
pub fn too_many(directory: &str, files: usize, most: usize) -> Diagnostic {
    Diagnostic::error(&TOO_MANY, format!("`{directory}` has {files} source files; a project may have {most}"))
        .help("split it into several projects")
}

/// [`NO_CREDENTIALS`]: what was found instead.
#[must_use]
pub fn no_credentials(said: &str) -> Diagnostic {
    Diagnostic::error(&NO_CREDENTIALS, said).help("give `--profile` if they are in another profile; `--sandbox` needs none")
}

/// [`NO_REGION`]
#[must_use]
pub fn no_region() -> Diagnostic {
    Diagnostic::error(&NO_REGION, "no region is given")
        .help("write `region = \"us-east-1\"` in the `project` block, or give `--region` or `AWS_REGION`")
}

/// [`NO_SUCH_REGION`]: with the regions that there are, as far as known.
#[must_use]
pub fn no_such_region<'a>(region: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_SUCH_REGION, format!("there is no region `{region}`"));
    let zone = region.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|r| r.ends_with(|c: char| c.is_ascii_digit()));
    match zone.or_else(|| nearest(region, known)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`aws ec2 describe-regions` lists them"),
    }
}

/// [`UNREACHABLE`]: what happened, with the endpoint.
#[must_use]
pub fn unreachable(said: &str) -> Diagnostic {
    Diagnostic::error(&UNREACHABLE, said).help("look at `--endpoint-url`, `AWS_ENDPOINT_URL`, the network and the proxy")
}

/// [`NO_ANSWER`]: what happened, with the endpoint.
#[must_use]
pub fn no_answer(action: &str, said: &str) -> Diagnostic {
    Diagnostic::error(&NO_ANSWER, format!("no answer to `{action}`: {said}"))
        .help("look whether this is an endpoint of EC2, and run the command again")
}

/// [`UNREACHABLE`], for what stands in the way before anything is sent.
#[must_use]
pub fn no_connection(said: &str, help: &str) -> Diagnostic {
    Diagnostic::error(&UNREACHABLE, said).help(help)
}

/// [`OTHER_REGION`]
#[must_use]
pub fn other_region(ours: &str, asked: &str) -> Diagnostic {
    Diagnostic::error(&OTHER_REGION, format!("the project stands in `{ours}`, and `--region` says `{asked}`")).help("leave `--region` out")
}

/// [`SANDBOX`]
#[must_use]
pub fn sandbox_unusable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&SANDBOX, format!("the sandbox in `{path}` cannot be used: {reason}"))
        .help("remove the directory `.secnet/sandbox` to start with an empty one")
}

/// [`DENIED`]: what EC2 said.
#[must_use]
pub fn denied(action: &str, said: &str) -> Diagnostic {
    Diagnostic::error(&DENIED, format!("no right to call `{action}`: {said}"))
        .help(format!("allow `ec2:{action}` to the identity that `aws sts get-caller-identity` shows, or use another `--profile`"))
}

/// [`REFUSED`]: what EC2 said.
#[must_use]
pub fn refused(action: &str, said: &str) -> Diagnostic {
    Diagnostic::error(&REFUSED, format!("EC2 refuses `{action}`: {said}")).help("nothing has been changed; run the command again")
}

/// [`WITHOUT_SDK`]
#[must_use]
pub fn without_sdk() -> Diagnostic {
    Diagnostic::error(&WITHOUT_SDK, "this build of secnet has no AWS SDK in it and can only use the sandbox")
        .help("add `--sandbox`, or install a complete build with `cargo install --locked --path .`")
}

/// [`PLAN_FILE`]
#[must_use]
pub fn plan_file(path: &str, what: &str) -> Diagnostic {
    Diagnostic::error(&PLAN_FILE, format!("`{path}` is no plan that can be applied: {what}"))
        .help("make it anew with `secnet plan --out FILE`")
}

/// [`NO_TERMINAL`]
#[must_use]
pub fn no_terminal(command: &str) -> Diagnostic {
    Diagnostic::error(&NO_TERMINAL, format!("`secnet {command}` asks before it changes anything, and there is no terminal to ask at"))
        .help("add `--yes` to go ahead without being asked; nothing has been touched")
}

/// [`NOT_AGREED`]
#[must_use]
pub fn not_agreed() -> Diagnostic {
    Diagnostic::error(&NOT_AGREED, "the answer was not `yes`").help("nothing has been touched")
}

/// [`UNKNOWN_CODE`]
#[must_use]
pub fn unknown_code<'a>(code: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_CODE, format!("there is no message with the code `{code}`"));
    match nearest(&code.to_uppercase(), known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`secnet explain` without a code lists them"),
    }
}

/// [`UNKNOWN_TOPIC`]
#[must_use]
pub fn unknown_topic<'a>(topic: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_TOPIC, format!("the manual has no topic `{topic}`"));
    match nearest(topic, known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`secnet docs` without a topic lists them"),
    }
}

/// [`EXISTS`]
#[must_use]
pub fn exists(path: &str) -> Diagnostic {
    Diagnostic::error(&EXISTS, format!("`{path}` is there already")).help("choose another name")
}

/// [`BAD_NAME`]
#[must_use]
pub fn bad_name(name: &str) -> Diagnostic {
    Diagnostic::error(&BAD_NAME, format!("`{name}` cannot name a project")).help("start with a letter, go on with letters, digits and `_`")
}

/// [`NOT_IN_STATE`]
#[must_use]
pub fn not_in_state<'a>(address: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NOT_IN_STATE, format!("the state has no `{address}`"));
    match nearest(address, known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`secnet state list` lists what it has"),
    }
}

/// [`NO_OUTPUT`]
#[must_use]
pub fn no_output<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_OUTPUT, format!("the last apply gave no output `{name}`"));
    match nearest(name, known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`secnet output` lists them; `secnet apply` brings them up to date"),
    }
}

/// [`WITHHELD`]; `what` is an option or a variable of the environment.
#[must_use]
pub fn withheld(what: &str, another: bool) -> Diagnostic {
    let how = if another { "is not what it was when the plan was made" } else { "is sensitive, so the plan file does not hold it" };
    Diagnostic::error(&WITHHELD, format!("`{what}` {how}")).help("give the value that the plan was made with, or make a new plan")
}

/// [`NOT_KEPT`]
#[must_use]
pub fn not_kept(name: &str) -> Diagnostic {
    Diagnostic::error(&NOT_KEPT, format!("the output `{name}` is sensitive: the state has nothing but its name"))
        .help("take the value from where the project takes it")
}

/// [`ADDRESS_TAKEN`]
#[must_use]
pub fn address_taken(address: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(&ADDRESS_TAKEN, format!("the sandbox cannot listen on {address}: {reason}")).help("choose another port with `--port`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_and_a_slip_lead_to_the_region() {
        let help = |region: &str| no_such_region(region, ["us-east-1", "eu-central-1"]).help;
        assert_eq!(help("us-east-1a").as_deref(), Some("did you mean `us-east-1`?"));
        assert_eq!(help("eu-centrl-1").as_deref(), Some("did you mean `eu-central-1`?"));
        assert_eq!(help("mars").as_deref(), Some("`aws ec2 describe-regions` lists them"));
    }
}
