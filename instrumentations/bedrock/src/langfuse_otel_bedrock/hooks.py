"""Where botocore makes calls: one method for all operations of all services."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from langfuse_otel.instrumentation import Arguments, Attributes, Endpoint, Hook, Server, formats
from langfuse_otel.instrumentation.fields import fields, text
from langfuse_otel_bedrock.answers import body_handed_on, events_handed_on, failure
from langfuse_otel_bedrock.bodies import AnswerBody, AnswerEvents, RequestBody, answer_attributes, answer_of
from langfuse_otel_bedrock.models import format_of, model_name

_HAND_ON = {
    "Converse": None,
    "ConverseStream": partial(events_handed_on, key="stream"),
    "InvokeModel": body_handed_on,
    "InvokeModelWithResponseStream": partial(events_handed_on, key="body"),
}


class _Operation(Endpoint):
    """An endpoint whose arguments are the parameters of the API call, as ``_make_api_call`` gets them."""

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The parameters, the model as it is commonly called, and what it is sent."""
        given = fields(kwargs.get("api_params", args[-1] if args else None))
        return {**given, "model": model_name(given.get("modelId")), "sent": RequestBody(given)}


def _guardrail(_: Any, arguments: Arguments) -> Attributes:
    given = text(arguments.get("guardrailConfig"), "guardrailIdentifier") or text(arguments, "guardrailIdentifier")
    return {"aws.bedrock.guardrail.id": given} if given else {}


@lru_cache(maxsize=64)
def _operation(operation_name: str, form: Endpoint) -> Endpoint:
    return _Operation(
        operation=form.operation,
        server=lambda client: Server.at("aws.bedrock", client.meta.endpoint_url),
        identity=_guardrail,
        request=lambda arguments: form.request(arguments["sent"].decoded),
        input=lambda arguments: form.input(arguments["sent"].decoded),
        response=partial(answer_attributes, form=form),
        output=lambda told: form.output(answer_of(told)),
        accumulator=AnswerBody if operation_name == "InvokeModel" else partial(AnswerEvents, form),
        failure=failure,
        hand_on=_HAND_ON[operation_name],
    )


def _endpoint(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Endpoint | None:
    """What a call of any AWS service means here: nothing, unless it asks a model of Bedrock."""
    operation_name = kwargs.get("operation_name", args[0] if args else "")
    if client.meta.service_model.service_name != "bedrock-runtime" or operation_name not in _HAND_ON:
        return None
    given = fields(kwargs.get("api_params", args[-1]))
    is_converse = operation_name.startswith("Converse")
    return _operation(operation_name, formats.CONVERSE if is_converse else format_of(given.get("modelId")))


HOOKS = (
    Hook(
        "botocore.client:BaseClient._make_api_call",
        _endpoint,
        also_traced_at=("botocore.client:ClientCreator.create_client", "botocore.session:Session.create_client"),
    ),
)
