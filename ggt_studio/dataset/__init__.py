"""What goes in and out: discovery, import, sampling, selection, export, synthetic degradation."""
