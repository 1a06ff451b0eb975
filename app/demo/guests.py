"""Invented guests: names that no list of customers was read for, and contacts that reach nobody."""

from collections.abc import Iterator
from random import Random
from typing import Final

FIRST: Final = (
    "Aisha", "Alfie", "Amara", "Anya", "Beatriz", "Bronwen", "Callum", "Chidi", "Dafydd", "Dara",
    "Elif", "Esme", "Farah", "Fergus", "Gwen", "Hana", "Hiro", "Imogen", "Idris", "Jaspreet",
    "Jonah", "Kasia", "Kofi", "Leila", "Linh", "Magnus", "Mei", "Nadia", "Niamh", "Oluwaseun",
    "Oscar", "Padma", "Pascal", "Quentin", "Rafael", "Rhiannon", "Sanjay", "Sorcha", "Tariq",
    "Thandiwe", "Umar", "Valentina", "Wei", "Xanthe", "Yusuf", "Zainab", "Zofia", "Malia",
)  # fmt: skip
LAST: Final = (
    "Achterberg", "Adeyemi", "Ashworth", "Banerjee", "Bexley", "Castellano", "Chowdhury",
    "Crowther", "Dlamini", "Ellingham", "Farooqi", "Gallagher", "Greenhalgh", "Haddad", "Hargreave",
    "Iwasaki", "Jankowska", "Kaur", "Kowalczyk", "Lindqvist", "Llewellyn", "MacAllister",
    "Mbeki", "Moravec", "Nakamura", "Nguyen", "Oakenshaw", "Okonkwo", "Oyelaran", "Papadakis",
    "Pemberton", "Quispe", "Ramanathan", "Ravenscroft", "Sato", "Sithole", "Sutcliffe", "Szabo",
    "Thackeray", "Tremblay", "Ullah", "Vasquez", "Whitlock", "Xiang", "Yilmaz", "Zamora",
)  # fmt: skip


def names(random: Random) -> Iterator[str]:
    """Full names without end, none twice (after all pairs are used up, with a number)."""
    pairs = [(first, last) for first in FIRST for last in LAST]
    random.shuffle(pairs)
    for first, last in pairs:
        yield f"{first} {last}"
    count = 1
    while True:
        count += 1
        for first, last in pairs:
            yield f"{first} {last} {count}"


def phone(random: Random) -> str:
    """A number of the range that Ofcom keeps for drama: nobody has it.

    Source: Ofcom, Telephone numbers for drama use, mobile 07700 900000 to 900999.
    """
    return f"07700 900{random.randrange(1000):03d}"


def email(name: str) -> str:
    """An address at a name that is reserved (RFC 2606): no mail ever leaves for it."""
    return name.lower().replace(" ", ".") + "@example.com"


def address(random: Random) -> str:
    """Where a guest's telephone asks from: the block for tests between networks (RFC 2544)."""
    return f"198.{random.choice((18, 19))}.{random.randrange(256)}.{random.randrange(1, 255)}"
