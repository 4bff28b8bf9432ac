"""How the shipped model was made: corpus, tokenizer, training stages, figures and model card."""
