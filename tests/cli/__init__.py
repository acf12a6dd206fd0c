"""The command, and what its subcommands do."""
