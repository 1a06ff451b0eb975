// @ts-check
/**
 * What the token of a signed link says of itself. Whether it is true, the service alone knows.
 */

const FORM = /^[A-Za-z0-9_-]{56}$/;

/**
 * The id of what a link is of: its first sixteen bytes. Null: not in the form of such a link.
 * @param {string} prefix the kind's @param {string} token @returns {string | null}
 */
export function subjectOf(prefix, token) {
  const text = token.slice(prefix.length);
  if (!token.startsWith(prefix) || !FORM.test(text)) return null;
  const bytes = [...atob(text.replaceAll("-", "+").replaceAll("_", "/"))].slice(0, 16);
  const hex = bytes.map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
