"""Models that speak English: SmolLM2-135M, which comes from its own wheel, with parts of ours.

Only our parts ship with the package. `assembly` puts both together, on first use.
"""
