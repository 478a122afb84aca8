//! The words that the language gives a meaning, each in one list: what the resolver knows, what an editor completes, and what the
//! grammars for editors under `editors/` colour. Layer 1. `tests/it/editors.rs` holds the grammar and the Specs to them.

/// What begins a statement at the top of a file, beside the kinds of resources.
pub const STATEMENTS: &[&str] = &[
    "project", "variable", "let", "output", "existing", "policy", "moved", "waive", "module", "extend", "import", "forget", "test", "env",
    "account",
];

/// Those of them that the grammar knows as statements of their own; an account looks like a resource.
pub const BLOCKS_LIKE_RESOURCES: &[&str] = &["account"];

/// What repeats, chooses and leaves out.
pub const CONTROL: &[&str] = &["for", "in", "if", "then", "else"];

/// Values that nothing else can be called.
pub const CONSTANTS: &[&str] = &["null", "true", "false"];

/// What begins an entry of a body that ends with its line, and is no resource's own.
pub const CLAUSES: &[&str] = &["validate", "assert", "with"];

/// Heads of sentences that exist, and of [`CLAUSES`] that read like one: a single term after one is a sentence that lacks its end,
/// and no attribute that lacks its `=`.
pub const HEADS: &[&str] =
    &["ingress", "egress", "in", "out", "route", "blackhole", "entry", "require", "forbid", "validate", "assert", "expect", "plan"];

/// What goes on with a sentence on the next line.
pub const CONTINUATIONS: &[&str] = &["from", "to", "via", "except", "client", "during"];

/// What stands between the parts of a sentence or a statement, and goes on with none.
pub const JOINTS: &[&str] = &["until"];

/// What an entry of a network ACL does.
pub const CHOICES: &[&str] = &["allow", "deny"];

/// Values that have a word of their own wherever no local name takes it.
pub const VALUES: &[&str] = &["anywhere", "internet", "any", "all", "tcp", "udp", "icmp", "icmpv6"];

/// What a `/` after makes a service of, whatever follows.
pub const PROTOCOLS: &[&str] = &["tcp", "udp", "icmpv6", "icmp", "protocol", "all"];

/// Types of variables, beside the kinds of resources.
pub const TYPES: &[&str] = &["string", "int", "float", "bool", "cidr", "ip", "service", "peer", "duration", "list", "set", "map", "object"];
