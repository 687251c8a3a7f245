"""Where the files of the plugin lie."""

from pathlib import Path

ROOT = Path(__file__).parent
ICON = ROOT / "icon.svg"
HELP = ROOT / "help" / "index.html"
STYLES = ROOT / "styles"
