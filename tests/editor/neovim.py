#!/usr/bin/env python3
"""Neovim with what is in editors/nvim, headless: opens a project, is told what is wrong, takes the fix, and is told that it is gone.

Usage: neovim.py SECNET NVIM; ends with 1 at what is not so.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def main() -> int:
    secnet, nvim = (Path(word).resolve() for word in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        project = home / "project"
        shutil.copytree(ROOT / "examples/secure_server", project, ignore=shutil.ignore_patterns(".secnet", "expected"))
        source = project / "main.secnet"
        source.write_text(source.read_text().replace("vpc     = vpc.main\n  subnets", "vpc     = vpc.mian\n  subnets", 1))
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SECNET_", "AWS_", "XDG_", "NVIM"))}
        environment |= {"HOME": str(home), "SECNET_PROGRAM": str(secnet), "SECNET_PLUGIN": str(ROOT / "editors/nvim")}
        said = home / "said.json"
        environment["SECNET_SAID"] = str(said)
        script = ROOT / "tests/editor/neovim.lua"
        command = [nvim, "--headless", "-n", "-i", "NONE", "-u", script, source]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, cwd=project, check=False)
        if run.returncode != 0 or not said.exists():
            print(f"nvim ended with {run.returncode}:\n{run.stdout}{run.stderr}", file=sys.stderr)
            return 1
        answer = json.loads(said.read_text())
        after = source.read_text()
    print(json.dumps(answer, indent=1))
    wrong = [
        what
        for what, holds in [
            ("the filetype is not secnet", answer["filetype"] == "secnet"),
            ("the server is not attached", answer["clients"] == ["secnet"]),
            ("E0203 is not told at `mian`", any(d["code"] == "E0203" and d["text"] == "vpc.mian" for d in answer["before"])),
            ("the fix is not offered", any("main" in title for title in answer["fixes"])),
            ("the fix is not in the text", "vpc.mian" not in after),
            ("something is wrong after it", answer["after"] == []),
            ("there is no lens on the server", any("internet" in lens for lens in answer["lenses"])),
            ("words have the wrong colours", not answer["miscoloured"]),
            ("`vpc` has no colour", answer["colour"] == "secnetType"),
        ]
        if not holds
    ]
    for what in wrong:
        print(what, file=sys.stderr)
    if not wrong:
        print(f"Neovim: told, fixed, and told that it is gone; {len(answer['lenses'])} lenses")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
