import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Fault, ask } from "./api";
import { approximate, bytes } from "./digits";
import { words } from "./marks";
import { At, Num, Trouble } from "./parts";
import { mayOperate, refresh, status } from "./service";
import { kept } from "./settings";
import { address, orderPath } from "./route";
import { duration } from "./time";
import type { Rebuild } from "./types";

/** rebuilt is the start time of a process that is known to have run a rebuild. Only that process is asked for its last rebuild. */
const rebuilt = kept("rebuilt", "");

/** Rebuilds starts, watches and cancels a rebuild of the views. */
export function Rebuilds({ running }: { running: Rebuild | null }) {
  const last = useSignal<Rebuild | null>(null);
  const fault = useSignal<unknown>(null);
  const sure = useSignal<string | null>(null);
  const acted = useSignal(0); // number of rebuilds started or cancelled here: one may have ended before the status shows it
  const busy = running?.state === "running";
  const process = status.value?.startedAt ?? "";

  useEffect(() => {
    let gone = false;
    let timer = 0;
    if (busy) rebuilt.value = process;
    const load = async () => {
      if (rebuilt.peek() !== process) return;
      try {
        const { body } = await ask<Rebuild>("/v1/rebuilds/current");
        if (!gone) last.value = body;
      } catch (error) {
        // no rebuild has run, or this process cannot rebuild
        if (!gone && error instanceof Fault && error.status !== 0) last.value = null;
      }
      if (!gone && (last.value?.state === "running" || busy)) timer = setTimeout(() => void load(), 500);
    };
    void load();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [busy, process, acted.value]);

  const act = async (path: string, method: string) => {
    sure.value = null;
    fault.value = null;
    try {
      last.value = (await ask<Rebuild>(path, { method })).body;
      rebuilt.value = process;
      acted.value++;
    } catch (error) {
      fault.value = error;
    }
    refresh();
  };
  const current = last.value ?? running;
  const runs = current?.state === "running";
  return (
    <section class="card">
      <h2>Rebuild of the views</h2>
      <p class="dim">A rebuild folds the log again while the current views stay in service. A dry run compares the result with them and changes nothing.</p>
      {current && <Progress r={current} />}
      {fault.value && <Trouble error={fault.value} what="The rebuild" />}
      {!mayOperate.value ? (
        <p class="dim">Starting and cancelling need a key of the role operator.</p>
      ) : runs ? (
        <p class="actions"><button type="button" onClick={() => void act("/v1/rebuilds/current", "DELETE")}>Cancel</button></p>
      ) : (
        <p class="actions">
          <button type="button" onClick={() => void act("/v1/rebuilds?mode=dry-run", "POST")}>Dry run</button>
          <button type="button" onClick={() => (sure.value = "rebuild")}>Rebuild…</button>
          <button type="button" onClick={() => (sure.value = "rollback")}>Roll back…</button>
        </p>
      )}
      {sure.value && !runs && (
        <p class="sure" role="alert">
          {sure.value === "rebuild" ? "All views are folded again from the log, and replace the current ones when they are complete." : "The views from before the last rebuild are served again."}{" "}
          <button type="button" class="primary" onClick={() => void act("/v1/rebuilds?mode=" + sure.value, "POST")}>{sure.value === "rebuild" ? "Rebuild" : "Roll back"}</button>{" "}
          <button type="button" onClick={() => (sure.value = null)}>Cancel</button>
        </p>
      )}
    </section>
  );
}

function Progress({ r }: { r: Rebuild }) {
  const total = approximate(r.total);
  const done = total > 0 ? Math.min(approximate(r.records) / total, 1) : 0;
  const name = { rebuild: "Rebuild", "dry-run": "Dry run", rollback: "Rollback" }[r.mode];
  if (r.state === "running") {
    return (
      <div class="progress" role="status">
        <progress max={1} value={done} aria-label={`${name}, ${r.phase}`} />
        <p>
          {name}: {r.phase}, <Num value={r.records} /> of <Num value={r.total} />
          <span class="dim">, {Math.round(approximate(r.recordsPerSecond))}/s{r.secondsLeft !== null && `, ${duration(approximate(r.secondsLeft))} left`}</span>
        </p>
      </div>
    );
  }
  const outcome = { done: "done", failed: "failed", canceled: "was canceled" }[r.state];
  return (
    <div>
      <p>
        {name} {outcome} <At at={r.endedAt} /> <span class="dim">after {approximate(r.seconds).toFixed(1)} s{r.bytes !== null && `, ${bytes(r.bytes)}`}</span>
        {r.error && <span class="bad">: {r.error}</span>}
      </p>
      {r.changes && (
        <p>
          <Num value={r.changes.different} /> of <Num value={r.changes.orders} /> orders would differ, as of record <Num value={r.changes.sequence} />.
          {r.changes.others.map((o) => ` ${o}`)}
        </p>
      )}
      {r.changes && r.changes.differences.length > 0 && (
        <ul class="differences">
          {r.changes.differences.slice(0, 20).map((d) => (
            <li>
              <a class="id" href={address(orderPath(d.orderId))}>{d.orderId}</a>{" "}
              {d.missing ? `is missing in the ${d.missing}` : (d.fields ?? []).map((f) => `${words(f.field)}: ${f.views} → ${f.log}`).join("; ")}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
