"""How a person's name is shown to whom."""


def masked(name: str) -> str:
    """First name and initial, `Ada L.`: what the door needs to greet a party, and no more."""
    words = name.split()
    if len(words) < 2:
        return words[0] if words else ""
    return f"{words[0]} {words[-1][0]}."
