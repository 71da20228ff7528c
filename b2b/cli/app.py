"""`b2b`: the roles as commands, and as `--role`; commands of other packages come in by entry point."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence

import click

from b2b import __version__
from b2b.cli import commands
from b2b.errors import B2bError, ExitCode, describe
from b2b.flags import ABOUT, ROLES

OWN_COMMANDS = {
    **{role: ("b2b.cli.roles", role, about) for role, about in ABOUT.items()},
    "doctor": ("b2b.doctor", "command", "tells what is installed and what is missing"),
    "there": ("b2b.orchestrator.there", "there", ""),  # for b2b on other machines alone
}
EPILOG = """\b
A first call, in three terminals:
  b2b --role sink --sip-bind 127.0.0.1:5062 --capture heard.wav
  b2b --role mixer --sip-bind 127.0.0.1:5063 --target sip:127.0.0.1:5062
  b2b --role source --target sip:127.0.0.1:5063 --audio-file sample.mp3
or all of it from a plan:
  b2b --role orchestrator --plan plans/smk.plan.toml

Everything binds to 127.0.0.1 unless --sip-bind says otherwise. There is no authentication and no TLS in v1."""


class LazyGroup(click.Group):
    """Imports a command only when it is called, so that the help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return our own commands, then those of other packages."""
        return [*OWN_COMMANDS, *sorted(set(commands.others()) - set(OWN_COMMANDS))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command; None for an unknown one."""
        if name in OWN_COMMANDS:
            module, attribute, _about = OWN_COMMANDS[name]
            command = getattr(importlib.import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return commands.load(name) if name in commands.others() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each is for, without importing any."""
        others = [name for name in self.list_commands(ctx) if name not in OWN_COMMANDS]
        with formatter.section("Roles (b2b ROLE … is the same as b2b --role ROLE …)"):
            formatter.write_dl([(role, ABOUT[role]) for role in ROLES])
        abouts = [(name, commands.about(name)) for name in others]
        with formatter.section("Other commands"):
            formatter.write_dl([("doctor", OWN_COMMANDS["doctor"][2]), *abouts])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--role", type=click.Choice(ROLES), help="What this process plays; see `b2b --role sink --help`.")
@click.version_option(__version__, prog_name="b2b")
def b2b(role: str | None) -> None:
    """Proves that calls carry their audio: makes real SIP calls with baresip and records what was heard."""


def role_first(arguments: Sequence[str]) -> list[str]:
    """Turn `… --role sink …` into `sink …`; raises click.UsageError where a role is said twice or is none."""
    rest, roles = [], []
    words = iter(arguments)
    for word in words:
        if word == "--role":
            roles.append(next(words, ""))
        elif word.startswith("--role="):
            roles.append(word.partition("=")[2])
        else:
            rest.append(word)
    if not roles:
        return rest
    if len(roles) > 1:
        raise click.UsageError(f"one process plays one role, got {' and '.join(roles)}")
    if roles[0] not in ROLES:
        raise click.UsageError(f"wanted one of {', '.join(ROLES)} after --role, got {roles[0]!r}")
    if rest and rest[0] in OWN_COMMANDS:
        raise click.UsageError(f"say either --role {roles[0]} or `b2b {rest[0]}`, not both")
    return [roles[0], *rest]


def refused(error: click.ClickException | B2bError) -> int:
    """Say why a command line cannot be carried out, which may hold anything, and return the exit code."""
    from b2b.logs import printable

    if isinstance(error, B2bError):
        click.echo(f"Error: {printable(str(error))}", err=True)
        return int(error.code)
    said = io.StringIO()
    error.show(said)
    for line in said.getvalue().split("\n")[:-1]:
        click.echo(printable(line), err=True)
    return int(ExitCode.USAGE)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        result = b2b.main(role_first(arguments), prog_name="b2b", standalone_mode=False)
    except click.ClickException as error:
        return refused(error)
    except (click.Abort, KeyboardInterrupt):
        return int(ExitCode.OK)
    except (SystemExit, BrokenPipeError):  # so click says that whoever read our output has seen enough
        from b2b.logs import to_nowhere

        to_nowhere(sys.stdout)
        return int(ExitCode.OK)
    except B2bError as error:
        return refused(error)
    except Exception as error:
        from b2b.logs import printable

        click.echo(f"Error: {printable(describe(error))}", err=True)
        return int(ExitCode.UNEXPECTED)
    return result if isinstance(result, int) else int(ExitCode.OK)

