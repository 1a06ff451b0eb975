"""The operations of bookings that recur."""

from typing import Final

from app import wire
from app.web import series
from app.web.operations import Operation
from app.wire.series import BookSeries, CancelSeries, Series, SeriesPreview, SeriesQuery

SERIES: Final = {"series_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET", path="/v1/nights/{night}/series", handler=series.preview,
            parameters={"night": wire.NightDate}, query=SeriesQuery, permission="booking:series",
            answers={200: SeriesPreview}, tag="bookings",
            summary="What each date of a booking that recurs can offer, from this night on.",
        ),
        Operation(
            method="POST", path="/v1/series", handler=series.book_series,
            permission="booking:series", request=BookSeries, answers={201: Series},
            tag="bookings", limits="write", idempotent=True,
            summary="Book all the dates that were agreed, or none.",
        ),
        Operation(
            method="GET", path="/v1/series/{series_id}", handler=series.get_series,
            parameters=SERIES, permission="booking:series", answers={200: Series},
            tag="bookings", summary="All dates of a booking that recurs.",
        ),
        Operation(
            method="POST", path="/v1/series/{series_id}/cancel", handler=series.cancel_series,
            parameters=SERIES, permission="booking:series", request=CancelSeries,
            request_may_be_empty=True, answers={200: Series}, tag="bookings", limits="write",
            idempotent=True, summary="Cancel the rest of a series, or its dates from one on.",
        ),
    )  # fmt: skip
