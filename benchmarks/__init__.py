"""Benchmarks of tsmu's own claims, run from a checkout with `python -m benchmarks COMMAND ...`; see README.md."""
