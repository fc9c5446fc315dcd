"""Training a LoRA or a ControlNet into a generative model, by the same loop as other networks."""
