import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type uPlot from "uplot";
import { ask } from "./api";
import { Chart } from "./chart";
import { approximate, bytes } from "./digits";
import { bind } from "./keys";
import { Bytes } from "./moment";
import { Ago, At, Loading, Num, Trouble } from "./parts";
import { Quarantine } from "./quarantine";
import { Rebuilds } from "./rebuilds";
import { change, place } from "./route";
import { sampled, samples, stats, status, statusFault } from "./service";
import { Subscribers } from "./subscribers";
import { past } from "./time";
import type { Digits, Minute, Status, Throughput } from "./types";
import type { ComponentChildren } from "preact";

/** Operations shows the state of the service, and the actions of an operator. */
export default function Operations() {
  const record = place.value.query.get("record");
  useEffect(() => bind({ Escape: () => change({ record: null }) }), []);
  const s = status.value;
  if (!s) return <main class="page" id="main">{statusFault.value ? <Trouble error={statusFault.value} what="The state of the service" /> : <Loading what="the state of the service" />}</main>;
  return (
    <main class="page operations" id="main">
      <h1>Operations</h1>
      <Ready s={s} />
      {record && (
        <section class="card">
          <h2>Record {record}</h2>
          <Bytes sequence={record} />
          <button type="button" onClick={() => change({ record: null })}>Close</button>
        </section>
      )}
      <Curves />
      <div class="columns even">
        <Facts title="Log">
          <Fact name="Records"><Num value={s.log.firstSequence ?? "0"} /> – <Num value={s.log.lastSequence} none="unknown" /></Fact>
          <Fact name="Size">{bytes(s.log.bytes)}{s.log.maxBytes && <span class="dim"> of at most {bytes(s.log.maxBytes)}</span>}</Fact>
          <Fact name="Space left">{bytes(s.log.bytesLeft)}</Fact>
          <Fact name="Free disk">{bytes(s.log.diskFreeBytes)}</Fact>
          <Fact name="Full at this rate"><At at={s.log.fullAt} none="unknown" /></Fact>
          <Fact name="Synced">{s.syncMode}</Fact>
          <Fact name="Replicas"><Replicas s={s} /></Fact>
          <Fact name="Epoch"><Num value={s.log.epoch} none="unknown" /></Fact>
        </Facts>
        <Facts title="Views">
          <Fact name="Applied"><Num value={s.appliedSequence} /></Fact>
          <Fact name="Behind"><Num value={s.lagRecords} none="unknown" /> {s.lagRecords === "1" ? "record" : "records"}{s.lagSeconds && approximate(s.lagSeconds) > 0 && <span class="dim">, {approximate(s.lagSeconds).toFixed(1)} s</span>}</Fact>
          <Fact name="Verified">{s.verifiedSequence === null ? <span class="dim">not yet</span> : <>up to <Num value={s.verifiedSequence} />, <Ago at={s.verifiedAt} words={past} /></>}</Fact>
          <Fact name="Generation"><Num value={s.generation} none="none" /></Fact>
          <Fact name="Rules"><span class="mono">{s.foldVersion ?? "unknown"}</span></Fact>
          <Fact name="Orders"><Num value={stats.value?.orders} none="–" /></Fact>
          <Fact name="Program"><span class="mono">{s.version}</span></Fact>
          <Fact name="Started"><Ago at={s.startedAt} words={past} /></Fact>
        </Facts>
        <Platform s={s} />
      </div>
      <Subscribers />
      <Rebuilds running={s.rebuild} />
      <Quarantine />
    </main>
  );
}

function Ready({ s }: { s: Status }) {
  return (
    <p class={"ready " + (s.ready ? "yes" : "no")} role="status">
      <svg viewBox="0 0 12 12" width="14" height="14" aria-hidden="true">
        {s.ready ? <path d="M1.8 6.4 4.7 9.2 10.2 2.9" /> : <path d="m2.6 2.6 6.8 6.8m0-6.8L2.6 9.4" />}
      </svg>
      <strong>{s.ready ? "Ready." : "Not ready."}</strong>{" "}
      {s.ready ? "The views follow the log." : s.reason ?? "The service reports no reason."}{" "}
      {s.acceptsNotifications === true && "Notifications are stored."}
      {s.acceptsNotifications === false && "Notifications are not stored at the moment."}
      {s.acceptsNotifications === null && <span class="dim">Another process receives the notifications.</span>}
    </p>
  );
}

