"""Pure layer: words, decisions and image arithmetic. Standard library, numpy and Pillow only."""
