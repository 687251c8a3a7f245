"""What measures tsmu's own claims, from a checkout: `python -m benchmarks COMMAND ...`. README.md has the commands."""
