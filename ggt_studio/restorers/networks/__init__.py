"""Networks written here from their papers, with their authors' parameter names, so that released checkpoints load unchanged."""
