import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "./api";
import { approximate, zero } from "./digits";
import { words } from "./marks";
import { Bytes } from "./moment";
import { Ago, Num, Trouble } from "./parts";
import { mayOperate, refresh, stats } from "./service";
import type { ListQuarantined, Redrive } from "./types";

/** Quarantine lists the records that could not become part of an order, and redrives them. */
export function Quarantine() {
  const page = useSignal<ListQuarantined | null>(null);
  const fault = useSignal<unknown>(null);
  const open = useSignal<string | null>(null);
  const result = useSignal<Redrive | null>(null);
  const busy = useSignal(false);
  const count = stats.value?.quarantined ?? null;

  async function load() {
    try {
      page.value = (await ask<ListQuarantined>("/v1/quarantine?limit=50")).body;
      fault.value = null;
    } catch (error) {
      fault.value = error;
    }
  }
  useEffect(() => void load(), [count]);

  const redrive = async (query: string) => {
    busy.value = true;
    fault.value = null;
    try {
      let after: string | null = null;
      do {
        const { body }: { body: Redrive } = await ask<Redrive>("/v1/redrives?" + query + (after ? "&after=" + after : ""), { method: "POST" });
        result.value = body;
        after = body.nextAfter;
      } while (after !== null);
      refresh();
      void load();
    } catch (error) {
      fault.value = error;
    }
    busy.value = false;
  };
  const rows = page.value?.data ?? [];
  return (
    <section class="card">
      <h2>Quarantine {count !== null && !zero(count) && <span class="count">{count}</span>}</h2>
      {fault.value && <Trouble error={fault.value} what="The quarantine" again={() => void load()} />}
      {page.value && rows.length === 0 ? (
        <p class="dim">There are no records in quarantine. A record that cannot be read, or contains no order id, is listed here.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Quarantine">
          <table class="small">
            <thead>
              <tr>
                <th scope="col" class="right">Record</th>
                <th scope="col">Received</th>
                <th scope="col">Object</th>
                <th scope="col">Fault</th>
                <th scope="col">Reason</th>
                <th scope="col"><span class="hidden">Actions</span></th>
              </tr>
            </thead>
            <tbody>
              {rows.map((q) => (
                <>
                  <tr key={q.sequence}>
                    <td class="right"><Num value={q.sequence} /></td>
                    <td><Ago at={q.receivedAt} /></td>
                    <td>{q.object}</td>
                    <td>{words(q.class.replaceAll("-", "_"))}</td>
                    <td class="wrap">{q.reason}</td>
                    <td class="right">
                      <button type="button" class="quiet small" aria-expanded={open.value === q.sequence} onClick={() => (open.value = open.value === q.sequence ? null : q.sequence)}>Raw</button>
                      {mayOperate.value && <button type="button" class="quiet small" disabled={busy.value} onClick={() => void redrive("sequence=" + q.sequence)}>Redrive</button>}
                    </td>
                  </tr>
                  {open.value === q.sequence && <tr><td colSpan={6}><Bytes sequence={q.sequence} /></td></tr>}
                </>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > 0 && mayOperate.value && (
        <p class="actions">
          <button type="button" disabled={busy.value} onClick={() => void redrive("dryRun=true")}>Dry run for all</button>
          <button type="button" disabled={busy.value} onClick={() => void redrive("dryRun=false")}>Redrive all</button>
        </p>
      )}
      {result.value && (
        <p role="status">
          {result.value.dryRun ? "Can be read now: " : "Redriven: "}<Num value={result.value.redriven} /> of <Num value={result.value.examined} />.
          {approximate(result.value.remaining) > 0 && <> <Num value={result.value.remaining} /> still cannot be read.</>}
        </p>
      )}
    </section>
  );
}
