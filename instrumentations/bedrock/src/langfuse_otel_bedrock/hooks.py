"""Where botocore makes calls: one method for all operations of all services."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from langfuse_otel.instrumentation import Attributes, Endpoint, Hook, Server
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import fields
from langfuse_otel_bedrock.answers import events_handed_on, failure, invoked_body_handed_on
from langfuse_otel_bedrock.converse import converse_input, converse_output, converse_request, converse_response
from langfuse_otel_bedrock.events import ConverseEvents, InvokedBody, InvokedEvents
from langfuse_otel_bedrock.families.family import Family
from langfuse_otel_bedrock.models import family_of, model_name


class _Operation(Endpoint):
    """An endpoint whose arguments are the parameters of the API call, as ``_make_api_call`` gets them."""

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The parameters, and the model as it is commonly called."""
        given = fields(kwargs.get("api_params", args[-1] if args else None))
        return {**given, "model": model_name(given.get("modelId"))}


def _server(client: Any) -> Server:
    return Server.at("aws.bedrock", client.meta.endpoint_url)


_operation = partial(_Operation, server=_server, response=converse_response, output=converse_output, failure=failure)
_converse = partial(_operation, operation=names.CHAT, request=converse_request, input=converse_input)
_CONVERSE = {
    "Converse": _converse(),
    "ConverseStream": _converse(accumulator=ConverseEvents, hand_on=partial(events_handed_on, key="stream")),
}


@lru_cache(maxsize=64)
def _invoking(operation_name: str, family: Family) -> Endpoint | None:
    def request(arguments: Any) -> Attributes:
        return converse_request(family.converse(arguments))

    invoking = partial(
        _operation,
        operation=family.operation,
        request=request,
        input=lambda arguments: converse_input(family.converse(arguments)),
    )
    if operation_name == "InvokeModel":
        return invoking(accumulator=partial(InvokedBody, family), hand_on=invoked_body_handed_on)
    return invoking(accumulator=partial(InvokedEvents, family), hand_on=partial(events_handed_on, key="body"))


def _endpoint(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Endpoint | None:
    """What a call of any AWS service means here: nothing, unless it asks a model of Bedrock."""
    if client.meta.service_model.service_name != "bedrock-runtime":
        return None
    operation_name = kwargs.get("operation_name", args[0] if args else "")
    if operation_name in ("InvokeModel", "InvokeModelWithResponseStream"):
        given = fields(kwargs.get("api_params", args[-1]))
        return _invoking(operation_name, family_of(given.get("modelId")))
    return _CONVERSE.get(operation_name)


HOOKS = (
    Hook(
        "botocore.client:BaseClient._make_api_call",
        _endpoint,
        also_traced_at=("botocore.client:ClientCreator.create_client", "botocore.session:Session.create_client"),
    ),
)
