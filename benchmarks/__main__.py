"""`python -m benchmarks COMMAND ...`, from the root of a checkout."""

from benchmarks.commands import app
from tsmu.cli import main

if __name__ == "__main__":
    main(app)
