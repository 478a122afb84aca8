#!/usr/bin/env python3
"""The pre-commit hooks by pre-commit itself, in a repository that is made for it; and the steps of the GitHub Action, one after the other, as a
runner would run them.

Usage: hooks.py SECNET; ends with 1 at what is not so.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples/secure_server/main.secnet").read_text()
UNTIDY = EXAMPLE.replace("vpc main {", "vpc   main {", 1)
WRONG = EXAMPLE.replace("vpc     = vpc.main\n  subnets", "vpc     = vpc.mian\n  subnets", 1)
OPEN = EXAMPLE.replace('  egress  all    to   anywhere\n', '  egress  all    to   anywhere\n  ingress tcp/8080 from anywhere\n', 1)

failed = []


def check(what: str, holds: bool, seen: object = "") -> None:
    if not holds:
        failed.append(what)
        print(f"not so: {what}\n{seen}", file=sys.stderr)


def environment(home: Path, secnet: Path) -> dict[str, str]:
    """A machine on which `secnet` is in PATH, and that nobody has set up otherwise."""
    bin = home / "bin"
    bin.mkdir()
    (bin / "secnet").symlink_to(secnet)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SECNET_", "AWS_", "GIT_", "GITHUB_", "PRE_COMMIT"))}
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    return kept | who | {"PATH": f"{bin}:{kept['PATH']}", "HOME": str(home), "PRE_COMMIT_HOME": str(home / "pre-commit")}


def hooks(home: Path, env: dict[str, str]) -> None:
    def run(at: Path, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(words, cwd=at, env=env, capture_output=True, text=True, check=False)

    # The repository that has the hooks: as much of this one as they need.
    source = home / "hooks"
    (source / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", source)
    shutil.copy(ROOT / "scripts/check-projects", source / "scripts")
    ours = home / "ours"
    (ours / "network").mkdir(parents=True)
    (ours / "other").mkdir()
    for repository in (source, ours):
        run(repository, "git", "init", "-q")
    run(source, "git", "add", "-A")
    run(source, "git", "commit", "-qm", "hooks")
    revision = run(source, "git", "rev-parse", "HEAD").stdout.strip()
    ids = [{"id": hook["id"]} for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]
    config = {"repos": [{"repo": str(source), "rev": revision, "hooks": ids}]}
    (ours / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    pre_commit = [sys.executable, "-m", "pre_commit"]

    def commit(text: str) -> tuple[subprocess.CompletedProcess, str]:
        (ours / "network/main.secnet").write_text(text)
        run(ours, "git", "add", "-A")
        done = run(ours, *pre_commit, "run")
        return done, (ours / "network/main.secnet").read_text()

    (ours / "other/note.txt").write_text("no project")
    good, _ = commit(EXAMPLE)
    check("a sound project passes", good.returncode == 0 and good.stdout.count("Passed") == 2, good)
    untidy, after = commit(UNTIDY)
    check("what is untidy is laid out, and the commit stopped", untidy.returncode == 1 and after == EXAMPLE, untidy)
    wrong, _ = commit(WRONG)
    check("what is wrong stops the commit", wrong.returncode == 1 and "E0203" in wrong.stdout and "did you mean `vpc.main`" in wrong.stdout, wrong)


def expression(text: str, inputs: dict[str, str]) -> str:
    """What stands between `${{` and `}}`, as far as the action uses it."""

    def value(found: re.Match) -> str:
        inner = found[1].strip()
        if inner == "github.action_path":
            return str(ROOT)
        if equal := re.fullmatch(r"inputs\.([\w-]+) == '(\w+)'", inner):
            return str(inputs[equal[1]] == equal[2]).lower()
        if name := re.fullmatch(r"inputs\.([\w-]+)", inner):
            return inputs[name[1]]
        raise ValueError(f"no runner of ours knows {inner}")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def play(action: dict, at: Path, env: dict[str, str], **given: str) -> tuple[int, str, dict[str, str]]:
    """Runs the steps until one fails: its code, what was printed, and the outputs."""
    given = {name.replace("_", "-"): value for name, value in given.items()}
    check("every input that is given is known", set(given) <= set(action["inputs"]), given)
    inputs = {name: given.get(name, about["default"]) for name, about in action["inputs"].items()}
    output, path = at / "output", at / "path"
    output.write_text("")
    path.write_text("")
    printed = ""
    for step in action["runs"]["steps"]:
        if "if" in step and expression(step["if"], inputs) != "true":
            continue
        variables = {name: expression(value, inputs) for name, value in step.get("env", {}).items()}
        more = {"GITHUB_OUTPUT": str(output), "GITHUB_PATH": str(path), "RUNNER_TEMP": str(at)}
        script = at / "step.sh"
        script.write_text(step["run"])
        # As a runner does for `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
        done = subprocess.run(command, cwd=at, env=env | variables | more, capture_output=True, text=True, check=False)
        printed += done.stdout
        if done.returncode != 0:
            return done.returncode, printed, dict(line.split("=", 1) for line in output.read_text().splitlines())
    return 0, printed, dict(line.split("=", 1) for line in output.read_text().splitlines())


def steps(home: Path, env: dict[str, str]) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    check("it is a composite action", action["runs"]["using"] == "composite", action["runs"])
    for step in action["runs"]["steps"]:
        check("a step says its shell, and takes nothing from outside into its script", step["shell"] == "bash" and "${{" not in step["run"], step)
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(action["runs"])))
    check("every input is used", used == set(action["inputs"]), (used, set(action["inputs"])))
    at = home / "action"
    (at / "net work").mkdir(parents=True)

    def on(text: str, **given: str) -> tuple[int, str, dict[str, str]]:
        (at / "net work/main.secnet").write_text(text)
        return play(action, at, env, directory="net work", **given)

    check("a sound project passes", on(EXAMPLE)[:2] == (0, ""), on(EXAMPLE))
    code, printed, _ = on(UNTIDY)
    check("what is untidy is marked", code == 1 and printed.startswith("::error file=net work/main.secnet::"), printed)
    check("unless that is not asked for", on(UNTIDY, format_check="false")[0] == 0)
    code, printed, outputs = on(OPEN, format_check="false", sarif="found.sarif")
    check("a refuted policy is marked", code == 1 and "::error title=E0811%3A" in printed and "file=net work/main.secnet" in printed, printed)
    check("and told as SARIF", outputs == {"sarif": "found.sarif"}, outputs)
    rules = [result["ruleId"] for result in json.loads((at / "found.sarif").read_text())["runs"][0]["results"]]
    check("with its code", "E0811" in rules, rules)
    check("unless nothing is to be proved", on(OPEN, format_check="false", prove="false")[0] == 0)
    code, printed, _ = on(WRONG)
    check("a mistake is marked", code == 1 and "::error title=E0203%3A" in printed, printed)
    check("arguments are passed on", on(EXAMPLE, arguments="--var maintainers=[10.9.0.0/33]")[0] != 0)
    check("so is the environment", on(EXAMPLE, environment="nowhere")[0] != 0)


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        env = environment(home, Path(sys.argv[1]).resolve())
        hooks(home, env)
        steps(home, env)
    if not failed:
        print("pre-commit ran both hooks; the action's steps ran as on a runner")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
