"""`python -m flows` is `sayagain`."""

from flows.cli import main

main()
