// Two rails: the upper one shows the notifications in the order in which things happened, according to the platform, the
// lower one in the order of arrival. Crossing lines mark late notifications, rings mark repeats.
import { useMemo } from "preact/hooks";
import { statusWord } from "./marks";
import { absolute } from "./time";
import { zone } from "./settings";
import { evidence } from "./order";
import type { HistoryEntry, Order } from "./types";

interface Props {
  entries: readonly HistoryEntry[];
  order: Order;
  chosen: HistoryEntry | undefined;
  choose: (sequence: string) => void;
}

const most = 60; // more dots could not be distinguished
const width = 640;
const edge = 18;
const top = 26;
const bottom = 92;

/** Rails draws the last notifications of an order. */
export function Rails({ entries, order, chosen, choose }: Props) {
  zone.value;
  const shown = entries.slice(-most);
  const reported = useMemo(() => ranks(shown), [entries]);
  const x = (rank: number) => (shown.length < 2 ? width / 2 : edge + ((width - 2 * edge) * rank) / (shown.length - 1));
  const at = (e: HistoryEntry) => e.at ?? e.receivedAt;
  const inOrder = [...shown].sort((a, b) => reported.get(a)! - reported.get(b)!);
  return (
    <figure class="rails">
      <svg viewBox={`0 0 ${width} 118`} role="group" aria-label="Reported above, received below">
        <text x={edge} y="12" class="name">reported</text>
        <text x={width - edge} y="12" class="when" text-anchor="end">{span(inOrder.map(at))}</text>
        <path d={`M${edge} ${top}H${width - edge}M${edge} ${bottom}H${width - edge}`} class="rail" />
        {shown.map((e, i) => (
          <path key={e.sequence} class={"thread effect-" + e.effect + (e === chosen ? " chosen" : "")}
            d={`M${x(reported.get(e)!)} ${top}C${x(reported.get(e)!)} 64 ${x(i)} 54 ${x(i)} ${bottom}`} />
        ))}
        {shown.map((e, i) => (
          <Dot key={e.sequence} entry={e} x={x(i)} above={x(reported.get(e)!)} chosen={e === chosen} grade={evidence(order, e.sequence)} choose={choose} />
        ))}
        <text x={edge} y="114" class="name">received</text>
        <text x={width - edge} y="114" class="when" text-anchor="end">{span(shown.map((e) => e.receivedAt))}</text>
      </svg>
      <figcaption class="dim">
        Crossing lines mark late notifications. Rings mark repeats.{order.breaks.length > 0 && " Coloured marks show a break."}
        {entries.length > most && ` The last ${most} of ${entries.length} notifications are drawn.`}
      </figcaption>
    </figure>
  );
}

/** ranks returns the rank of each entry by its reported time. */
function ranks(entries: readonly HistoryEntry[]): Map<HistoryEntry, number> {
  const time = (e: HistoryEntry) => Date.parse(e.at ?? e.receivedAt ?? "") || 0;
  const places = entries.map((e, i) => ({ e, i, t: time(e) })).sort((a, b) => a.t - b.t || a.i - b.i);
  return new Map(places.map(({ e }, rank) => [e, rank]));
}

function span(times: (string | null)[]): string {
  const known = times.filter((t) => t !== null);
  if (known.length === 0) return "";
  const [first, last] = [absolute(known[0]!), absolute(known.at(-1)!)];
  if (known.length === 1 || first === last) return first;
  return first.slice(0, 10) === last.slice(0, 10) ? `${first.slice(0, 19)} – ${last.slice(11)}` : `${first.slice(0, 19)} – ${last}`;
}

interface DotProps {
  entry: HistoryEntry;
  x: number;
  above: number;
  chosen: boolean;
  grade: string | null;
  choose: (sequence: string) => void;
}

function Dot({ entry: e, x, above, chosen, grade, choose }: DotProps) {
  const repeated = e.effect === "duplicate";
  const name = `Record ${e.sequence}: ${e.status ? statusWord(e.status) : "no status"}, ${e.effect}`;
  return (
    <g class={["dot", repeated ? "repeated" : "", chosen ? "chosen" : "", grade ? "grade-" + grade : ""].join(" ")} onClick={() => choose(e.sequence)}>
      <title>{name}</title>
      <circle cx={above} cy={top} r="3.5" />
      <circle cx={x} cy={bottom} r="5" />
      <circle cx={x} cy={bottom} r="12" class="reach" />
    </g>
  );
}
