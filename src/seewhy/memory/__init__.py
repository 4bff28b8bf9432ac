"""How much memory an explanation takes, how much there is, and what would fit."""
