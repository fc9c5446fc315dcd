"""The project on disk: one SQLite file and content-addressed folders; queries in, dataclasses out."""
