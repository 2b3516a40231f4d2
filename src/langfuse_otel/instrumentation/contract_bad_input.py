"""The contract for what nobody planned: odd arguments, odd replies, and clients that others have changed too.

    class TestBadInput(BadInputContract):
        instrumentor = MyInstrumentor
        def ask(self, **changed): return client.chat(**{"model": "m", "text": "Hi", **changed})
        ...

Whatever is given or answered, the call ends as it does without instrumentation, and its span says what it could.
"""

from __future__ import annotations

import copy
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar
from unittest import mock

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.instrumentor import Instrumentor
from langfuse_otel.instrumentation.odd_values import ODD
from langfuse_otel.instrumentation.semconv_checker import violations

_OTHERS: tuple[Any, ...] = (None, -1, "odd", [None], {})  # than what a provider replies
_ADDRESS = re.compile(r"0x[0-9a-f]+")


class BadInputContract(ABC):
    """What holds for a method of a client whatever it is given."""

    instrumentor: type[Instrumentor]
    sees_all_errors: ClassVar[bool] = True
    """False where the client may still fail when the call is over for its instrumentation: after its last callback."""

    @abstractmethod
    def ask(self, **changed: Any) -> Any:
        """Make a usual call that is one span, with some arguments replaced or added."""

    @abstractmethod
    def places(self, value: Any) -> list[dict[str, Any]]:
        """Arguments to change so that ``value`` is given: as the content, inside it, as a parameter."""

    @property
    @abstractmethod
    def method(self) -> tuple[Any, str]:
        """The object whose method ``ask`` calls, and the method's name."""

    @abstractmethod
    def sent(self) -> list[Any]:
        """The requests that the server got until now, without what changes by itself."""

    @abstractmethod
    def reply(self) -> Any:
        """The body of the server's usual reply."""

    @abstractmethod
    def reply_with(self, body: Any) -> None:
        """Have the server answer the next call with this body."""

    def told(self, result: Any) -> Any:
        """A result in a form that can be compared."""
        return result.model_dump() if hasattr(result, "model_dump") else result

    # --- Arguments and replies ----------------------------------------------------------------------------------------

    def test_odd_arguments_end_as_they_do_bare(self) -> None:
        def ask(make: Callable[[], Any], place: int) -> Any:
            return self.ask(**self.places(make())[place])

        places = range(len(self.places(None)))
        self._end_as_bare(
            (f"{what} in place {place}", partial(ask, make, place)) for what, make in ODD.items() for place in places
        )

    def test_arguments_that_the_client_does_not_know_are_refused_as_they_are_bare(self) -> None:
        self._end_as_bare(
            (
                ("an unknown argument", lambda: self.ask(no_such_argument=1)),
                ("many by position", lambda: getattr(*self.method)(1, 2, 3, 4, 5)),
                ("none at all", lambda: getattr(*self.method)()),
            )
        )

    def test_replies_with_missing_new_or_other_fields_are_read_as_they_are_bare(self) -> None:
        def ask(body: Any) -> Any:
            self.reply_with(body)
            return self.ask()

        self._end_as_bare((what, partial(ask, body)) for what, body in _variants(self.reply()))

    def _end_as_bare(self, cases: Iterable[tuple[str, Callable[[], Any]]]) -> None:
        known = [(what, ask, self._outcome(ask)) for what, ask in cases]
        recording = Recording(conventions=False)  # content that was not to be had is a note, and none of theirs
        wrong: list[str] = []
        with recording.of(self.instrumentor()):
            for what, ask, bare in known:
                already = len(recording.spans)
                traced = self._outcome(ask)
                if traced != bare:
                    wrong.append(f"{what}: {traced!r:.300} instead of {bare!r:.300}")
                spans = recording.spans[already:]
                wrong += [f"{what}: {problem}" for span in spans for problem in _said_wrong(span)]
                was_refused = bare[0] == "raised"
                if len(spans) != 1 and not (was_refused and not spans):  # refused before there was a call
                    wrong.append(f"{what}: {len(spans)} spans")
                if was_refused and self.sees_all_errors and any(map(_is_success, spans)):
                    wrong.append(f"{what}: no error on the span")
        assert not wrong, "\n".join(wrong)

    def _outcome(self, ask: Callable[[], Any]) -> tuple[Any, ...]:
        """How a call ends, and the requests that it made."""
        before = len(self.sent())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = ask()
            except Exception as error:
                return "raised", type(error), _text(error), self.sent()[before:]
            told = [self._told(chunk) for chunk in result] if isinstance(result, _Chunks) else self._told(result)
            return "returned", type(result), told, self.sent()[before:]

    def _told(self, result: Any) -> Any:
        try:
            return type(result), self.told(result)
        except Exception as error:  # a reply that the client itself cannot show
            return type(result), type(error)

    # --- Clients that others have changed -----------------------------------------------------------------------------

    def test_a_mock_in_the_method_s_place_is_called_and_not_traced(self) -> None:
        owner, name = self.method
        with Recording().of(self.instrumentor()) as recording:
            for autospec in (None, True):
                with mock.patch.object(type(owner), name, autospec=autospec, return_value="mocked"):
                    assert self.ask() == "mocked"
            assert recording.spans == ()
            self.ask()
            assert len(recording.spans) == 1

    def test_a_mock_that_was_there_before_and_goes_later_leaves_the_client_as_it_was(self) -> None:
        owner, name = self.method
        recording, instrumentor = Recording(), self.instrumentor()
        with mock.patch.object(type(owner), name, return_value="mocked"):
            instrumentor.instrument(tracer_provider=recording.tracer_provider, skip_dep_check=True)
            self.ask()
        self.ask()
        instrumentor.uninstrument()
        ended = len(recording.spans)
        bare = self.told(self.ask())
        with Recording().of(self.instrumentor()) as again:
            assert self.told(self.ask()) == bare
        assert len(recording.spans) == ended
        assert len(again.spans) == 1

    def test_a_subclass_that_calls_the_method_is_one_span(self) -> None:
        owner, name = self.method
        kind = type(owner)

        def overridden(self: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(super(mine, self), name)(*args, **kwargs)

        mine: Any = type("Mine", (kind,), {name: overridden})
        bare = self.told(self.ask())
        object.__setattr__(owner, "__class__", mine)
        try:
            with Recording().of(self.instrumentor()) as recording:
                assert self.told(self.ask()) == bare
        finally:
            object.__setattr__(owner, "__class__", kind)
        assert len(recording.spans) == 1

    def test_a_third_party_s_wrapper_around_ours_survives_us(self) -> None:
        owner, name = self.method
        kind, seen = type(owner), []
        own = vars(kind).get(name)
        bare = self.told(self.ask())
        recording = Recording()
        try:
            with recording.of(self.instrumentor()):
                inner = getattr(kind, name)

                def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
                    seen.append(name)
                    return inner(self, *args, **kwargs)

                setattr(kind, name, theirs)
                assert self.told(self.ask()) == bare
                assert len(recording.spans) == 1
            assert self.told(self.ask()) == bare
        finally:
            setattr(kind, name, own) if own is not None else delattr(kind, name)
        assert len(seen) == 2
        assert len(recording.spans) == 1


class BadStreamContract(BadInputContract):
    """The same for a stream besides, whatever its chunks say."""

    @abstractmethod
    def stream(self) -> Any:
        """Start a usual stream, which is read with ``for``."""

    @abstractmethod
    def chunks(self) -> list[Any]:
        """The usual chunks as the server sends them: JSON."""

    @abstractmethod
    def stream_with(self, chunks: list[Any]) -> None:
        """Have the server send these in the next stream."""

    def test_chunks_with_missing_new_or_other_fields_are_read_as_they_are_bare(self) -> None:
        def read(chunks: list[Any]) -> _Chunks:
            self.stream_with(chunks)
            return _Chunks(self.stream())

        usual = self.chunks()
        self._end_as_bare((what, partial(read, chunks)) for what, chunks in _changed_somewhere(usual))


class _Chunks(list[Any]):
    """What came of a stream."""


def _said_wrong(span: ReadableSpan) -> list[str]:
    # Notes stand where content was not to be had, and odd replies do not add up.
    return violations(span, content=False, counts=False)


def _is_success(span: ReadableSpan) -> bool:
    return span.status.status_code is not StatusCode.ERROR


def _text(error: BaseException) -> str:
    try:
        return _ADDRESS.sub("0x", str(error))
    except Exception as broken:
        return f"<{type(broken).__name__}>"


def _variants(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with each of its fields missing, empty, of another type, or with a new one beside it."""
    wholes: tuple[Any, ...] = ({}, [], None, "text", 1)
    for whole in wholes:
        yield f"{whole!r} as the reply", whole
    yield from _changed_somewhere(body)


def _changed_somewhere(body: Any) -> Iterator[tuple[str, Any]]:
    for path in _paths(body):
        for other in _OTHERS:
            yield f"{other!r} at {path}", _changed(body, path, partial(_set, value=other))
        yield f"nothing at {path}", _changed(body, path, lambda parent, key: parent.pop(key))
        if isinstance(path[-1], str):
            yield f"a new field beside {path}", _changed(body, path, lambda parent, _: _set(parent, "new", [{}]))


def _paths(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _changed(body: Any, path: tuple[Any, ...], change: Callable[[Any, Any], Any]) -> Any:
    copied = parent = copy.deepcopy(body)
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return copied


def _set(parent: Any, key: Any, value: Any) -> None:
    parent[key] = value
