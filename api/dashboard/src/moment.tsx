// One notification of an order: its effect, the order after it, and its bytes.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { checked, send } from "./api";
import type { Life } from "./history";
import { indent } from "./json";
import { StatusMark, words } from "./marks";
import { fieldsOf, type Field } from "./orderparts";
import { At, Copy, Loading, Num, Trouble } from "./parts";
import type { HistoryEntry, Order } from "./types";

interface Props {
  life: Life;
  entries: readonly HistoryEntry[];
  chosen: HistoryEntry;
  choose: (sequence: string) => void;
}

const effects: Record<string, string> = {
  applied: "changed the status",
  confirmed: "counts, and the status stayed the same",
  late: "came late: a higher status was already known",
  duplicate: "repeated what was known",
  superseded: "no longer counts: a newer restatement replaced it",
  restated: "restated the whole order",
  annotated: "contained details, but no status that counts",
  lost: "is lost from the log, and the loss was accepted",
};

/** Moment is the slider over the notifications. */
export function Moment({ life, entries, chosen, choose }: Props) {
  const at = entries.indexOf(chosen);
  return (
    <div class="moment">
      <div class="slider">
        <input type="range" min={0} max={Math.max(entries.length - 1, 0)} value={at} disabled={entries.length < 2} aria-label="Notification"
          aria-valuetext={`Record ${chosen.sequence}, ${at + 1} of ${entries.length}`} onInput={(e) => choose(entries[e.currentTarget.valueAsNumber]!.sequence)} />
        <span class="dim">{at + 1} of {entries.length}</span>
      </div>
      <h3>
        Record <span class="num">{chosen.sequence}</span> {effects[chosen.effect] ?? chosen.effect}
      </h3>
      <p>{chosen.rule}</p>
      <p class="dim">
        {chosen.at !== null && <>Reported <At at={chosen.at} />, </>}received <At at={chosen.receivedAt} />
        {chosen.notificationType && <>, as {words(chosen.notificationType).toLowerCase()}</>}
        {chosen.kind === "fetched" && <>, in answer to a request</>}.
        {chosen.breaksOpened.length > 0 && <> Opened: {chosen.breaksOpened.map(words).join(", ")}.</>}
        {chosen.breaksClosed.length > 0 && <> Closed: {chosen.breaksClosed.map(words).join(", ")}.</>}
        {chosen.notes.length > 0 && <> {chosen.notes.join(" ")}</>}
      </p>
      {chosen.effect !== "lost" && <Difference key={"d" + chosen.sequence} life={life} before={entries[at - 1]} chosen={chosen} />}
      {chosen.effect !== "lost" && <Raw key={"r" + chosen.sequence} sequence={chosen.sequence} />}
    </div>
  );
}

/** Difference shows the order after a notification, and the fields that it changed. */
function Difference({ life, before, chosen }: { life: Life; before: HistoryEntry | undefined; chosen: HistoryEntry }) {
  const states = useSignal<{ before: Order | null; after: Order } | null>(null);
  const fault = useSignal<unknown>(null);
  useEffect(() => {
    let gone = false;
    Promise.all([before ? life.asOf(before.sequence) : null, life.asOf(chosen.sequence)]).then(
      ([b, after]) => gone || (states.value = { before: b, after }),
      (error) => gone || (fault.value = error),
    );
    return () => void (gone = true);
  }, [before?.sequence, chosen.sequence]);
  if (fault.value) return <Trouble error={fault.value} what="The order at that point" />;
  if (!states.value) return <Loading what="the order at that point" />;
  const { before: old, after } = states.value;
  const was = new Map<string, Field>(old ? fieldsOf(old).map((f) => [f.name, f]) : []);
  const changed = fieldsOf(after).filter((f) => f.name !== "Order" && f.text !== (was.get(f.name)?.text ?? null));
  return (
    <div class="then">
      <p class="then-head">
        Then: <StatusMark status={after.status} /> <span class="dim"><Num value={after.executedQuantity} none="nothing" /> of <Num value={after.quantity ?? after.amount} none="unknown" /> executed</span>
        {after.breaks.length > 0 && <span class="dim">, {after.breaks.map((b) => words(b.code).toLowerCase()).join(", ")}</span>}
      </p>
      {changed.length === 0 ? (
        <p class="dim">It changed no field.</p>
      ) : (
        <table class="small diff">
          <thead>
            <tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr>
          </thead>
          <tbody>
            {changed.map((f) => (
              <tr>
                <th scope="row">{f.name}</th>
                <td>{old === null || was.get(f.name)?.text == null ? <span class="faint">–</span> : <del>{was.get(f.name)!.show}</del>}</td>
                <td>{f.text === null ? <span class="faint">–</span> : <ins>{f.show}</ins>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

interface Body {
  text: string | null; // null: not UTF-8
  bytes: Uint8Array;
  headers: [string, string][];
}

const headerNames: [string, string][] = [
  ["Content-Type", "Content type"], ["Notification-Received-At", "Received"], ["Notification-Source", "Source"], ["Notification-Object", "Object"],
  ["Notification-Request-Id", "Request id"],
];

/** Raw shows the bytes of a notification as received. */
export function Raw({ sequence }: { sequence: string }) {
  const open = useSignal(false);
  return (
    <details class="raw" onToggle={(e) => (open.value = (e.currentTarget as HTMLDetailsElement).open)}>
      <summary>The notification as received</summary>
      {open.value && <Bytes sequence={sequence} />}
    </details>
  );
}

/** Bytes loads and shows the bytes of a record. */
export function Bytes({ sequence }: { sequence: string }) {
  const body = useSignal<Body | null>(null);
  const fault = useSignal<unknown>(null);
  const indented = useSignal(true);
  useEffect(() => {
    load(sequence).then((b) => (body.value = b), (error) => (fault.value = error));
  }, [sequence]);
  if (fault.value) return <Trouble error={fault.value} what="The notification" />;
  const b = body.value;
  if (!b) return <Loading what="the notification" />;
  const pretty = b.text === null ? null : indent(b.text);
  return (
    <div class="bytes">
      <p class="dim">
        {b.bytes.length} bytes.{" "}
        {b.headers.map(([name, value], i) => <>{i > 0 && " · "}{name}: <span class="mono">{value}</span></>)}
      </p>
      <div class="raw-tools">
        {pretty !== null && (
          <label><input type="checkbox" checked={indented.value} onChange={() => (indented.value = !indented.value)} /> With line breaks</label>
        )}
        {b.text !== null && <Copy text={b.text} what="the notification" />}
      </div>
      <pre tabIndex={0}>{b.text === null ? hex(b.bytes) : indented.value && pretty !== null ? pretty : b.text}</pre>
    </div>
  );
}

async function load(sequence: string): Promise<Body> {
  const response = await checked(await send("/v1/notifications/" + sequence));
  const bytes = new Uint8Array(await response.arrayBuffer());
  let text: string | null = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // shown as hex digits
  }
  const headers = headerNames.flatMap(([header, name]): [string, string][] => {
    const value = response.headers.get(header);
    return value ? [[name, value]] : [];
  });
  return { text, bytes, headers };
}

function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let i = 0; i < bytes.length && i < 65_536; i += 16) {
    lines.push(i.toString(16).padStart(6, "0") + "  " + [...bytes.subarray(i, i + 16)].map((b) => b.toString(16).padStart(2, "0")).join(" "));
  }
  return lines.join("\n");
}
