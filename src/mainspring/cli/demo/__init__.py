"""The experiment that started the project, over real sockets.

A sender pushes data to a receiver that reads at about 20 MB/s. Busy work is to run only
in the time when the socket isn't writable, and a second connection measures how long an
echo takes meanwhile. Every way to wait does the same job, and the figures are laid side
by side. Invariant: the figures shown are those measured, those of Mainspring included.
"""


def main(argv: list[str]) -> int:
    """Run the demo.

    Args:
        argv: the arguments, without the program's name.

    Returns:
        the exit status; see `mainspring.cli.demo.app.main`.
    """
    # Imported here, because the processes of each run import this package and need little of it.
    from mainspring.cli.demo import app

    return app.main(argv)


__all__ = ["main"]
