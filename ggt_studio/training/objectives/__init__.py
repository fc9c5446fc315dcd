"""What a network is asked of a batch in training, a file for each way: an image, three stages of it, a residual, noise."""
