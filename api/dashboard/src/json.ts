// A token is a string or a number of JSON. Strings are matched so that digits inside them are left alone.
const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * parse reads JSON and keeps every number as the text of its digits: a sequence or a count may be larger than what a
 * JavaScript number holds exactly.
 */
export function parse<T>(text: string): T {
  return JSON.parse(text.replace(token, (t) => (t.charCodeAt(0) === 34 ? t : `"${t}"`))) as T;
}

/** indent returns JSON with line breaks, with each number and string exactly as sent, or null for anything else. */
export function indent(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  for (const [piece] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (piece === "{" || piece === "[") {
      depth++;
      out += piece + line();
    } else if (piece === "}" || piece === "]") {
      depth--;
      out = /[{[]\s*$/.test(out) ? out.trimEnd() + piece : out + line() + piece;
    } else {
      out += piece === "," ? piece + line() : piece === ":" ? ": " : piece;
    }
  }
  return out;
}
