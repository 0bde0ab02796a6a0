"""Commands about the keys that sign model versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ratchet.cli.common import REGISTRY, example, settings_of, settings_of_any
from ratchet.cli.typed import typed

if TYPE_CHECKING:
    from ratchet.settings import Settings

keys = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(keys, name="keys", rich_help_panel=REGISTRY, help="Make and list the keys that sign model versions.")


@keys.command(epilog=example("ratchet keys new release"))
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name, such as release.")],
) -> None:
    """Make a key; from then on nothing unsigned is promoted or served."""
    from ratchet.io.key_files import VARIABLE, new_key
    from ratchet.io.signature import read_keyring

    settings = settings_of_any(context)
    first = not read_keyring(settings.root).required
    public, private = new_key(settings, name)
    typer.echo(f"public key:  {public}  (commit it)")
    typer.echo(f"private key: {private}  (keep it secret; for a workflow, as the secret {VARIABLE})")
    if first:
        how = _signing(context, settings)
        typer.echo(f"Signatures are required from now on. What serves is not signed yet: {how}")


def _signing(context: typer.Context, settings: Settings) -> str:
    """How to sign what serves: keys are the repository's, and each of its models serves by them."""
    from ratchet.io.projects import find_projects
    from ratchet.settings import find_home

    names = [each.name for each in find_projects(find_home(settings.root)) if each.name]
    if len(names) < 2:
        return typed(context, "ratchet keys sign")
    return " and ".join(f"ratchet --model {name} keys sign" for name in names)


@keys.command(name="list", epilog=example("ratchet keys list"))
def show(context: typer.Context) -> None:
    """List the keys that are trusted, and whose private half is on this machine."""
    from ratchet.io.key_files import held
    from ratchet.io.signature import read_keyring

    settings = settings_of_any(context)
    found, mine = read_keyring(settings.root).keys, held(settings)
    if not found:
        typer.echo("no keys: versions are not signed (ratchet keys new NAME)")
    for key in found:
        state = "retired: stands for what it signed before" if key.retired else "in use"
        here = ", private half here" if key.id in mine else ""
        typer.echo(f"{key.name}  {key.id[:16]}  {state}{here}")


@keys.command(epilog=example("ratchet keys sign", "ratchet keys sign 7"))
def sign(
    context: typer.Context,
    versions: Annotated[
        Optional[list[int]], typer.Argument(help="Versions that served; all of them by default.")
    ] = None,
) -> None:
    """Sign versions that served before there was this key, after comparing them with the ledger."""
    from ratchet.flows.signing import sign_served

    for each in sign_served(settings_of(context), versions or ()):
        typer.echo(f"version {each.version} is signed by {each.key}")