/** Replicas shows which servers have the log, and the reason if there are too few. */
function Replicas({ s }: { s: Status }) {
  const { replicas, replicasReason } = s.log;
  return (
    <>
      {replicas.length < 2 ? <Num value={s.replicas as Digits} /> : replicas.map((r) => (
        <div key={r.server}>
          {r.server} <span class="dim">{r.leader ? "leads" : r.online ? <><Num value={r.lag} /> behind</> : "does not answer"}</span>
        </div>
      ))}
      {replicasReason && <div role="alert">{replicasReason}</div>}
    </>
  );
}

function Facts({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <dl class="fields">{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Platform({ s }: { s: Status }) {
  const p = s.platform;
  if (!p || !p.enabled) {
    return (
      <section class="card">
        <h2>Asking the platform</h2>
        <p class="dim">{p ? "The platform is not asked about orders, because --platform-url is not set." : "This process does not ask the platform. Another one may."}</p>
      </section>
    );
  }
  return (
    <Facts title="Asking the platform">
      <Fact name="Pending"><Num value={p.pending} /></Fact>
      <Fact name="Answers stored"><Num value={p.asked} /></Fact>
      <Fact name="Last asked"><Ago at={p.lastAskedAt} words={past} /></Fact>
      <Fact name="Given up"><Num value={p.givenUp} /></Fact>
      <Fact name="Recovered"><Num value={p.recovered} /> <span class="dim">undelivered</span></Fact>
      <Fact name="Last recovered"><Ago at={p.lastRecoveredAt} words={past} /></Fact>
      {p.lastError && <Fact name="Last error"><Ago at={p.lastErrorAt} words={past} />: <span class="dim">{p.lastError}</span></Fact>}
      {p.recoverError && <Fact name="Cannot recover"><span class="dim">{p.recoverError}</span></Fact>}
    </Facts>
  );
}

/** Curves shows throughput and lag since the page was opened, and the last day by minute. */
function Curves() {
  const seen = sampled.value;
  const day = useSignal<readonly Minute[]>([]);
  useEffect(() => {
    const load = () => ask<Throughput>("/v1/throughput").then((a) => (day.value = a.body.minutes.slice(0, -1)), () => undefined); // requested again later
    void load();
    const timer = setInterval(() => document.hidden || void load(), 30_000);
    return () => clearInterval(timer);
  }, []);
  const live = useMemo(() => curvesOf(), [seen]);
  return (
    <div class="charts">
      <Chart title="Applied" unit="/s" curves={[{ label: "now", color: "accent" }]} data={live.rate} />
      <Chart title="Behind the log" unit="s" curves={[{ label: "now", color: "accent" }]} data={live.lag} />
      {day.value.length > 1 && <DayCurves minutes={day.value} />}
    </div>
  );
}

function DayCurves({ minutes }: { minutes: readonly Minute[] }) {
  const data = useMemo(() => {
    const at = minutes.map((m) => Date.parse(m.at) / 1000);
    const of = (value: (m: Minute) => Digits | null) => minutes.map((m) => (value(m) === null ? null : approximate(value(m))));
    return {
      records: [at, of((m) => m.received), of((m) => m.applied)] as uPlot.AlignedData,
      latency: [at, of((m) => m.latencyP50), of((m) => m.latencyP99)] as uPlot.AlignedData,
    };
  }, [minutes]);
  return (
    <>
      <Chart title="Records by minute" unit="" curves={[{ label: "received", color: "accent" }, { label: "applied", color: "second" }]} data={data.records} />
      <Chart title="From receipt until visible" unit="s" least={0.01} curves={[{ label: "median", color: "accent" }, { label: "99 %", color: "second" }]} data={data.latency} />
    </>
  );
}

function curvesOf(): { rate: uPlot.AlignedData; lag: uPlot.AlignedData } {
  const at: number[] = [];
  const rate: (number | null)[] = [];
  const lag: number[] = [];
  samples.forEach((s, i) => {
    const before = samples[i - 1];
    at.push(s.at);
    lag.push(s.lagSeconds);
    // A difference of two sequences is a count of records. For the time before the page was opened, the API reports the last minute.
    rate.push(before ? Math.max(0, Number(BigInt(s.applied) - BigInt(before.applied))) / Math.max(s.at - before.at, 0.1) : s.before);
  });
  return { rate: [at, rate], lag: [at, lag] };
}

