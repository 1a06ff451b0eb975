"""What the door writes down beside its scans: incidents, by words of a list alone.

The book is for ever and has no personal data; who was concerned stands in the club's own register,
under the id of the line.
"""

from typing import Literal

IncidentKind = Literal[
    "ejection",  # people were put out
    "refused_at_sight",  # kept out without a scan: drunk, no ID, not dressed, not alone
    "fight", "injury", "medical", "theft", "drugs", "weapon", "harassment", "damage",
    "vulnerable",  # somebody was looked after or taken home
    "official_visit",  # police, licensing or fire officers came
    "other",
]  # fmt: skip
IncidentOutcome = Literal[
    "settled", "sent_home", "banned", "first_aid", "ambulance", "police", "fire_service",
    "handed_over", "other",
]  # fmt: skip
