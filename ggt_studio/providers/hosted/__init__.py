"""Models that are asked over a network: the vendors' clients, what can go wrong with them, and one adapter per protocol."""
