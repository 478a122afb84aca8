#!/usr/bin/env python3
"""The grammar for tree-sitter against the parser that counts.

Compiles the generated parser with `cc`, and parses every example, and every source in the specs and the manual that secnet itself can read:
nothing in a tree may be an error. Then the corpus: what is written, and its tree to the letter (SECNET_BLESS=1 writes it).

Usage: trees.py SECNET; ends with 1 at what is not so.
"""

import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tree_sitter import Language, Node, Parser, Query

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = ROOT / "editors/tree-sitter-secnet"


def language(directory: Path) -> Language:
    library = directory / "secnet.so"
    sources = [GRAMMAR / "src/parser.c", GRAMMAR / "src/scanner.c"]
    flags = ["-shared", "-fPIC", "-O1", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    subprocess.run(["cc", *flags, "-I", GRAMMAR / "src", *sources, "-o", library], check=True)
    function = ctypes.CDLL(str(library)).tree_sitter_secnet
    function.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return Language(capsule(function(), b"tree_sitter.Language", None))


def sources() -> dict[str, str]:
    """Every source there is, by where it stands."""
    found = {}
    for path in sorted(p for p in (ROOT / "examples").rglob("*.secnet") if p.is_file()):
        if ".secnet" not in path.parts:
            found[str(path.relative_to(ROOT))] = path.read_text()
    for folder in ("tests/spec", "tests/types", "src/manual/chapters"):
        for path in sorted((ROOT / folder).rglob("*.md")):
            fences = re.finditer(r"^```secnet[^\n]*\n(.*?)^```$", path.read_text(), re.M | re.S)
            for at, fence in enumerate(fences):
                found[f"{path.relative_to(ROOT)}#{at + 1}"] = fence[1]
    for path in sorted((GRAMMAR / "test/corpus").glob("*.txt")):
        found |= {f"{path.relative_to(ROOT)}: {name}": source for name, source, _ in cases(path)}
    return found


def accepted(secnet: str, texts: dict[str, str], directory: Path) -> dict[str, str]:
    """Those of the texts that secnet's own parser takes."""
    names = {f"{at}.secnet": name for at, name in enumerate(texts)}
    for file, name in names.items():
        (directory / file).write_text(texts[name], newline="")
    run = subprocess.run([secnet, "fmt", "--check", "--json", "."], cwd=directory, capture_output=True, text=True, check=False)
    said = json.loads(run.stdout)
    wrong = {Path(d["file"]).name for d in said.get("diagnostics", [])}
    return {name: texts[name] for file, name in names.items() if file not in wrong}


def errors(node: Node) -> list[Node]:
    if node.type == "ERROR" or node.is_missing:
        return [node]
    return [error for child in node.children if child.has_error for error in errors(child)]


def pretty(tree: str) -> str:
    """A tree with a line a node, as `tree-sitter test` writes it."""
    out, depth = [], 0
    for token in re.findall(r"\w+: |\(|\)|[^\s()]+", tree):
        if token == "(":
            if not (out and out[-1].endswith(": ")):
                out.append("\n" + "  " * depth)
            out.append("(")
            depth += 1
        elif token == ")":
            depth -= 1
            out.append(")")
        elif token.endswith(": "):
            out.append("\n" + "  " * depth + token)
        else:
            out.append(token)
    return "".join(out).strip()


def cases(path: Path) -> list[tuple[str, str, str]]:
    """A file of the corpus: what each case is about, its source, its tree."""
    _, *rest = re.split(r"^={3,}\n(.+)\n={3,}\n", path.read_text(), flags=re.M)
    pieces = [text.partition("\n---\n") for text in rest[1::2]]
    return [(name, source, tree.strip()) for name, (source, _, tree) in zip(rest[::2], pieces, strict=True)]


def corpus(parser: Parser) -> tuple[int, list[str]]:
    count, wrong = 0, []
    for path in sorted((GRAMMAR / "test/corpus").glob("*.txt")):
        written = []
        for name, source, tree in cases(path):
            count += 1
            now = pretty(str(parser.parse(source.encode()).root_node))
            if now.split() != tree.split():
                wrong.append(f"{path.name}: {name}: the tree is\n{now}")
            written.append(f"{'=' * 18}\n{name}\n{'=' * 18}\n{source}\n---\n\n{now}\n")
        if os.environ.get("SECNET_BLESS"):
            path.write_text("\n".join(written))
    return count, wrong


def main() -> int:
    secnet = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        secnet_language = language(directory)
        parser = Parser(secnet_language)
        query = (GRAMMAR / "queries/highlights.scm").read_text()
        Query(secnet_language, query)
        texts = sources()
        (directory / "texts").mkdir()
        taken = accepted(secnet, texts, directory / "texts")
        wrong = []
        for name, text in taken.items():
            tree = parser.parse(text.encode())
            for node in errors(tree.root_node)[:1]:
                line = text.encode().splitlines()[node.start_point.row : node.start_point.row + 1]
                wrong.append(f"{name}:{node.start_point.row + 1}:{node.start_point.column + 1}: {node.type}: {line}")
        count, unlike = corpus(parser)
    wrong += [f"{name}: secnet itself does not take it" for name in texts if "/corpus/" in name and name not in taken]
    for line in wrong + unlike:
        print(line, file=sys.stderr)
    if len(taken) < 800 or count < 20:
        print(f"only {len(taken)} of {len(texts)} sources and {count} trees were looked at", file=sys.stderr)
        return 1
    print(f"tree-sitter: {len(taken)} of {len(texts)} sources parse as secnet's own parser takes them, {count} trees of the corpus")
    return 1 if wrong or unlike else 0


if __name__ == "__main__":
    sys.exit(main())
