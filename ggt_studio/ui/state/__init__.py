"""What the window observes: the open project and the work under way, as objects with signals."""
