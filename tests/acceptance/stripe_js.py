"""A Stripe.js for the browser, served in place of Stripe's own: the documented calls, no more.

It types no card: the page of the test says by `window.testCard` what the card does, as the stand-in
behind the service knows it. Everything else that happens is the service's own.
"""

from typing import Any

from playwright.sync_api import BrowserContext, Route

ADDRESS = "https://js.stripe.com/**"

SCRIPT = """
window.stripeCalls = [];
window.Stripe = (key, options) => {
  const calls = window.stripeCalls;
  calls.push(["Stripe", key, options]);
  const pays = async (secret, card) => {
    const { booking_id: id, token } = JSON.parse(localStorage.getItem("backroom.hold"));
    if (!/^pi_\\w+_secret_\\w+$/.test(secret)) throw new Error("no secret of an intent");
    const answer = await fetch(`/v1/bookings/${id}/test-card`, {
      method: "POST",
      headers: {
        "Authorization": `Bearer ${token}`, "Idempotency-Key": crypto.randomUUID(),
        "Content-Type": "application/json",
      },
      body: JSON.stringify({ card }),
    });
    return (await answer.json()).deposit?.state ?? "succeeded";
  };
  const outcome = (state) =>
    state === "failed"
      ? { error: { type: "card_error", code: "card_declined", message: "Your card was declined." } }
      : { paymentIntent: { status: state } };
  return {
    elements: (given) => {
      calls.push(["elements", given]);
      return {
        secret: given.clientSecret,
        create: (type, how) => {
          calls.push(["create", type, how]);
          const heard = {};
          let frame = null;
          return {
            on: (name, act) => { heard[name] = act; },
            mount: (place) => {
              frame = document.createElement("iframe");
              frame.title = "Secure payment input frame";
              frame.src = "https://js.stripe.com/frame.html";
              place.append(frame);
              setTimeout(() => heard[window.formFails ? "loaderror" : "ready"]?.({}));
            },
            focus: () => {},
            destroy: () => frame?.remove(),
          };
        },
      };
    },
    confirmPayment: async ({ elements, confirmParams, redirect }) => {
      calls.push(["confirmPayment", confirmParams, redirect]);
      if (window.testCard === "no network")
        return { error: { type: "api_connection_error", message: "x" } };
      if (window.testCard === "goes away") {
        const state = await pays(elements.secret, "pays");
        const back = new URL(confirmParams.return_url);
        back.searchParams.set("payment_intent", elements.secret.split("_secret_")[0]);
        back.searchParams.set("payment_intent_client_secret", elements.secret);
        back.searchParams.set("redirect_status", state);
        location.assign(back);
        return new Promise(() => {});
      }
      return outcome(await pays(elements.secret, window.testCard ?? "pays"));
    },
    handleNextAction: async ({ clientSecret }) => {
      calls.push(["handleNextAction"]);
      return outcome(await pays(clientSecret, window.testCheck ?? "approve"));
    },
  };
};
"""

PUBLIC_KEY = "pk_test_of_a_test"


def take_cards_by_stripe(context: BrowserContext, *, reachable: bool = True) -> list[str]:
    """The service says that it takes real cards, and js.stripe.com answers; what is asked there."""
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        if not reachable:
            route.abort()
        elif route.request.url.endswith(".js"):
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            route.fulfill(body="<p>Card number", content_type="text/html")

    told: dict[str, Any] = context.request.get("/v1/payments/ways").json()
    told |= {"how": "stripe", "publishable_key": PUBLIC_KEY}

    context.route(ADDRESS, serve)
    context.route("**/v1/payments/ways", lambda route: route.fulfill(json=told))
    return asked
