"""make audit: whether a package that is installed has a known vulnerability.

pip-audit is put into an environment of its own, which is removed again. It ends with status 0 and
"No known vulnerabilities found" also where the service knew none of the packages, as behind a
mirror: here that is no pass.

Exit status: 0 all were looked at and none has one, 1 some have, 2 not all could be looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Mapping
from typing import Any

OWN = "rethink-pretraining"  # published nowhere
FEW = 5  # names that are printed


def main() -> int:
    """Audit the environment of this Python; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "pip-audit"]
        installed = subprocess.run(pip, capture_output=True, text=True)
        if installed.returncode:
            return _said(2, f"not audited: pip-audit cannot be installed ({_last(installed)})")
        packages = sysconfig.get_paths()["purelib"]
        options = ["--path", packages, "--format", "json", "--progress-spinner", "off"]
        asked = [f"{folder}/bin/python", "-m", "pip_audit", *options, "--timeout", "30"]
        done = subprocess.run(asked, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return _said(2, f"not audited: the vulnerability service gave no answer ({_last(done)})")
    return _said(*judged(report))


def judged(report: Mapping[str, Any]) -> tuple[int, str]:
    """Exit status, and what is said of pip-audit's report."""
    found = [one for one in report["dependencies"] if one["name"] != OWN]
    skipped = [one["name"] for one in found if "skip_reason" in one]
    wrong = [
        f"{one['name']} {one['version']}: {own['id']}, mended in"
        f" {', '.join(own['fix_versions']) or 'no version yet'}"
        for one in found
        for own in one.get("vulns", ())
    ]
    looked_at = f"{len(found) - len(skipped)} of {len(found)} packages were looked at"
    unknown = ", ".join(skipped[:FEW]) + (", …" if len(skipped) > FEW else "")
    if wrong:
        return 1, "\n".join([*wrong, looked_at])
    if skipped or not found:
        return 2, f"not audited: {looked_at}; the service knows nothing of {unknown or 'any'}"
    return 0, f"no known vulnerability: {looked_at}"


def _said(status: int, text: str) -> int:
    print(text)
    return status


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return next(iter(done.stderr.strip().splitlines()[-1:]), f"status {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
