"""The operations of the audit."""

from app.web import audit
from app.web.operations import Operation
from app.wire.audit import Audit, AuditQuery


def operations() -> tuple[Operation, ...]:
    """Reading the books, for whoever answers for the venue."""
    return (
        Operation(
            method="GET", path="/v1/audit", handler=audit.get_audit, query=AuditQuery,
            permission="audit:read", tag="audit", answers={200: Audit},
            summary="Who did what: the venue's book or a night's, newest first, with filters.",
        ),
    )  # fmt: skip
