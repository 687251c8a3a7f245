"""Run the command line by `python -m tsmu`."""

from tsmu.cli import main

main()
