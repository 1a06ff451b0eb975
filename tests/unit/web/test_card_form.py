"""The page and the service speak of one release of Stripe's API."""

import re

import stripe

from app.settings import CHECKOUT


def test_stripes_script_is_of_the_release_of_its_client() -> None:
    form = (CHECKOUT / "static/js/pay/card.js").read_text(encoding="utf-8")
    [release] = re.findall(r'"https://js\.stripe\.com/(\w+)/stripe\.js"', form)
    assert stripe.api_version.endswith(f".{release}")
