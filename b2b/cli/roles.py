"""The commands of the four roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from b2b.audio.digits import check_fits, parse_sequence
from b2b.cli.options import foreign, options
from b2b.errors import UsageError
from b2b.flags import ABOUT, MIXER, ORCHESTRATOR, SINK, SOURCE
from b2b.roles.settings import MixerSettings, SinkSettings, SourceSettings

EXPOSURE = (
    "Without --sip-bind nothing but this machine can reach the role. An address of the network, or 0.0.0.0, opens it "
    "to everybody who reaches that address: v1 has no authentication and no TLS."
)


def required(values: dict[str, Any], *names: str) -> None:
    """Raise click.UsageError for the first flag that is missing."""
    for name in names:
        if values[name] is None:
            raise click.UsageError(f"--{name.replace('_', '-')} is missing", click.get_current_context())


def given(name: str) -> bool:
    """Whether a flag was typed, rather than left at its default."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def without_foreign(role: str, values: dict[str, Any]) -> dict[str, Any]:
    """Take the common flags that mean nothing to the role out of the values, and note those that were typed."""
    ignored = [flag for flag in foreign(role) if given(flag.name.replace("-", "_"))]
    notes = tuple(f"{flag.option} means nothing to the {role} and is ignored" for flag in ignored)
    kept = {key: value for key, value in values.items() if key not in {f.name.replace("-", "_") for f in foreign(role)}}
    return {**kept, "notes": notes}


def source_code(**values: Any) -> int:
    """Play the source."""
    required(values, "target", "audio_file")
    from b2b.roles import source
    from b2b.roles.main import main

    return main(SOURCE, SourceSettings(**role_values(SOURCE, values)), source.run)


def mixer_code(**values: Any) -> int:
    """Play the mixer."""
    required(values, "target")
    try:
        digits = parse_sequence(values["dtmf_seq"]).digits
        check_fits(digits, values["dtmf_tone_ms"], values["dtmf_pause_ms"], values["dtmf_period_ms"])
    except UsageError as error:
        raise click.UsageError(f"--dtmf-seq: {error}", click.get_current_context()) from error
    from b2b.roles import mixer
    from b2b.roles.main import main

    return main(MIXER, MixerSettings(**role_values(MIXER, values)), mixer.run)


def sink_code(**values: Any) -> int:
    """Play the sink; with a recording it plays only where a player was asked for."""
    if values["capture"] and not given("aplay_cmd"):
        values["aplay_cmd"] = ""
    from b2b.roles import sink
    from b2b.roles.main import main

    return main(SINK, SinkSettings(**role_values(SINK, values)), sink.run)


def orchestrator_code(**values: Any) -> int:
    """Run a plan."""
    required(values, "plan")
    from b2b.orchestrator.main import main

    return main(without_foreign(ORCHESTRATOR, values))


def role_values(role: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return a role's settings out of its flags."""
    kept = without_foreign(role, values)
    kept.pop("color")
    return kept


def command(role: str, callback: Callable[..., int], *, epilog: str = EXPOSURE) -> click.Command:
    """Return a role as a command."""
    return click.Command(
        role,
        callback=callback,
        params=[*options(role)],
        help=f"The {role} {ABOUT[role]}.",
        epilog=epilog,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


source = command(SOURCE, source_code)
mixer = command(MIXER, mixer_code)
sink = command(SINK, sink_code)
orchestrator = command(ORCHESTRATOR, orchestrator_code, epilog="v1 has no authentication and no TLS.")
