"""`python -m relume`."""

from relume.cli.main import main

main()
