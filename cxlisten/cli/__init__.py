"""The command line: one command per verb and a few beside them; stdout is data, stderr is talk."""

import errno
import sys
from importlib import import_module

import click

from cxlisten import __version__
from cxlisten.errors import CxListenError

# command → the module that defines it, imported when it is asked for
_COMMANDS = {
    "run": "verbs", "collect": "verbs", "classify": "verbs", "load": "verbs", "publish": "verbs", "report": "verbs",
    "reclassify": "verbs", "remap": "verbs", "verify": "verbs", "estimate": "cost", "spent": "cost",
    "init": "setup", "demo": "setup", "up": "setup", "doctor": "setup",
    "trend": "analysis", "compare": "analysis", "query": "analysis",
    "train": "recipes", "evaluate": "recipes", "bench": "bench",
}  # fmt: skip


class _Commands(click.Group):
    """Imports a command's module when it is used; an error of ours ends in one message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(f"cxlisten.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CxListenError as error:
            click.echo(f"cxlisten: {error}", err=True)
            sys.exit(1 if error.retryable else 2)
        except OSError as error:
            if error.errno == errno.EPIPE:  # click ends quietly when nobody reads on
                raise
            click.echo(f"cxlisten: {error}", err=True)  # a full disk, a folder that may not be written
            sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Listen to what customers say: collect posts, tag the rings they speak of, report what moved.

    Exit codes: 0 done, 1 failed and a retry may help, 2 yours to fix.
    """


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"cxlisten {__version__}")
