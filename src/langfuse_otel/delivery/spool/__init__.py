"""Spans on disk: one directory a project, files a process, rows in SQLite."""
