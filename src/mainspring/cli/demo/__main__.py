"""`python -m mainspring.cli.demo`: the demo without the `mainspring` command.

Invariant: it does exactly what `mainspring demo` does.
"""

import sys

from mainspring.cli.demo import main

sys.exit(main(sys.argv[1:]))
