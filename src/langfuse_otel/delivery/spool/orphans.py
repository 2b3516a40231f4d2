"""Files of owners that are gone, adopted to be delivered by this process."""

from __future__ import annotations

import os
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

from langfuse_otel.delivery.spool import directory as spool_directory
from langfuse_otel.delivery.spool.directory import Ownership
from langfuse_otel.delivery.spool.file import SpoolFile

_MAX_OWNERS = 4  # at a time: each takes a file descriptor, and a crash loop leaves many


class Orphans:
    """The adopted files, oldest first. Not for several threads at once."""

    def __init__(self) -> None:
        self._adopted: dict[Ownership, list[SpoolFile]] = {}

    @property
    def files(self) -> list[SpoolFile]:
        """All files."""
        return [file for files in tuple(self._adopted.values()) for file in tuple(files)]

    @property
    def owners(self) -> set[str]:
        """Whose files they were."""
        return {ownership.owner for ownership in self._adopted}

    def adopt(self, directory: Path, synchronous: str, not_those_of: Set[str]) -> None:
        """Take charge of the files of owners that are gone. They are yet to be loaded.

        Raises:
            OSError: The directory cannot be read.
        """
        for owner in spool_directory.owners(directory):
            if len(self._adopted) >= _MAX_OWNERS:
                break
            ownership = None if owner in not_those_of | self.owners else Ownership.take(directory, owner)
            if ownership is None:
                continue
            with suppress(OSError):  # the disk may be full
                ownership.say({"pid": os.getpid()})
            spool_directory.remove_leftovers(directory, owner)
            files = [SpoolFile(path, synchronous) for path in spool_directory.data_files(directory, owner)]
            if not files:
                ownership.give_up(delete=True)
                continue
            self._adopted[ownership] = files

    def remove(self, file: SpoolFile) -> None:
        """A file is gone or set aside; with the last one of its owner, nothing is left of that."""
        for ownership, files in tuple(self._adopted.items()):
            if file in files:
                files.remove(file)
                if not files:
                    del self._adopted[ownership]
                    with suppress(OSError):
                        ownership.give_up(delete=True)

    def close(self) -> None:
        """Leave what is left to another process."""
        for ownership, files in self._adopted.items():
            for file in files:
                file.release()
            with suppress(OSError):
                ownership.give_up(delete=not files)
        self._adopted.clear()

    def forget(self) -> None:
        """In a forked child: they are the parent's."""
        for ownership in self._adopted:
            ownership.forget()
        self._adopted.clear()
