// Holds the headers of an answer against a list of what they must be. One entry says one thing of one header, or of one directive in it:
// that it `is` exactly something, `lacks` a source, is a number of `atLeast` so much, or is `absent`.

/** What parts the directives of a header. */
const SEPARATORS = { "permissions-policy": ",", "content-security-policy": ";", "strict-transport-security": ";" };

/** The headers as they came: a name that came twice has two values. */
export function headersOf(raw) {
  const headers = new Map();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at].toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), raw[at + 1]]);
  }
  return headers;
}

/** The entries that do not hold, each with what was found instead. `names` are put in where an entry says `{name}`. */
export function grade(headers, entries, names = {}) {
  return entries.map((entry) => ({ ...entry, found: found(headers, entry) })).filter((entry) => !holds(entry, names));
}

function found(headers, { header, directive }) {
  const values = headers.get(header) ?? [];
  // Browsers join, or take the first, or the last: a header that came twice is none that one can trust.
  if (values.length !== 1 || directive === undefined) return values.length > 1 ? values : values[0];
  const said = directives(header, values[0]).filter(([name]) => name === directive);
  return said.length > 1 ? said : said[0]?.[1];
}

/** Names and values of the directives in a header. */
export function directives(header, value) {
  const parts = value.split(SEPARATORS[header]).map((part) => part.trim());
  return parts.filter(Boolean).map((part) => {
    const at = part.search(/[\s=]/);
    return at < 0 ? [part, ""] : [part.slice(0, at).toLowerCase(), part.slice(at + 1).trim()];
  });
}

function holds({ found, is, lacks, atLeast, absent }, names) {
  if (absent) return found === undefined;
  if (typeof found !== "string") return false;
  if (is !== undefined) return found === is.replace(/\{(\w+)\}/g, (_, name) => names[name]);
  if (lacks !== undefined) return !found.includes(lacks);
  if (atLeast !== undefined) return /^\d+$/.test(found) && Number(found) >= atLeast;
  return false;
}
