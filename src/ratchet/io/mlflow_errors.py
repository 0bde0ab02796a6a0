"""What MLflow refuses, or does not answer, in our words: who is not known, who may not and which role may."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from ratchet.errors import RatchetError, ServiceFailed, UsageError
from ratchet.io.mlflow_address import USERNAME, masked

READER, TRAINER, PROMOTER = "reader", "trainer", "promoter"
"""What MLflow's users may do: look; write runs; write the registry too. `services/roles.py` makes them."""
OF_STATUS = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST"}
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow says that there is no such run, version or alias."""
HIDDEN = "PERMISSION_DENIED"
"""How a server with users says it, and also that one may not: nobody should learn what there is by asking."""

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class _HasAddress(Protocol):
    uri: str


_Self = TypeVar("_Self", bound=_HasAddress)
_Method = Callable[Concatenate[_Self, _Given], _Result]


def needs(role: str) -> Callable[[_Method[_Self, _Given, _Result]], _Method[_Self, _Given, _Result]]:
    """A method that asks MLflow for what users of this role may do.

    What MLflow raises becomes UsageError where the user is not known or may not, and ServiceFailed else.
    """

    def decorated(method: _Method[_Self, _Given, _Result]) -> _Method[_Self, _Given, _Result]:
        @functools.wraps(method)
        def asked(self: _Self, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError

            try:
                return method(self, *args, **kwargs)
            except (MlflowException, SQLAlchemyError) as error:
                raise failure(self.uri, error, role=role) from error

        return asked

    return decorated


def failure(uri: str, error: Exception, *, role: str = READER) -> RatchetError:
    """What is said about an error of MLflow's at `uri`, in something that takes `role`."""
    code, where = code_of(error), masked(uri)
    if code == "UNAUTHENTICATED":
        return UsageError(
            f"MLflow at {where} does not accept {_user()}: no such user, or another password",
            next_step=f"set {USERNAME} and MLFLOW_TRACKING_PASSWORD, or put both into MLFLOW_TRACKING_URI",
        )
    if code == HIDDEN:
        return UsageError(
            f"MLflow at {where} does not let {_user()} do this: it takes the role {role}",
            next_step="run it with the name and password of a user with that role (docs/services.md)",
        )
    return ServiceFailed(
        masked(uri, f"MLflow at {where}: {error}"),
        next_step="start it or mend MLFLOW_TRACKING_URI, then run the same command again: what was begun is completed",
    )


def code_of(error: Exception) -> str:
    """MLflow's code of an error; one of a file on its way through the server has only HTTP's."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return OF_STATUS.get(status) or str(getattr(error, "error_code", ""))


def refused(error: Exception) -> bool:
    """Whether asking again cannot help: the user is not known, or may not."""
    return code_of(error) in (OF_STATUS[401], OF_STATUS[403])


def _user() -> str:
    name = os.environ.get(USERNAME, "")
    return f"the user {name!r}" if name else "whom no MLFLOW_TRACKING_USERNAME names"
