"""The operations of offline rights, and of the tasks that they leave."""

from typing import Final

from app import wire
from app.web import offline
from app.web.operations import Operation
from app.wire.leases import (
    DoorAnswer,
    LeaseAnswer,
    LeasesQuery,
    ReleaseLease,
    RenewLease,
    ResolveTask,
    ReturnLease,
    TakeLease,
    TaskAnswer,
    TasksQuery,
)

LEASE: Final = {"lease_id": wire.Uuid}
TASK: Final = {"task_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """Every operation on leases and tasks."""
    return (
        Operation(
            method="GET", path="/v1/devices/self/door", handler=offline.get_door,
            permission="lease:use", answers={200: DoorAnswer}, tag="door",
            summary="What a tablet keeps for when it has no connection: keys and tonight's list.",
        ),
        Operation(
            method="GET", path="/v1/leases", handler=offline.get_leases,
            permission="lease:manage", query=LeasesQuery, answers={200: offline.Leases}, tag="door",
            summary="Which tablets hold tickets, and since when nothing was heard of them.",
        ),
        Operation(
            method="POST", path="/v1/leases", handler=offline.take_lease, permission="lease:use",
            request=TakeLease, answers={201: LeaseAnswer}, tag="door", limits="scan",
            idempotent=True,
            summary="From now on this tablet alone may admit these tickets, connected or not.",
        ),
        Operation(
            method="POST", path="/v1/leases/{lease_id}/renew", handler=offline.renew_lease,
            parameters=LEASE, permission="lease:use", request=RenewLease,
            answers={200: LeaseAnswer}, tag="door", limits="scan", idempotent=True,
            summary="The lease lasts on from the sending of this request.",
        ),
        Operation(
            method="POST", path="/v1/leases/{lease_id}/return", handler=offline.return_lease,
            parameters=LEASE, permission="lease:use", request=ReturnLease,
            answers={200: LeaseAnswer}, tag="door", limits="scan", idempotent=True,
            summary="Give tickets back, saying of each how many came in by it.",
        ),
        Operation(
            method="POST", path="/v1/leases/{lease_id}/recall", handler=offline.recall_lease,
            parameters=LEASE, permission="lease:manage", request=wire.Nothing,
            request_may_be_empty=True, answers={200: LeaseAnswer}, tag="door", limits="write",
            idempotent=True,
            summary="Ask a tablet to give back everything that it holds.",
        ),
        Operation(
            method="POST", path="/v1/leases/{lease_id}/release", handler=offline.release_lease,
            parameters=LEASE, permission="lease:manage", request=ReleaseLease,
            answers={200: LeaseAnswer}, tag="door", limits="write", idempotent=True,
            summary="Take back what a lost tablet holds; it may still admit until its lease ends.",
        ),
        Operation(
            method="GET", path="/v1/tasks", handler=offline.get_tasks, permission="task:manage",
            query=TasksQuery, answers={200: offline.Tasks}, tag="door",
            summary="What a person has to decide after a tablet was away.",
        ),
        Operation(
            method="POST", path="/v1/tasks/{task_id}/resolve", handler=offline.resolve_task,
            parameters=TASK, permission="task:manage", request=ResolveTask,
            answers={200: TaskAnswer}, tag="door", limits="write", idempotent=True,
            summary="Decide a task: its people count as inside, or they do not.",
        ),
    )  # fmt: skip
