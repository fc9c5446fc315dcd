"""Data that ships with the program: prompt presets, style, icons."""
