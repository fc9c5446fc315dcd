"""Stand-ins for the far side of interfaces, and small projects to work on."""
