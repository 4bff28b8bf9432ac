"""The local app: a service that answers requests, and the server in front of it.

`Service` knows nothing of HTTP. `seewhy.app.http` puts it behind FastAPI for `seewhy app`; a
notebook sends the same requests as messages of a widget. Reasons are in `docs/app.md`.
"""
