"""The experiment that started the project, over real sockets.

A sender pushes data to a receiver that reads at about 20 MB/s. Busy work is to run only
in the time when the socket isn't writable, and a second connection measures how long an
echo takes meanwhile. Every way to wait does the same job, and the figures are laid side
by side. Invariant: the figures shown are those measured, those of Mainspring included.
"""

from mainspring.cli.demo.app import main

__all__ = ["main"]
