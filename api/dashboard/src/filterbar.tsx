import { useState } from "preact/hooks";
import { filters, labelOf, valueWord } from "./filters";
import { Menu } from "./parts";
import { go, place } from "./route";
import type { Parameter } from "./types";

/** FilterBar shows, adds and removes the filters of the list. */
export function FilterBar() {
  const query = place.value.query;
  const set = filters.filter((f) => query.getAll(f.name).length > 0);
  return (
    <div class="filters" role="group" aria-label="Filters">
      {set.map((f) => (
        <span class="chip" key={f.name}>
          <Menu title="Change this filter" label={<><span class="dim">{labelOf(f.name)}</span> {summary(f, query.getAll(f.name))}</>}>
            {(close) => <Editor parameter={f} close={close} />}
          </Menu>
          <button type="button" class="quiet small" aria-label={`Remove the filter ${labelOf(f.name)}`} onClick={() => put(f.name, [])}>×</button>
        </span>
      ))}
      <Menu title="Add a filter" label="+ Filter">{(close) => <Chooser close={close} />}</Menu>
      {set.length > 1 && (
        <button type="button" class="quiet" onClick={() => clear()}>
          Clear
        </button>
      )}
    </div>
  );
}

function summary(f: Parameter, values: string[]): string {
  if (f.name === "break" && values.length === f.values.length) return "any";
  const named = values.map((v) => valueWord(f.name, v));
  return named.length > 3 ? `${named.slice(0, 2).join(", ")} and ${named.length - 2} more` : named.join(", ");
}

function put(name: string, values: string[]): void {
  const query = new URLSearchParams(place.peek().query);
  query.delete(name);
  for (const v of values) query.append(name, v);
  go("/", query);
}

function clear(): void {
  const query = new URLSearchParams(place.peek().query);
  for (const f of filters) query.delete(f.name);
  go("/", query);
}

function Chooser({ close }: { close: () => void }) {
  const [chosen, choose] = useState<Parameter | null>(null);
  if (chosen) return <Editor parameter={chosen} close={close} />;
  return (
    <ul class="options">
      {filters.map((f) => (
        <li>
          <button type="button" class="quiet" title={f.doc} onClick={() => choose(f)}>
            {labelOf(f.name)}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Editor({ parameter: f, close }: { parameter: Parameter; close: () => void }) {
  const values = place.value.query.getAll(f.name);
  const options = f.kind === "boolean" ? ["true", "false"] : f.values;
  return (
    <div class="editor">
      <h3>{labelOf(f.name)}</h3>
      {options.length > 0 ? (
        <ul class="options">
          {options.map((v) => (
            <li>
              <label>
                <input type={f.repeatable ? "checkbox" : "radio"} name={f.name} checked={values.includes(v)} onChange={(e) => {
                  if (!f.repeatable) {
                    put(f.name, [v]);
                    close();
                  } else put(f.name, e.currentTarget.checked ? [...values, v] : values.filter((x) => x !== v));
                }} />{" "}
                {valueWord(f.name, v)}
              </label>
            </li>
          ))}
        </ul>
      ) : (
        <TextEditor parameter={f} values={values} close={close} />
      )}
      <p class="faint">{f.doc}</p>
    </div>
  );
}

/** TextEditor edits one value, or several separated by spaces if the API accepts several. */
function TextEditor({ parameter: f, values, close }: { parameter: Parameter; values: string[]; close: () => void }) {
  const [text, setText] = useState(values.join(" "));
  const submit = (e: Event) => {
    e.preventDefault();
    const list = f.repeatable ? text.split(/[\s,;]+/).filter(Boolean) : [text.trim()].filter(Boolean);
    put(f.name, f.kind === "time" ? list.map(instant) : list);
    close();
  };
  return (
    <form onSubmit={submit}>
      <input autoFocus aria-label={labelOf(f.name)} value={text} placeholder={f.kind === "time" ? "2026-03-02 or 2026-03-02T09:00" : f.repeatable ? "one or more, separated by spaces" : ""}
        onInput={(e) => setText(e.currentTarget.value)} spellcheck={false} />
      <button class="primary">Apply</button>
    </form>
  );
}

/** instant adds the browser's zone to a time without one. A day is passed on to the API. */
function instant(text: string): string {
  if (/(?:Z|[+-]\d\d:\d\d|^\d{4}-\d\d-\d\d)$/.test(text)) return text;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString().slice(0, 19) + "Z";
}
