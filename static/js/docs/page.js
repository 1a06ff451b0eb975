// @ts-check
/** A reading page of the interface, made from `/openapi.json` alone. */

import { read } from "../api.js";
import { byId, el, fill } from "../elements.js";
import { offerTheme } from "../theme.js";
import { capital } from "../words.js";
import { follow, shapeOf, typeText } from "./schema.js";

const METHODS = ["get", "post", "patch", "put", "delete"];

offerTheme(byId("theme"));
read("/openapi.json").then(draw, (error) =>
  fill(byId("operations"), el("p", { class: "form-error" }, error.message)),
);

/** @param {any} api */
function draw(api) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = item[method].tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag)?.push(operation(api, method, path, item[method]));
    }
  }
  const about = new Map(
    (api.tags ?? []).map((/** @type {any} */ tag) => [tag.name, tag.description]),
  );
  fill(
    byId("operations"),
    el(
      "section",
      {},
      el("h1", {}, api.info.title),
      api.info.description && el("p", { class: "soft" }, prose(api.info.description)),
      el("p", { class: "faint small" }, `OpenAPI ${api.openapi} · version ${api.info.version}`),
    ),
    [...groups].map(([tag, operations]) =>
      el(
        "section",
        { id: `tag-${tag}` },
        el("h2", {}, capital(tag)),
        about.get(tag) && el("p", { class: "soft" }, about.get(tag)),
        operations,
      ),
    ),
    problem(api),
  );
  fill(
    byId("nav"),
    [...groups].map(([tag, operations]) =>
      el(
        "a",
        { href: `#tag-${tag}` },
        capital(tag),
        el("span", { class: "faint" }, operations.length),
      ),
    ),
  );
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  search.addEventListener("input", () => narrow(search.value.trim().toLowerCase()));
  // The `type` of a problem document is an address here: `/docs#<reason>`.
  const asked = decodeURIComponent(location.hash.slice(1));
  const place = document.getElementById(asked) ?? (asked && document.getElementById("problem"));
  if (place) place.scrollIntoView();
  if (place instanceof HTMLDetailsElement) place.open = true;
  if (place && place.id === "problem" && asked !== "problem") {
    place
      .querySelector("h2")
      ?.after(
        el(
          "p",
          {},
          "Refused because of ",
          el("code", {}, asked),
          ": the answer's own sentence says what to do.",
        ),
      );
  }
}

/** What every refusal looks like. @param {any} api */
function problem(api) {
  const schema = api.components?.schemas?.ProblemDocument;
  return (
    schema &&
    el(
      "section",
      { id: "problem" },
      el("h2", {}, "Refusals"),
      el(
        "p",
        { class: "soft" },
        prose(schema.description ?? "Every refusal is a problem document."),
      ),
      el("pre", { class: "shape", tabindex: "0" }, shapeOf(api, schema)),
    )
  );
}

/** @param {string} wanted */
function narrow(wanted) {
  for (const section of document.querySelectorAll("#operations > section[id]")) {
    let any = false;
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (
      section.querySelectorAll(".operation")
    )) {
      one.hidden = wanted !== "" && !(one.textContent ?? "").toLowerCase().includes(wanted);
      any ||= !one.hidden;
    }
    /** @type {HTMLElement} */ (section).hidden = !any;
  }
}

/** @param {any} api @param {string} method @param {string} path @param {any} item */
function operation(api, method, path, item) {
  const permission = item["x-permission"] ?? item["x-permissions"];
  return el(
    "details",
    { class: "operation", id: item.operationId },
    el(
      "summary",
      {},
      el("span", { class: `method method-${method}` }, method.toUpperCase()),
      el("span", { class: "path" }, path),
      el("span", { class: "soft" }, item.summary ?? ""),
    ),
    el(
      "div",
      { class: "operation-body" },
      item.description && item.description !== item.summary && el("p", {}, prose(item.description)),
      permission &&
        !item.description?.includes(permission) &&
        el("p", {}, "Needs ", el("code", {}, permission)),
      parameters(api, item.parameters ?? []),
      ...bodies(api, "Request", item.requestBody?.content),
      answers(api, item.responses ?? {}),
    ),
  );
}

/** What comes back: each good answer with its shape, the refusals in one line. @param {any} api @param {any} responses */
function answers(api, responses) {
  const refused = Object.keys(responses).filter((status) => Number(status) >= 400);
  return [
    Object.entries(responses)
      .filter(([status]) => !refused.includes(status))
      .map(([status, response]) => {
        const whole = follow(api, response);
        const shapes = bodies(api, `${status} ${whole.description ?? ""}`, whole.content);
        return shapes.length ? shapes : el("h4", {}, `${status} ${whole.description ?? ""}`);
      }),
    refused.length > 0 &&
      el(
        "div",
        {},
        el("h4", {}, `Refusals: ${refused.join(", ")}`),
        el(
          "p",
          { class: "small soft" },
          "A ",
          el("a", { href: "#problem" }, "problem document"),
          " with a stable reason and a sentence that says what to do.",
        ),
      ),
  ];
}

/** A text in which `words between backticks` are code. @param {string} text */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

/** @param {any} api @param {any[]} list */
function parameters(api, list) {
  if (list.length === 0) return null;
  return el(
    "div",
    {},
    el("h4", {}, "Parameters"),
    el(
      "dl",
      { class: "parameters" },
      list.map((raw) => {
        const one = follow(api, raw);
        return [
          el("dt", {}, el("code", {}, one.name), one.required ? "" : " (optional)"),
          el(
            "dd",
            {},
            [`in ${one.in}`, typeText(api, one.schema ?? {}), one.description]
              .filter(Boolean)
              .join(" · "),
          ),
        ];
      }),
    ),
  );
}

/** @param {any} api @param {string} title @param {any} content */
function bodies(api, title, content) {
  return Object.entries(content ?? {}).map(([kind, one]) =>
    el(
      "div",
      {},
      el("h4", {}, `${title} · ${kind}`),
      one.schema && el("pre", { class: "shape", tabindex: "0" }, shapeOf(api, one.schema)),
    ),
  );
}
