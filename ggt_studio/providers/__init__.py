"""Generators, prompt writers and judges, and the registry through which built-ins and plugins come in alike."""
