"""Vision language models as prompt writers, judges and screeners: one small chat, its instructions, and strict readers of replies."""
