"""How the smol models are trained: a tower that learns to see, and adapters of SmolLM2."""
