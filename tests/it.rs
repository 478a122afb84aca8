//! Tests of the library through its public doors; one binary, so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/addresses.rs"]
mod addresses;
#[path = "it/alike.rs"]
mod alike;
#[path = "it/apply.rs"]
mod apply;
#[path = "it/ask.rs"]
mod ask;
#[path = "it/broken.rs"]
mod broken;
#[path = "it/cases.rs"]
mod cases;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/cli_console.rs"]
mod cli_console;
#[path = "it/cli_docs.rs"]
mod cli_docs;
#[path = "it/cli_env.rs"]
mod cli_env;
#[path = "it/cli_graph.rs"]
mod cli_graph;
#[path = "it/cli_lock.rs"]
mod cli_lock;
#[path = "it/cli_prove.rs"]
mod cli_prove;
#[path = "it/cli_state.rs"]
mod cli_state;
#[path = "it/cli_test.rs"]
mod cli_test;
#[path = "it/codes.rs"]
mod codes;
#[path = "it/deep.rs"]
mod deep;
#[path = "it/defaults.rs"]
mod defaults;
#[path = "it/drift.rs"]
mod drift;
#[path = "it/during.rs"]
mod during;
#[path = "it/edges.rs"]
mod edges;
#[path = "it/editors.rs"]
mod editors;
#[path = "it/examples.rs"]
mod examples;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/held.rs"]
mod held;
#[path = "it/iam.rs"]
mod iam;
#[path = "it/index.rs"]
mod index;
#[path = "it/ipv6.rs"]
mod ipv6;
#[path = "it/kept.rs"]
mod kept;
#[path = "it/kernel.rs"]
mod kernel;
#[path = "it/kernel_build.rs"]
mod kernel_build;
#[path = "it/launched.rs"]
mod launched;
#[path = "it/lifecycle.rs"]
mod lifecycle;
#[path = "it/lint.rs"]
mod lint;
#[path = "types/run.rs"]
mod lives;
#[path = "it/log.rs"]
mod log;
#[path = "it/lsp.rs"]
mod lsp;
#[path = "it/lsp_agrees.rs"]
mod lsp_agrees;
#[path = "it/lsp_features.rs"]
mod lsp_features;
#[path = "it/lsp_fixes.rs"]
mod lsp_fixes;
#[path = "it/lsp_further.rs"]
mod lsp_further;
#[path = "it/lsp_memory.rs"]
mod lsp_memory;
#[path = "it/pieces.rs"]
mod pieces;
#[path = "it/plan.rs"]
mod plan;
#[path = "it/play.rs"]
mod play;
#[path = "it/policy.rs"]
mod policy;
#[path = "it/policy_answers.rs"]
mod policy_answers;
#[path = "it/policy_meaning.rs"]
mod policy_meaning;
#[path = "it/policy_random.rs"]
mod policy_random;
#[path = "it/proof.rs"]
mod proof;
#[path = "it/prove.rs"]
mod prove;
#[path = "it/quota.rs"]
mod quota;
#[path = "it/random.rs"]
mod random;
#[path = "it/reach.rs"]
mod reach;
#[path = "it/recover.rs"]
mod recover;
#[path = "it/replay.rs"]
mod replay;
#[path = "it/resources.rs"]
mod resources;
#[path = "it/rounds.rs"]
mod rounds;
#[path = "it/script.rs"]
mod script;
#[path = "it/sensitive.rs"]
mod sensitive;
#[path = "it/sensitive_cli.rs"]
mod sensitive_cli;
#[path = "it/sets.rs"]
mod sets;
#[path = "it/spec.rs"]
mod spec;
#[path = "it/state.rs"]
mod state;
#[path = "it/targets.rs"]
mod targets;
#[path = "it/tidy.rs"]
mod tidy;
#[path = "it/transit.rs"]
mod transit;
#[path = "it/transit_peering.rs"]
mod transit_peering;
#[path = "it/turns.rs"]
mod turns;
#[path = "it/types.rs"]
mod types;
#[path = "it/undo.rs"]
mod undo;
#[path = "it/unread.rs"]
mod unread;
#[path = "it/vpn.rs"]
mod vpn;
