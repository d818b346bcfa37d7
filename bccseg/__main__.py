"""`python -m bccseg`."""

import sys

from bccseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
