"""Explanations in the cells of a notebook: a picture that is always there, and the live page.

`explanation` as the last line of a cell comes to `seewhy.notebook.explanations`, and
`explainer.interact()` to `seewhy.notebook.interact`.
"""
