// @ts-check
/**
 * The token of a signed link: taken from the address, and what it says of itself. Whether that is
 * true, the service alone knows.
 */

const FORM = /^[A-Za-z0-9_-]{56}$/;

/**
 * The token behind the address's `#`, which no browser sends to any server; else the one that this
 * tab took before. It leaves the address at once: whoever is sent the address gets nothing by it.
 * @param {string} key under which the tab keeps it @param {string} prefix of the kind that is meant
 * @returns {string | null}
 */
export function takeFromAddress(key, prefix = "") {
  const said = location.hash.slice(1);
  if (said.startsWith(prefix)) {
    if (location.hash) history.replaceState(null, "", location.pathname);
    if (said) sessionStorage.setItem(key, said);
  }
  return sessionStorage.getItem(key);
}

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
