// A token is a text or a number of JSON. Texts are matched so that digits inside of them are left alone.
const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * parse reads JSON and keeps every number as the text of its digits: a sequence or a count may be larger than what a
 * JavaScript number holds exactly.
 */
export function parse<T>(text: string): T {
  return JSON.parse(text.replace(token, (t) => (t.charCodeAt(0) === 34 ? t : `"${t}"`))) as T;
}

/** indent returns JSON with line breaks, each number and text exactly as it was sent. It returns null for what is not JSON. */
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
