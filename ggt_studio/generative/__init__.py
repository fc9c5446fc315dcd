"""Restorers that are a trained part of a large generative model: a LoRA of Qwen-Image-Edit, a ControlNet of FLUX.1."""
