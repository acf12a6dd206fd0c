"""The C compiler, for the tests that need a piece of C."""

import shutil
import sysconfig


def find_compiler() -> list[str] | None:
    """Returns the command of the interpreter's own compiler, else of `cc`; None without any."""
    for command in ((sysconfig.get_config_var("CC") or "cc").split(), ["cc"]):
        if shutil.which(command[0]):
            return command
    return None
