"""What callers hand over although nobody planned for it: for ``contract_bad_input``, and for tests of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_MANY = 3_000  # deeper than any encoder goes
_LONG = 3_000_000  # characters


class _Broken:
    """Whatever one asks of it, it raises."""

    def _raise(self, *_: Any) -> Any:
        raise RuntimeError("broken")

    __repr__ = __str__ = __bool__ = __len__ = __iter__ = __eq__ = __getitem__ = __contains__ = __int__ = _raise
    __float__ = __format__ = __call__ = _raise
    __hash__ = _raise


class _Secretive:
    """Has every attribute, and raises for each."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class _Array:
    """As an array of NumPy's: no truth, and comparing gives another array."""

    def __bool__(self) -> bool:
        raise ValueError("The truth value of an array is ambiguous")

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[float]:
        return iter((0.5, 0.25))

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]


class _Text(str):
    """A text that does not want to be read."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no")


class _View(Mapping[str, Any]):
    """A mapping that is no dict, and forgets its values."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("role", "content", "text", "type"))

    def __len__(self) -> int:
        return 4


def _cyclic_list() -> list[Any]:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    return cyclic


def _cyclic_dict() -> dict[str, Any]:
    cyclic: dict[str, Any] = {"role": "user"}
    cyclic["content"] = cyclic
    return cyclic


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(_MANY):
        deep = [deep]
    return deep


def _raising() -> Iterator[Any]:
    yield {"role": "user", "content": "Hi"}
    raise LookupError("the second is missing")


def _of(library: str, make: Callable[[Any], Any]) -> Any:
    """A value of a library that may not be installed."""
    try:
        return make(__import__(library))
    except ImportError:
        return _Array()


ODD: dict[str, Callable[[], Any]] = {
    "an object that raises": _Broken,
    "an object whose attributes raise": _Secretive,
    "an array": _Array,
    "a NumPy array": lambda: _of("numpy", lambda numpy: numpy.zeros((2, 2))),
    "a NumPy number": lambda: _of("numpy", lambda numpy: numpy.float32(0.5)),
    "a pydantic model": lambda: _of("pydantic", lambda pydantic: pydantic.create_model("M", content=(str, "Hi"))()),
    "a class": lambda: _Array,
    "a text that is none": lambda: _Text("Hi"),
    "a mapping that is no dict": _View,
    "a list with itself inside": _cyclic_list,
    "a dict with itself inside": _cyclic_dict,
    "lists in lists": _deep,
    "a long text": lambda: "x" * _LONG,
    "a lone surrogate": lambda: "\ud800",
    "bytes": lambda: b"\xff\x00",
    "no number": lambda: float("nan"),
    "a large number": lambda: 10**400,
    "a set": lambda: {1, 2},
    "a generator that raises": _raising,
    "a function": lambda: len,
    "nothing": lambda: None,
    "an empty list": list,
    "an empty text": str,
    "a list of nothing": lambda: [None],
    "a truth value": lambda: True,
}
"""What callers may hand over, by what it is; each made anew, since a call may use it up."""
