"""The one project of a data file, with its keys: made at the first start, the same at every later one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from langfuse_otel.server.store import Store


@dataclass(frozen=True, slots=True)
class Project:
    """A Langfuse project. ``id`` is in the addresses of its pages."""

    id: str
    name: str
    public_key: str
    secret_key: str = field(repr=False)


def load_project(store: Store) -> Project:
    """The data file's project; a new one with new keys when it has none."""
    with store.write() as connection:
        fields = dict(connection.execute("SELECT key, value FROM project").fetchall())
        if not fields:
            fields = {
                "id": "local",
                "name": "Local project",
                "public_key": f"pk-lf-{uuid.uuid4()}",
                "secret_key": f"sk-lf-{uuid.uuid4()}",
            }
            connection.executemany("INSERT INTO project VALUES (?, ?)", fields.items())
    return Project(**fields)
