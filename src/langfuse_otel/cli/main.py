"""``langfuse-otel <command>``: finds the command's module and hands it the rest of the line.

A module is imported only when its command is asked for, so ``run`` adds little to the start of the application.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module, metadata

# Command → its module, which has main(arguments) -> exit status; and what it does, in a line.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("langfuse_otel.cli.run", "run a program traced, without a change to it"),
    "doctor": ("langfuse_otel.cli.doctor.command", "check the set-up and say how to mend what is wrong"),
    "prompts": ("langfuse_otel.cli.prompts.command", "read, change, export and warm prompts, for people and scripts"),
    "spool": ("langfuse_otel.cli.spool", "look after the spans that wait on this machine's disk"),
    "server": ("langfuse_otel.cli.server", "start a local Langfuse for demos, development and tests"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line without the program's name; that of the process by default.

    Returns:
        Exit status: 0 good, 1 a fault, 2 a wrong command line (raised by argparse as ``SystemExit``); ``prompts`` has
        further ones.
    """
    summaries = "\n".join(f"  {name:<8}{summary}" for name, (_, summary) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="langfuse-otel",
        description="See your LLM application in Langfuse through OpenTelemetry.",
        epilog=f"commands:\n{summaries}\n\n`langfuse-otel <command> --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"langfuse-otel {metadata.version('langfuse-otel')}")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help=", ".join(COMMANDS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the command")
    chosen = parser.parse_args(arguments)
    module, _ = COMMANDS[chosen.command]
    status: int = import_module(module).main(chosen.arguments)
    return status
