"""How the reference model is made: its tokenizer, its lessons, its pretraining."""
