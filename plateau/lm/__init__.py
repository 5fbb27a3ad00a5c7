"""The language model: mlx made ready, base model and adapter, batches and the loss."""
