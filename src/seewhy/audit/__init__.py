"""Audit of whole data sets: every word of every answer, with its verdict.

`run_audit` diagnoses and stores rows, and writes the page; `Store` reads them. See docs/audit.md.
Heavy modules are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seewhy.audit.config import AuditConfig
    from seewhy.audit.run import AuditResult, Progress, run_audit
    from seewhy.audit.store import Store

__all__ = ["AuditConfig", "AuditResult", "Progress", "Store", "run_audit"]

_MODULES = {
    "AuditConfig": "seewhy.audit.config",
    "AuditResult": "seewhy.audit.run",
    "Progress": "seewhy.audit.run",
    "run_audit": "seewhy.audit.run",
    "Store": "seewhy.audit.store",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'seewhy.audit' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
