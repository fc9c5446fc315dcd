"""Reusable widgets: plain data in, signals out; none of them knows the store."""
