"""The engine: asks the policy what to do with each open patch, and does it."""
