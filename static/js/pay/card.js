// @ts-check
/**
 * The card form: Stripe's own Payment Element, from Stripe's own script. The card's number is typed
 * into a frame of Stripe's and goes to Stripe; no code of ours, and no request to us, ever has it.
 */

// The release of the service's own client of Stripe, so that both speak of one API
// (tests/unit/web/test_card_form.py). Stripe asks that it be loaded from Stripe, never kept.
const SCRIPT = "https://js.stripe.com/endive/stripe.js";
const DEADLINE_MS = 20_000;

/** What Stripe's script or form could not do; the sentence is for the guest. */
export class CardTrouble extends Error {
  /** @param {string} text @param {"load" | "card" | "unsure"} kind */
  constructor(text, kind) {
    super(text);
    this.name = "CardTrouble";
    this.kind = kind;
  }
}

const NOT_LOADED =
  "The card form can't be loaded at the moment. Nothing was taken: check the network and try again, or pay at the desk.";

/** Stripe's script, loaded once; asked for again after it failed. @returns {Promise<any>} */
function loaded() {
  const known = /** @type {any} */ (window).Stripe;
  if (known) return Promise.resolve(known);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const fail = () => {
      clearTimeout(timer);
      script.remove();
      reject(new CardTrouble(NOT_LOADED, "load"));
    };
    const timer = window.setTimeout(fail, DEADLINE_MS);
    script.src = SCRIPT;
    script.onerror = fail;
    script.onload = () => {
      clearTimeout(timer);
      const Stripe = /** @type {any} */ (window).Stripe;
      if (Stripe) resolve(Stripe);
      else fail();
    };
    document.head.append(script);
  });
}

/** One PaymentIntent's form in the page. */
export class CardForm {
  /** @param {HTMLElement} place @param {string} key public @param {string} secret of the intent */
  constructor(place, key, secret) {
    this.place = place;
    this.key = key;
    this.secret = secret;
    /** @type {any} */
    this.stripe = null;
    /** @type {any} */
    this.elements = null;
    /** @type {any} */
    this.element = null;
  }

  /** The form is there and can be typed into. Raises CardTrouble. */
  async show() {
    const Stripe = await loaded();
    this.stripe ??= Stripe(this.key, { locale: "en-GB" });
    this.elements = this.stripe.elements({
      clientSecret: this.secret,
      appearance: looks(this.place),
    });
    this.element = this.elements.create("payment", { layout: "tabs" });
    const there = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new CardTrouble(NOT_LOADED, "load")), DEADLINE_MS);
      this.element.on("ready", () => {
        clearTimeout(timer);
        resolve(null);
      });
      this.element.on("loaderror", () => {
        clearTimeout(timer);
        reject(new CardTrouble(NOT_LOADED, "load"));
      });
    });
    this.element.mount(this.place);
    await there;
  }

  focus() {
    this.element?.focus();
  }

  /** @param {string} back where a bank that takes the guest away sends them afterwards */
  pay(back) {
    return this.#settled(
      this.stripe.confirmPayment({
        elements: this.elements,
        confirmParams: { return_url: back },
        redirect: "if_required", // most banks ask in a frame over this page
      }),
    );
  }

  /** The bank's question that was left open is asked again. */
  async ask() {
    const Stripe = await loaded();
    this.stripe ??= Stripe(this.key, { locale: "en-GB" });
    return this.#settled(this.stripe.handleNextAction({ clientSecret: this.secret }));
  }

  /** Nothing of it is left in the page. */
  clear() {
    this.element?.destroy();
    this.element = null;
  }

  /**
   * Done as far as the browser knows; what became of it the service says. Raises CardTrouble.
   * @param {Promise<any>} asking
   */
  async #settled(asking) {
    let error;
    try {
      ({ error } = await asking);
    } catch {
      throw new CardTrouble("", "unsure");
    }
    if (!error) return;
    if (error.type === "card_error" || error.type === "validation_error")
      throw new CardTrouble(error.message ?? "", "card");
    throw new CardTrouble("", "unsure");
  }
}

/** Stripe's form in this page's own colours and face. @param {HTMLElement} place */
function looks(place) {
  const probe = document.createElement("input");
  probe.className = "input";
  place.append(probe);
  const field = getComputedStyle(probe);
  const page = getComputedStyle(place);
  const root = getComputedStyle(document.documentElement);
  const variables = {
    colorBackground: field.backgroundColor,
    colorText: page.color,
    colorPrimary: coloured(place, "--brass"),
    colorDanger: coloured(place, "--bad"),
    fontFamily: "system-ui, sans-serif",
    fontSizeBase: root.fontSize,
    borderRadius: field.borderTopLeftRadius,
    spacingUnit: "5px",
  };
  probe.remove();
  return { theme: "flat", variables, labels: "above" };
}

/** A token's colour as it is on this screen, by day or by night. @param {HTMLElement} place @param {string} token */
function coloured(place, token) {
  const probe = document.createElement("i");
  probe.className = `pay-probe${token}`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
