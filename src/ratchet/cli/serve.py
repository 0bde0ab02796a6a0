"""Commands that serve."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from ratchet.cli.common import SERVE, example, settings_of, settings_of_any


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("serve", rich_help_panel=SERVE, epilog=example("ratchet serve", "ratchet serve --port 9000"))(serve)
    app.command("ui", rich_help_panel=SERVE, epilog=example("ratchet ui", "ratchet ui --port 5001"))(ui)


def serve(
    context: typer.Context,
    host: Annotated[Optional[str], typer.Option(help="The address to listen on; serve.host by default.")] = None,
    port: Annotated[Optional[int], typer.Option(help="The port; serve.port by default.")] = None,
) -> None:
    """Answer predictions with the champion; a newly promoted one takes over without a restart."""
    from ratchet.io.git import ledger_remote
    from ratchet.io.room import read_params
    from ratchet.serving.server import serve

    settings = settings_of(context)
    params = read_params(settings.root)
    serve(
        settings.root,
        params,
        remote=ledger_remote(settings.root, settings.git_remote),
        host=host or params.serve.host,
        port=params.serve.port if port is None else port,
        folder=settings.private / "serving",
    )


def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5000,
) -> None:
    """Open MLflow's own pages on the store of this repository."""
    import os
    import sys

    from ratchet.io.mlflow_address import masked

    uri = settings_of_any(context).mlflow_uri
    if uri.startswith(("http://", "https://")):
        typer.echo(f"MLflow's server has its pages at {masked(uri)}")
        return
    typer.echo(f"MLflow on http://127.0.0.1:{port} (Ctrl-C stops it)")
    sys.stdout.flush()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "ui",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    # Not an argument: an address may hold a password, and everybody may list the processes of a machine.
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri}
    os.execve(sys.executable, command, environment)  # noqa: S606  # no shell is the point
