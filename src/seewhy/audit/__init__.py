"""Audit of whole data sets: every word of every answer, with its verdict."""
