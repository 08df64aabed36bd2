"""The published contracts by their standard's own tool: `datacontract test` on every server of every contract.

Runs in an environment of its own (`make test-contracts`), whose DuckDB is older than ours: that it opens the release is
part of what is tried. Not here: whether a contract says the truth by our own reading (`releases.audit`, at every run).
"""

import os
import sys
from collections import Counter
from pathlib import Path

import yaml
from datacontract.data_contract import DataContract


def main(release: Path) -> int:
    """Tests every contract of a release and prints what failed and how much was tested; 1 where anything failed."""
    # Paths in contracts are below the release.
    os.chdir(release)
    paths = sorted(Path().rglob("contracts/**/*.yaml"))
    servers: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    wrong = [] if paths else [f"{release} has no contracts"]
    for path in paths:
        for server in yaml.safe_load(path.read_text("utf-8"))["servers"]:
            run = DataContract(data_contract_file=str(path), server=server["server"]).test()
            servers[server["type"]] += 1
            # Where nothing could be connected to, no check has a result.
            checks.update(str(check.result.value if check.result else "none") for check in run.checks)
            present = sum(check.type == "field_is_present" for check in run.checks)
            failed = [
                f"{c.field}: {c.name}: {c.reason}" for c in run.checks if c.result is None or c.result == "failed"
            ]
            if run.result not in ("passed", "warning") or failed or not present:
                wrong.append(
                    f"{path} on {server['server']}: {run.result}; {'; '.join(failed[:3]) or 'nothing checked'}"
                )
    print("\n".join(wrong))
    print(f"{len(paths)} contracts, servers {dict(servers)}, checks {dict(checks)}, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
