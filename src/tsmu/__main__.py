"""`python -m tsmu`."""

from tsmu.cli import main

main()
