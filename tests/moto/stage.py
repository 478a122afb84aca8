"""What the scripts here share: moto is started, the program is run on it, and what must be so is checked."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
PYTHON = TARGET / "moto-venv" / "bin" / "python"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
REGION = "us-east-1"


def check(what: str, ok: bool, seen: object = "") -> None:
    """Says it, and ends with 1 where it is not so."""
    print(f"{'ok  ' if ok else 'FAIL'} {what}", flush=True)
    if not ok:
        print(f"     seen: {seen}")
        sys.exit(1)


def secnet(program: str, project: Path, url: str, *arguments: str, code: int = 0) -> str:
    """Runs the program on a project and moto; gives what it says."""
    command = [program, *arguments[:1], str(project), "--endpoint-url", url, *arguments[1:]]
    done = subprocess.run(command, env={**os.environ, **CREDENTIALS}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check(f"secnet {' '.join(arguments)} ends with {code}", done.returncode == code, done.stdout + done.stderr)
    return done.stdout


def client(url: str, account: str | None = None):
    """boto3's client of moto, in its own account or in another one."""
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    if account is not None:
        sts = boto3.client("sts", endpoint_url=url, region_name=REGION, **keys)
        assumed = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/look", RoleSessionName="look")["Credentials"]
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
        keys = {name: assumed[of] for name, of in names.items()}
    return boto3.client("ec2", endpoint_url=url, region_name=REGION, **keys)


def on_moto(script: str, play) -> None:
    """Starts moto and runs the script once more, with the interpreter that has boto3: `play(program, url)`."""
    if "SECNET_MOTO" in os.environ:
        play(sys.argv[1], os.environ["SECNET_MOTO"])
        return
    program = sys.argv[1] if len(sys.argv) > 1 else str(TARGET / "debug" / "secnet")
    server = subprocess.Popen([sys.executable, str(HERE / "serve"), "--until-stdin-ends"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        # boto3 lives in the environment that the server has just made.
        done = subprocess.run([str(PYTHON), script, program], env={**os.environ, "SECNET_MOTO": url}, stdin=subprocess.DEVNULL)
    finally:
        server.stdin.close()
        server.wait()
    sys.exit(done.returncode)
