#!/usr/bin/env python3
"""What `check` and `prove` print for machines, over every case of the specs: JSON against its schema, SARIF against SARIF's own, and GitHub's
lines against what the JSON says.

Every member of a schema must be met with a value somewhere, so that a schema promises nothing that never comes.

Usage: formats.py SECNET SARIF-SCHEMA; ends with 1 at what is not so.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jsonschema import Draft7Validator, Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("SECNET_", "AWS_"))}
PROJECT = 'project p {\n  region = "us-east-1"\n}\n'


def cases() -> list[tuple[str, dict[str, str], str]]:
    """Every case of the specs, without what its script does: its name, its files, and its environment; and the examples."""
    found = []
    for path in sorted((ROOT / "tests/spec").rglob("*.md")):
        for at, section in enumerate(re.split(r"^## ", path.read_text(), flags=re.M)[1:]):
            fences = re.findall(r"^```([^\n]*)\n(.*?)^```$", section, re.M | re.S)
            files, alone, chosen = {}, False, ""
            for info, text in fences:
                words = info.split()
                match words[:1]:
                    case ["secnet"]:
                        alone |= "alone" in words
                        names = [word for word in words[1:] if word != "alone"]
                        files[names[0] if names else "main.secnet"] = text
                    case ["file"]:
                        files[words[1] if len(words) > 1 else "file"] = text
                    case ["env"]:
                        chosen = words[1]
                        files |= {f"{name}.vars": "" for name in text.split()}
            own = [text for name, text in files.items() if name.endswith(".secnet") and "/" not in name]
            if own and not alone and not any(re.search(r"^project\s+\w+\s*\{", text, re.M) for text in own):
                files["project.secnet"] = PROJECT
            if own:
                found.append((f"{path.relative_to(ROOT)}#{at + 1}", files, chosen))
    for path in sorted((ROOT / "examples").iterdir()):
        files = {str(f.relative_to(path)): f.read_text() for f in path.rglob("*.secnet") if f.is_file() and ".secnet" not in f.relative_to(path).parts}
        found.append((f"examples/{path.name}", files, ""))
    return found


def run(secnet: str, directory: Path, chosen: str, *words: str) -> tuple[int, str]:
    environment = ENVIRONMENT | ({"SECNET_ENV": chosen} if chosen else {})
    done = subprocess.run([secnet, *words], cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def members(schema: dict, value, document: dict, at: str, met: set[str]) -> None:
    """Which members of the schema a value has, as paths through definitions; null and empty lists do not count."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return members(document["$defs"][name], value, document, name, met)
    for choice in schema.get("anyOf", []):
        if Draft202012Validator({**choice, "$defs": document["$defs"]}).is_valid(value):
            return members(choice, value, document, at, met)
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner not in (None, [], ""):
                met.add(f"{at}.{name}")
            if name in schema.get("properties", {}):
                members(schema["properties"][name], inner, document, at, met)
    if isinstance(value, list):
        for inner in value:
            members(schema.get("items", {}), inner, document, at, met)
    if "enum" in schema:
        met.add(f"{at}: {value}")
    return None


def promised(document: dict) -> set[str]:
    """Every member and every word that a schema has."""
    found = set()

    def walk(schema, at):
        if isinstance(schema, dict):
            found.update(f"{at}.{name}" for name in schema.get("properties", {}))
            found.update(f"{at}: {word}" for word in schema.get("enum", []))
            for key, inner in schema.items():
                if key != "$defs":
                    walk(inner, at)
        if isinstance(schema, list):
            for inner in schema:
                walk(inner, at)

    walk(document, "")
    for name, inner in document["$defs"].items():
        walk(inner, name)
    return found


def unescaped(text: str) -> str:
    for code, character in [("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")]:
        text = text.replace(code, character)
    return text


def annotations(printed: str) -> list[tuple]:
    """GitHub's lines, read as its runner reads them."""
    found = []
    for line in printed.splitlines():
        word, properties, message = re.fullmatch(r"::(error|warning) ([^:]*)::(.*)", line).groups()
        given = dict(pair.split("=", 1) for pair in properties.split(","))
        found.append((word, unescaped(given["title"])[:5], unescaped(given.get("file", "")), int(given.get("line", 0)), unescaped(message)))
    return found


def main() -> int:
    secnet, sarif_schema = str(Path(sys.argv[1]).resolve()), json.loads(Path(sys.argv[2]).read_text())
    sarif_schema.pop("$id", None)
    sarif = Draft7Validator(sarif_schema)
    schemas = {name: json.loads((ROOT / f"schema/{name}.json").read_text()) for name in ("check", "prove")}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    validators = {name: Draft202012Validator(schema) for name, schema in schemas.items()}
    met = {name: set() for name in schemas}
    wrong, documents = [], 0

    def look(case):
        name, files, chosen = case
        found = []
        with tempfile.TemporaryDirectory() as temporary:
            directory = Path(temporary)
            for file, text in files.items():
                path = directory / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, newline="")
            for command in schemas:
                outputs = [run(secnet, directory, chosen, command, "--format", form) for form in ("json", "sarif", "github")]
                found.append((name, command, outputs))
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        all_cases = cases()
        for name, command, outputs in (one for found in pool.map(look, all_cases) for one in found):
            documents += 1
            where = f"{name}: {command}"
            if len({code for code, _ in outputs}) != 1:
                wrong.append(f"{where}: ends with {[code for code, _ in outputs]} in json, sarif, github")
            value, log = json.loads(outputs[0][1]), json.loads(outputs[1][1])
            wrong += [f"{where}: {e.json_path}: {e.message[:300]}" for e in validators[command].iter_errors(value)][:2]
            wrong += [f"{where}: sarif: {e.json_path}: {e.message[:300]}" for e in sarif.iter_errors(log)][:2]
            members(schemas[command], value, schemas[command], "", met[command])
            told = [
                (d["severity"], d["code"], d.get("file", ""), d.get("start", {}).get("line", 0), d["message"] + (f"\n{d['help']}" if d["help"] else ""))
                for d in value["diagnostics"]
            ]
            if told != annotations(outputs[2][1]):
                wrong.append(f"{where}: github says something else than json: {outputs[2][1][:300]}")
            codes = [result["ruleId"] for result in log["runs"][0]["results"]]
            if codes != [d["code"] for d in value["diagnostics"]]:
                wrong.append(f"{where}: sarif says {codes}")
    for name, schema in schemas.items():
        never = promised(schema) - met[name]
        wrong += [f"schema/{name}.json has {one.removeprefix('.')}, which no case gives" for one in sorted(never)]
    for line in wrong[:40]:
        print(line, file=sys.stderr)
    if documents < 600:
        print(f"only {documents} documents of each form were looked at", file=sys.stderr)
        return 1
    if not wrong:
        print(f"formats: {documents} documents of each form over {len(all_cases)} cases, as their schemas have it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
