"""Generators with open weights, run through diffusers in the worker; nothing leaves this machine."""
