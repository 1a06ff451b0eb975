"""The table of the interface: every operation once. Routes, OpenAPI and tests are made from it."""

from typing import Final

from app import wire
from app.settings import Settings
from app.web import availability, bookings, demo, doing, floor, health, offline, payments, sheet
from app.web.openapi import get_openapi
from app.web.operations import Operation
from app.web.table import (
    audit,
    calendars,
    changes,
    devices,
    door,
    guests,
    leases,
    links,
    money,
    outbox,
    persons,
    series,
    staff,
    waitlist,
)
from floorplan.venue import Venue

NIGHT: Final = {"night": wire.NightDate}
BOOKING: Final = {"booking_id": wire.Uuid}
NUMBER: Final = {"number": wire.TableNumber}


def operations(venue: Venue, settings: Settings) -> tuple[Operation, ...]:
    """Every operation that a worker with these settings answers."""
    offered = (
        *_reads(venue),
        *_nights(),
        *_bookings(),
        *changes.operations(),
        *series.operations(),
        *links.operations(),
        *calendars.operations(),
        *guests.operations(),
        *waitlist.operations(),
        *_floor(),
        *door.operations(),
        *staff.operations(),
        *devices.operations(),
        *leases.operations(),
        *audit.operations(),
        *persons.operations(),
        *outbox.operations(),
        *money.operations(settings),
        *_health(),
    )
    # Who starts the demo shows a token that exists only in it.
    return (*offered, *_demo()) if settings.demo else offered


def _reads(venue: Venue) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET", path="/v1/floor", handler=floor.VenueAnswer(venue),
            permission="floor:read", tag="floor", answers={200: dict},
            summary="The venue: floors, tables, combinations, doors, rules and drawings.",
        ),
        Operation(
            method="GET", path="/v1/nights", handler=floor.get_nights, permission="night:read",
            tag="nights", answers={200: floor.Nights}, summary="Tonight and the nights to come.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}", handler=floor.get_night, parameters=NIGHT,
            permission="night:read", tag="nights", answers={200: wire.NightAnswer},
            summary="One night with its tables and prices.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/availability",
            handler=availability.get_availability, parameters=NIGHT,
            query=availability.AvailabilityQuery, permission="availability:read",
            tag="floor", answers={200: availability.Availability},
            summary="The sets of tables that fit a party, best first, each with its reasons.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/state", handler=floor.get_state,
            parameters=NIGHT, query=floor.StateQuery, permission="state:read", tag="floor",
            answers={200: floor.State}, summary="The whole floor, as it is or as it was.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/events", handler=floor.get_events,
            parameters=NIGHT, query=floor.EventsQuery, permission="book:read", tag="floor",
            answers={200: floor.Events}, summary="The night's book, from a version on.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/bookings", handler=bookings.get_bookings,
            parameters=NIGHT, query=bookings.BookingsQuery, permission="booking:list",
            tag="bookings", answers={200: bookings.Bookings},
            summary="The night's bookings in the order of their slots.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/sheet", handler=sheet.get_sheet,
            parameters=NIGHT, permission="booking:code", tag="bookings", media="text/html",
            answers={200: bytes},
            summary="The night's parties with their codes, to print on A4 for the desk.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/guests", handler=bookings.get_guests,
            parameters=NIGHT, query=bookings.GuestsQuery, permission="guest:read",
            tag="bookings", answers={200: bookings.Guests},
            summary="The names behind the bookings, masked by role.",
        ),
    )  # fmt: skip


def _nights() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/nights", handler=doing.open_night, permission="night:open",
            request=wire.OpenNight, answers={201: wire.NightAnswer}, tag="nights",
            limits="write", idempotent=True, summary="Open a night for booking.",
        ),
        Operation(
            method="PATCH", path="/v1/nights/{night}", handler=doing.patch_night,
            parameters=NIGHT, permission="night:edit", request=wire.EditNight,
            answers={200: wire.NightAnswer}, tag="nights", limits="write", idempotent=True,
            summary="Edit a night's name, hours, limits or prices, or close it for good.",
        ),
    )  # fmt: skip


