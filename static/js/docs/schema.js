// @ts-check
/** A JSON schema as a person reads it: a sketch of the document with a note beside each field. */

import { el } from "../elements.js";

const DEPTH_MAX = 5;

/** @param {any} api @param {any} schema @returns {(Node | string)[]} */
export function shapeOf(api, schema) {
  return lines(api, schema, 0, []);
}

/** @param {any} api @param {any} raw @param {number} depth @param {any[]} path @returns {(Node | string)[]} */
function lines(api, raw, depth, path) {
  const schema = follow(api, raw);
  const indent = "  ".repeat(depth + 1);
  if (depth > DEPTH_MAX || path.includes(schema)) return ["…"];
  const within = [...path, schema];
  const choices = (schema.anyOf ?? schema.oneOf)?.filter(
    (/** @type {any} */ one) => one.type !== "null",
  );
  if (choices?.length === 1) return lines(api, choices[0], depth, within);
  if (schema.properties) {
    const required = new Set(schema.required ?? []);
    /** @type {(Node | string)[]} */
    const parts = ["{\n"];
    for (const [name, field] of Object.entries(schema.properties)) {
      const note = [required.has(name) ? "" : "optional", follow(api, field).description]
        .filter(Boolean)
        .join(" · ");
      parts.push(
        indent,
        el("span", { class: "key" }, name),
        ": ",
        ...lines(api, field, depth + 1, within),
        note ? el("span", { class: "note" }, `  ${note}`) : "",
        "\n",
      );
    }
    parts.push("  ".repeat(depth), "}");
    return parts;
  }
  if (schema.type === "array" && schema.items)
    return ["[", ...lines(api, schema.items, depth, within), ", …]"];
  return [typeText(api, schema)];
}

/** "string, 1 to 120 characters". @param {any} api @param {any} raw @returns {string} */
export function typeText(api, raw) {
  const schema = follow(api, raw);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((/** @type {any} */ one) => typeText(api, one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum)
    return schema.enum.map((/** @type {any} */ value) => JSON.stringify(value)).join(" | ");
  const type = [schema.type ?? (schema.properties ? "object" : "any")].flat().join(" or ");
  const range = (/** @type {any} */ least, /** @type {any} */ most, /** @type {string} */ unit) =>
    least === undefined && most === undefined
      ? ""
      : most === undefined
        ? `${least} or more${unit}`
        : `${least === undefined ? "up to" : `${least} to`} ${most}${unit}`;
  return [
    type,
    range(schema.minimum, schema.maximum, ""),
    range(schema.minLength, schema.maxLength, " characters"),
    schema.examples?.length ? `e.g. ${schema.examples[0]}` : (schema.format ?? ""),
  ]
    .filter(Boolean)
    .join(", ");
}

/** What a `$ref` stands for. @param {any} api @param {any} node */
export function follow(api, node) {
  if (!node?.$ref) return node ?? {};
  return (
    node.$ref
      .split("/")
      .slice(1)
      .reduce(
        (/** @type {any} */ at, /** @type {string} */ key) =>
          at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")],
        api,
      ) ?? {}
  );
}
