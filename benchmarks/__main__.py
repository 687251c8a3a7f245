"""The entry point of `python -m benchmarks COMMAND ...`, which is run from the root of a checkout."""

from benchmarks.commands import app
from tsmu.cli import main

if __name__ == "__main__":
    main(app)
