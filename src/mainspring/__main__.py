"""Makes `python -m mainspring` the same as the `mainspring` command."""

import sys

from mainspring.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
