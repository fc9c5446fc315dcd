"""The window: pages and widgets over observable state."""
