// The grammar that colours, as the editor itself runs it: over every example, word by word where it matters.
// SECNET_BLESS=1 writes the snapshot anew.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const { Registry, INITIAL, parseRawGrammar } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const here = fileURLToPath(new URL("..", import.meta.url));
const root = join(here, "../..");
const path = join(here, "syntaxes/secnet.tmLanguage.json");

await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const registry = new Registry({
    onigLib: Promise.resolve({
        createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
        createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => parseRawGrammar(readFileSync(path, "utf8"), path),
});
const grammar = await registry.loadGrammar("source.secnet");

/** The tokens of a text: the line, what is written, and its innermost scopes. */
function tokens(text) {
    const found = [];
    let state = INITIAL;
    text.split("\n").forEach((line, at) => {
        const result = grammar.tokenizeLine(line, state);
        state = result.ruleStack;
        for (const { startIndex, endIndex, scopes } of result.tokens) {
            found.push({ line: at, text: line.slice(startIndex, endIndex), scopes: scopes.slice(1) });
        }
    });
    return found;
}

/** The scopes of the first token that is written so, on its line. */
function scope(text, word, line = 0) {
    const token = tokens(text).find((t) => t.line === line && t.text.trim() === word);
    assert.ok(token, `\`${word}\` is no token of ${JSON.stringify(tokens(text).map((t) => t.text))}`);
    return token.scopes.map((s) => s.replace(/\.secnet$/, "")).join(" ");
}

function sources(directory) {
    return readdirSync(directory).flatMap((name) => {
        const at = join(directory, name);
        if (statSync(at).isDirectory()) return name.startsWith(".") ? [] : sources(at);
        return name.endsWith(".secnet") ? [at] : [];
    });
}

const examples = sources(join(root, "examples"));

test("nothing in an example is invalid, and every statement has its colour", () => {
    assert.ok(examples.length >= 7);
    for (const file of examples) {
        const text = readFileSync(file, "utf8");
        const all = tokens(text);
        const shown = relative(root, file);
        const invalid = all.filter((t) => t.scopes.some((s) => s.startsWith("invalid")));
        assert.deepEqual(invalid, [], shown);
        // What begins in column 0 begins a statement, but for comments and closing brackets.
        text.split("\n").forEach((line, at) => {
            const first = all.find((t) => t.line === at && t.text.trim() !== "");
            const scopes = first?.scopes.join(" ") ?? "";
            if (/^[a-z]/.test(line)) assert.match(scopes, /keyword\.other\.statement|entity\.name\.type/, `${shown}:${at + 1}: ${line}`);
            if (/^\s*#/.test(line)) assert.match(scopes, /comment/, `${shown}:${at + 1}: ${line}`);
            const attribute = /^\s+([a-z_]+)\s*=[^=]/.exec(line);
            if (attribute) assert.match(scopes, /variable\.other\.property/, `${shown}:${at + 1}: ${line}`);
            const sentence = /^\s+(ingress|egress|in|out|route|require|forbid)\s/.exec(line);
            if (sentence) assert.match(scopes, /keyword\.other\.sentence/, `${shown}:${at + 1}: ${line}`);
        });
        // A text that never ends would colour the rest of the file.
        assert.ok(!all.at(-1).scopes.some((s) => s.startsWith("string")), shown);
    }
});

const CASES = [
    ["vpc main {", "vpc", "entity.name.type"],
    ["vpc main {", "main", "entity.name.tag"],
    ["existing subnet first {", "existing", "keyword.other.statement"],
    ["existing subnet first {", "subnet", "entity.name.type"],
    ["existing subnet all for {} {", "for", "keyword.control"],
    ["subnet private for i, az in azs {", "private", "entity.name.tag"],
    ["subnet private for i, az in azs {", "in", "keyword.control"],
    ["nat_gateway main if production {", "if", "keyword.control"],
    ["account other {", "other", "entity.name.tag"],
    ["policy private \"why\" during apply {", "during apply", "keyword.other.joint"],
    ["variable maintainers: list(cidr) = []", "list", "support.type"],
    ["variable maintainers: list(cidr) = []", "maintainers", "entity.name.tag"],
    ["variable port: int = 22", "22", "constant.numeric"],
    ["variable it: object({ a: string, b?: int }) = null", "b", "variable.other.property"],
    ["variable it: object({ a: string, b?: int }) = null", "null", "constant.language"],
    ["variable secret: string { sensitive = true }", "sensitive", "variable.other.property"],
    ["variable secret: string { sensitive = true }", "true", "constant.language"],
    ["  in 100 allow tcp/22 from maintainers", "in", "keyword.other.sentence"],
    ["  in 100 allow tcp/22 from maintainers", "allow", "keyword.other.choice"],
    ["  in 100 allow tcp/22 from maintainers", "tcp/22", "constant.numeric.service"],
    ["  in 100 allow tcp/22 from maintainers", "from", "keyword.other.joint"],
    ["  egress all to anywhere", "all", "constant.language.value"],
    ["  egress all to anywhere", "anywhere", "constant.language.value"],
    ["  for p in ps { ingress tcp/80,443 from p.cidr }", "ingress", "keyword.other.sentence"],
    ["  for p in ps { ingress tcp/80,443 from p.cidr }", "tcp/80,443", "constant.numeric.service"],
    ["  for p in ps { ingress tcp/80,443 from p.cidr }", "cidr", "variable.other.property"],
    ["  route = 1", "route", "variable.other.property"],
    ["  to = 1", "to", "variable.other.property"],
    ["  validate x > 0 \"no\"", "validate", "keyword.other.sentence"],
    ["  cidr_block = 10.0.0.0/16", "10.0.0.0/16", "constant.numeric.network"],
    ["  cidr_block = 2001:db8::/32", "2001:db8::/32", "constant.numeric.network"],
    ["  cidr_block = ::/0", "::/0", "constant.numeric.network"],
    ["  wait = 5m", "5m", "constant.numeric"],
    ["  image = ami(\"al2023\")", "ami", "support.function"],
    ["  vpc = vpc.main", "=", "keyword.operator.assignment"],
    ["  text = \"a ${b.c} d\"", "${", "string.quoted.double punctuation.section.interpolation.begin"],
    ["  text = \"a ${b.c} d\"", "c", "string.quoted.double meta.embedded.line variable.other.property"],
    ["  text = \"a $${b}\"", "$${", "string.quoted.double constant.character.escape"],
    ["  text = \"\\u{1F600}\"", "\\u{1F600}", "string.quoted.double constant.character.escape"],
    ["  text = \"\\q\"", "\\q", "string.quoted.double invalid.illegal.escape"],
    ["  a = [for x in xs if x > 1 : x]", ":", "keyword.operator"],
    ["  a = if b then c else d", "then", "keyword.control"],
    ["  a = 1 # why", "# why", "comment.line.number-sign"],
    ["## why", "## why", "comment.line.documentation"],
];

test("words have the scopes they should", () => {
    for (const [line, word, wanted] of CASES) assert.equal(scope(line, word), wanted, `\`${word}\` in \`${line}\``);
});

test("a heredoc ends where it should", () => {
    const text = "  user_data = <<~EOF\n    for x in ${y} # no comment\n  EOF\n  a = 1";
    assert.equal(scope(text, "for x in", 1), "string.unquoted.heredoc");
    assert.match(scope(text, "y", 1), /meta\.embedded/);
    assert.equal(scope(text, "a", 3), "variable.other.property");
});

test("a string that is not closed ends with its line", () => {
    assert.equal(scope("  a = \"b\n  c = 1", "c", 1), "variable.other.property");
});

test("the first example looks as it did", () => {
    const text = readFileSync(join(root, "examples/secure_server/main.secnet"), "utf8");
    const shown = tokens(text)
        .filter((t) => t.text.trim() !== "")
        .map((t) => `${String(t.line + 1).padStart(3)} ${t.text.trim().padEnd(28)} ${t.scopes.join(" ")}`.trimEnd());
    const snapshot = join(here, "test/secure_server.scopes");
    const now = `${shown.join("\n")}\n`;
    if (process.env.SECNET_BLESS) writeFileSync(snapshot, now);
    assert.equal(now, readFileSync(snapshot, "utf8"));
});
