"""The `mainspring` command line: its help, its version, and how it reaches the subcommands."""

import importlib.metadata

import pytest

from mainspring.cli import main as command


def test_the_version_is_that_of_the_installed_package(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mainspring {importlib.metadata.version('mainspring')}\n"


def test_without_a_command_the_help_is_shown_and_the_code_is_2(capsys):
    assert command.main([]) == 2
    assert "mainspring" in capsys.readouterr().out


def test_the_help_names_every_command():
    text = command.build_parser().format_help()
    assert all(f"  {name} " in text for name in command.COMMANDS)


def test_an_unknown_command_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["walk"])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "walk" in message
    assert all(name in message for name in command.COMMANDS)


@pytest.mark.parametrize("name", ["run", "demo", "bench"])
def test_what_follows_a_command_reaches_it_unread(monkeypatch, name):
    seen = []
    monkeypatch.setitem(command.COMMANDS, name, lambda arguments: seen.append(arguments) or 5)
    rest = ["--version", "-h", "-m", "x", "--", "command"]
    assert command.main([name, *rest]) == 5
    assert seen == [rest]


def test_bench_outside_a_checkout_says_where_the_benchmarks_are(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "__file__", str(tmp_path / "a" / "b" / "c" / "main.py"))
    assert command.main(["bench"]) == 1
    assert "make bench" in capsys.readouterr().err


def test_a_demo_without_its_extra_says_how_to_get_it(monkeypatch, capsys):
    class Missing:
        """Finds the demo, and nothing that it needs."""

        def find_spec(self, name, path=None, target=None):
            if name == "mainspring.cli.demo":
                raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.delitem(command.sys.modules, "mainspring.cli.demo", raising=False)
    monkeypatch.setattr(command.sys, "meta_path", [Missing(), *command.sys.meta_path])
    assert command.main(["demo"]) == 1
    assert "mainspring[demo]" in capsys.readouterr().err
