"""The operations of the door: verdicts, counts, what supervisors do, and the door's log."""

from typing import Final

from app import wire
from app.web import doing, door_log, night_report, offline, quarantine
from app.web.operations import Operation
from app.wire.door_log import DoorLog, DoorLogQuery, Inside, InsideQuery

NIGHT: Final = {"night": wire.NightDate}
BOOKING: Final = {"booking_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """What devices and door staff call, and what managers read of it."""
    return (
        Operation(
            method="POST", path="/v1/scans", handler=offline.scan, permission="scan:create",
            request=wire.ScanRequest, any_text=True, answers={200: doing.ShownVerdict}, tag="door",
            limits="scan", revoked=quarantine.keep_scan,
            summary="One read of a code or reference; the same scan_id has one verdict for ever.",
        ),
        Operation(
            method="GET", path="/v1/scans/{scan_id}", handler=doing.find_verdict,
            parameters={"scan_id": wire.Uuid}, permission="scan:read",
            answers={200: doing.ShownVerdict}, tag="door", summary="What was decided about a scan.",
        ),
        Operation(
            method="POST", path="/v1/scans/{scan_id}/override", handler=doing.override_scan,
            parameters={"scan_id": wire.Uuid}, permission="scan:supervise",
            request=wire.OverrideScan, answers={200: doing.ShownVerdict}, tag="door",
            limits="scan", idempotent=True,
            summary="A supervisor lets people in against the rule, with PIN and reason.",
        ),
        Operation(
            method="POST", path="/v1/scans/{scan_id}/undo", handler=doing.undo_scan,
            parameters={"scan_id": wire.Uuid}, permission="scan:supervise",
            request=wire.UndoScan, answers={200: wire.UndoneAnswer}, tag="door",
            limits="scan", idempotent=True,
            summary="A supervisor takes a scan's count back, with PIN and reason.",
        ),
        Operation(
            method="POST", path="/v1/headcount", handler=doing.change_headcount,
            permission="headcount:change", request=wire.HeadcountRequest,
            answers={200: wire.HeadcountAnswer}, tag="door", limits="write", idempotent=True,
            summary="The clicker: people in or out; managers also correct the count.",
        ),
        Operation(
            method="POST", path="/v1/incidents", handler=doing.record_incident,
            permission="incident:record", request=wire.RecordIncident,
            answers={201: wire.IncidentAnswer}, tag="door", limits="write", idempotent=True,
            summary="Write an incident at a door into the night's book, by words of a list.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/inside", handler=door_log.get_inside,
            parameters=NIGHT, query=InsideQuery, permission="book:read", tag="door",
            answers={200: Inside},
            summary="How many are, or were, inside; with the lines that led to it.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/door-log", handler=door_log.get_door_log,
            parameters=NIGHT, query=DoorLogQuery, permission="door_log:read", tag="door",
            answers={200: DoorLog}, other_media=("text/csv",),
            summary="Refusals, overrides, undone scans, head counts and incidents, with filters.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/report.csv", handler=night_report.get_report,
            parameters=NIGHT, permission="report:read", tag="nights", media="text/csv",
            answers={200: bytes},
            summary="The night's report: each line that counts, with what it adds to each figure.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/reissue", handler=offline.reissue_code,
            parameters=BOOKING, permission="booking:reissue", own="own:reissue",
            request=wire.ReissueCode, answers={200: wire.ReissuedAnswer}, tag="door",
            limits="write", idempotent=True,
            summary="Issue the booking's code again; every earlier one is void at once.",
        ),
    )  # fmt: skip
