import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Fault, ask } from "./api";
import { zero } from "./digits";
import { SeverityMark } from "./marks";
import { Ago, At, Num, Trouble } from "./parts";
import { past } from "./time";
import type { ListSubscriber, Subscriber } from "./types";

const every = 5_000; // ms

/** Subscribers lists the services that follow the log or the feed, with the number of messages that wait for each. */
export function Subscribers() {
  const list = useSignal<ListSubscriber | null>(null);
  const fault = useSignal<unknown>(null);

  const load = async () => {
    try {
      list.value = (await ask<ListSubscriber>("/v1/subscribers")).body;
      fault.value = null;
    } catch (error) {
      fault.value = error;
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => document.hidden || void load(), every);
    return () => clearInterval(timer);
  }, []);

  if (fault.value instanceof Fault && fault.value.code === "not-here") return null;
  const rows = list.value?.data ?? [];
  return (
    <section class="card">
      <h2>Subscribers {rows.length > 0 && <span class="count">{rows.length}</span>}</h2>
      {fault.value && <Trouble error={fault.value} what="The list of subscribers" again={() => void load()} />}
      {list.value && rows.length === 0 && (
        <p class="dim">
          There are no subscribers. A service that follows the log or the feed is listed here, with the number of messages that wait for it. Add one with <code>orderfold subscribers add NAME</code>.
        </p>
      )}
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Subscribers">
          <table class="small">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">State</th>
                <th scope="col" class="right">Waiting</th>
                <th scope="col" class="right">Unacknowledged</th>
                <th scope="col" class="right">Redelivered</th>
                <th scope="col">Last request</th>
                <th scope="col">Follows</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((s) => (
                <tr key={s.stream + " " + s.name}>
                  <td class="mono">{s.name}</td>
                  <td class="wrap"><State s={s} /></td>
                  <td class="right"><Num value={s.pending} /></td>
                  <td class="right"><Num value={s.unacknowledged} /></td>
                  <td class="right"><Num value={s.redelivered} /></td>
                  <td>{s.lastRequestAt ? <Ago at={s.lastRequestAt} words={past} /> : <span class="dim">unknown</span>}</td>
                  <td>{follows(s)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function follows(s: Subscriber): string {
  return s.assetClasses.length === 0 ? s.stream : `${s.stream}, ${s.assetClasses.join(" and ").toLowerCase()}`;
}

function State({ s }: { s: Subscriber }) {
  if (s.problem) return <><SeverityMark severity="high">Cannot be used:</SeverityMark> {s.problem}.</>;
  if (s.stuckSince) return <><SeverityMark severity="warn">Stuck:</SeverityMark> no request since <At at={s.stuckSince} /></>;
  if (zero(s.pending) && zero(s.unacknowledged)) return <span class="dim">up to date</span>;
  return <span class="dim">messages wait</span>;
}
