"""`python -m covary.cli` is the `covary` command."""

from covary.cli import main

main()