def _bookings() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/holds", handler=doing.hold_tables, permission="hold:create",
            request=wire.HoldTables, answers={201: wire.BookingAnswer}, tag="bookings",
            limits="write", idempotent=True,
            summary="Claim a set of tables for some minutes; the token makes one its owner.",
        ),
        Operation(
            method="DELETE", path="/v1/holds/{booking_id}", handler=doing.release_hold,
            parameters=BOOKING, permission="booking:cancel", own="own:cancel", finds_own=True,
            request=wire.Nothing, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="bookings", limits="write", idempotent=True, summary="Let a hold go.",
        ),
        Operation(
            method="POST", path="/v1/holds/{booking_id}/extend", handler=doing.extend_hold,
            parameters=BOOKING, permission="booking:extend", own="own:extend", finds_own=True,
            request=wire.Nothing, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="bookings", limits="write", idempotent=True, summary="Make a hold last, once.",
        ),
        Operation(
            method="POST", path="/v1/holds/{booking_id}/confirm", handler=payments.confirm,
            parameters=BOOKING, permission="booking:confirm", own="own:confirm",
            request=wire.PayHold, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="bookings", limits="write", idempotent=True,
            summary="Pay the deposit: its owner begins online, the desk says what it took.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}", handler=bookings.get_booking,
            parameters=BOOKING, permission="booking:read", own="own:read",
            answers={200: wire.BookingAnswer}, tag="bookings", summary="One booking.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/code.png", handler=bookings.get_code_png,
            parameters=BOOKING, permission="booking:code", own="own:code", media="image/png",
            tag="bookings", answers={200: bytes}, summary="The QR code as an image.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/code.svg", handler=bookings.get_code_svg,
            parameters=BOOKING, permission="booking:code", own="own:code", media="image/svg+xml",
            tag="bookings", answers={200: bytes}, summary="The QR code as a drawing.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/cancel", handler=offline.cancel_booking,
            parameters=BOOKING, permission="booking:cancel", own="own:cancel", finds_own=True,
            request=wire.Nothing, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="bookings", limits="write", idempotent=True, summary="Cancel a booking.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/move", handler=offline.move_tables,
            parameters=BOOKING, permission="booking:move", request=wire.MoveTables,
            answers={200: wire.BookingAnswer}, tag="bookings", limits="write", idempotent=True,
            summary="Give a booking, or a seated party, other tables.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/seat", handler=doing.seat_party,
            parameters=BOOKING, permission="booking:seat", request=wire.Nothing,
            request_may_be_empty=True, answers={200: wire.BookingAnswer}, tag="bookings",
            limits="write", idempotent=True, summary="The party sits at its tables.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/no-show", handler=offline.mark_no_show,
            parameters=BOOKING, permission="booking:no_show", request=wire.Nothing,
            request_may_be_empty=True, answers={200: wire.BookingAnswer}, tag="bookings",
            limits="write", idempotent=True, summary="The party did not come.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/complete",
            handler=doing.complete_booking, parameters=BOOKING, permission="booking:complete",
            request=wire.Nothing, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="bookings", limits="write", idempotent=True, summary="The booking is over.",
        ),
    )  # fmt: skip


def _floor() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/walk-ins", handler=doing.seat_walk_in,
            permission="walk_in:create", request=wire.WalkIn, answers={201: wire.BookingAnswer},
            tag="floor", limits="write", idempotent=True,
            summary="Let a party without a booking in, and seat it.",
        ),
        Operation(
            method="POST", path="/v1/tables/{number}/vacate", handler=doing.vacate_table,
            parameters=NUMBER, permission="table:vacate", request=wire.OfNight,
            answers={200: wire.TableAnswer}, tag="floor", limits="write", idempotent=True,
            summary="The party left the table; it waits to be laid.",
        ),
        Operation(
            method="POST", path="/v1/tables/{number}/reset", handler=doing.reset_table,
            parameters=NUMBER, permission="table:reset", request=wire.OfNight,
            answers={200: wire.TableAnswer}, tag="floor", limits="write", idempotent=True,
            summary="The table is laid again.",
        ),
        Operation(
            method="POST", path="/v1/tables/{number}/block", handler=doing.block_table,
            parameters=NUMBER, permission="table:block", request=wire.BlockTable,
            answers={201: wire.TableAnswer}, tag="floor", limits="write", idempotent=True,
            summary="Take a table out of service for a time.",
        ),
        Operation(
            method="POST", path="/v1/tables/{number}/unblock", handler=doing.unblock_table,
            parameters=NUMBER, permission="table:block", request=wire.UnblockTable,
            answers={200: wire.TableAnswer}, tag="floor", limits="write", idempotent=True,
            summary="Put a table back in service.",
        ),
    )  # fmt: skip


def _health() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET", path="/health/live", handler=health.get_live, permission=None,
            answers={200: health.Alive}, tag="health", limits="none",
            summary="The worker answers.",
        ),
        Operation(
            method="GET", path="/health/ready", handler=health.get_ready, permission=None,
            answers={200: health.Readiness, 503: health.Readiness}, tag="health", limits="none",
            summary="Each part with its truth; 503 when one that is needed is away.",
        ),
        Operation(
            method="GET", path="/metrics", handler=health.get_metrics, permission="health:read",
            answers={200: str}, media="text/plain", tag="health", limits="read",
            summary="Prometheus metrics of the worker that answers; free on loopback.",
        ),
        Operation(
            method="GET", path="/openapi.json", handler=get_openapi, permission=None,
            answers={200: dict}, tag="health", summary="This interface as OpenAPI 3.1.",
        ),
    )  # fmt: skip


def _demo() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/demo/links", handler=demo.post_links, permission=None,
            request=demo.DemoAsk, answers={201: demo.DemoLinks}, tag="demo", limits="sign_in",
            summary="Single-use sign-in links of the demo's accounts, for who started it.",
        ),
        Operation(
            method="POST", path="/v1/demo/clock", handler=demo.post_clock, permission=None,
            request=demo.DemoClock, answers={200: demo.DemoTime}, tag="demo", limits="sign_in",
            summary="Set the demo clock, for who started it.",
        ),
    )  # fmt: skip
