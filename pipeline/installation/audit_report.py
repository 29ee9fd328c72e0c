"""Say what an audit of the locked packages found; `make audit` runs this file by its path.

    python pipeline/installation/audit_report.py audit.json

The file is the JSON report of pip-audit, which asks a service for known vulnerabilities. Where the
service does not answer for a package, that is said and is no failure: an audit without a network
must not look like a clean one, nor stop a release.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Print the report; 1 if a package has a known vulnerability, else 0."""
    lines, is_vulnerable = report(Path(arguments[0]))
    sys.stdout.write("\n".join(lines) + "\n")
    return int(is_vulnerable)


def report(file: Path) -> tuple[list[str], bool]:
    """The lines to print, and whether a package has a known vulnerability.

    `file` may be missing or half written, if pip-audit could not run.
    """
    try:
        packages = json.loads(file.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError, KeyError, TypeError):
        return ["audit: NOT RUN, because the service for vulnerabilities did not answer"], False
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    asked = len(packages) - len(skipped)
    lines = [
        f"{package['name']} {package['version']}: {fault['id']}, "
        f"fixed in {', '.join(fault['fix_versions']) or 'no version yet'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    if skipped:
        shown = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        lines.append(
            f"NOT AUDITED, because the service does not know them: {len(skipped)} ({shown})"
        )
    vulnerable = sum(bool(package.get("vulns")) for package in packages)
    lines.append(f"audit: {asked} packages audited, {vulnerable} with a known vulnerability")
    return lines, vulnerable > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
