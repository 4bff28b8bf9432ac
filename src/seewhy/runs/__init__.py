"""Long runs: work shared out to workers, and files that are written completely or not at all.

The bench and the audit are built on this. It knows nothing of what is computed.
"""
