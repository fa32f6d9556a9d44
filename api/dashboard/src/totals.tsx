import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Fault, ask } from "./api";
import { zero } from "./digits";
import type { Orders } from "./list";
import { Num } from "./parts";
import type { Sums, Totals as Answer } from "./types";

// The service precomputes totals for filters by these parameters alone. Other totals are computed when the user requests them.
const free = new Set(["status", "assetClass", "side", "open", "final", "break"]);

/** Totals shows how many orders match, and their ordered and executed sums. */
export function Totals({ list, filters }: { list: Orders; filters: URLSearchParams }) {
  const totals = useSignal<Answer | null>(null);
  const refused = useSignal("");
  const shown = list.rows.value.length;
  const selected = filters.toString();
  const automatic = [...filters].every(([name, value]) => free.has(name) && (name !== "break" || value === "any"));

  // The sum over different instruments would have no meaning.
  const oneInstrument = filters.getAll("isin").length + filters.getAll("symbol").length === 1;

  const load = async () => {
    refused.value = "";
    try {
      totals.value = (await ask<{ totals?: Answer }>(`/v1/orders?${selected}&limit=1&totals=true`.replace("?&", "?"))).body.totals ?? null;
    } catch (error) {
      refused.value = error instanceof Fault ? error.detail : String(error);
    }
  };
  useEffect(() => {
    totals.value = null;
    if (automatic && shown > 0) void load();
  }, [selected, list.rows.value]);

  if (shown === 0) return null;
  const t = totals.value;
  if (t === null) {
    return (
      <span class="shown">
        {list.next.value ? "First " : ""}{shown} {shown === 1 ? "order" : "orders"}
        {!automatic && !refused.value && <> <button type="button" class="quiet small" title="Count all matching orders; for one instrument, also add up the ordered and executed quantities" onClick={() => void load()}>Add up</button></>}
        {refused.value && <span class="bad"> {refused.value}</span>}
      </span>
    );
  }
  return (
    <span class="shown totals">
      <span>{list.next.value && `${shown} of `}<Num value={t.orders} /> {t.orders === "1" ? "order" : "orders"}</span>
      {oneInstrument && <Sum name="ordered" of={t.ordered} />}
      {oneInstrument && <Sum name="executed" of={t.executed} />}
      {oneInstrument && !zero(t.leftOut) && <span>(<Num value={t.leftOut} /> with numbers that are too long to add up)</span>}
    </span>
  );
}

/** Sum shows units and money separately. */
function Sum({ name, of }: { name: string; of: Sums }) {
  return (
    <span class="wide">
      {name} <Num value={of.units} /> {zero(of.units) ? "" : "units"}
      {!zero(of.amount) && <>, <Num value={of.amount} /> in money</>}
    </span>
  );
}
