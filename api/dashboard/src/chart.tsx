// A chart over time, drawn by uPlot.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { dark, zone } from "./settings";

export interface Curve {
  label: string;
  color: "accent" | "second";
}

interface Props {
  title: string;
  unit: string;
  curves: Curve[];
  data: uPlot.AlignedData;
  least?: number; // smallest maximum of the axis; default 1
}

const height = 140;

/** Chart draws curves; the data are times in seconds, then the values of each curve. */
export function Chart({ title, unit, curves, data, least = 1 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = dark.value;
  const utc = zone.value === "utc";

  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue("--" + name).trim();
    const axis: uPlot.Axis = { stroke: color("dim"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const options: uPlot.Options = {
      width: box.current!.clientWidth, height, legend: { show: false }, cursor: { show: false },
      scales: { x: { range: span }, y: { range: (_u, _min, max) => [0, Math.max((max ?? 0) * 1.1, least)] } },
      axes: [{ ...axis, size: 24, space: 80, values: times }, { ...axis, size: 48, values: (_u, values) => values.map((v) => `${v} ${unit}`.trim()) }],
      series: [{}, ...curves.map((c) => ({ label: c.label, stroke: color(c.color), width: 1.5, fill: c.color === "accent" ? color("accent-tint") : undefined, points: { show: (u: uPlot) => u.data[0].length < 3, size: 5 } }) as uPlot.Series)],
    };
    if (utc) options.tzDate = (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC");
    const p = new uPlot(options, data, box.current!);
    plot.current = p;
    const sizes = new ResizeObserver(([entry]) => p.setSize({ width: entry!.contentRect.width, height }));
    sizes.observe(box.current!);
    return () => {
      sizes.disconnect();
      p.destroy();
      plot.current = null;
    };
  }, [theme, utc, unit]);
  useEffect(() => plot.current?.setData(data), [data]);

  const last = curves.map((c, i) => `${c.label} ${format(data[i + 1]?.at(-1) ?? null)} ${unit}`.trim()).join(", ");
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong> <span class="dim">{last}</span>
      </figcaption>
      <div ref={box} role="img" aria-label={`${title}: ${last}`} />
    </figure>
  );
}

function format(n: number | null): string {
  if (n === null) return "–";
  return n >= 100 ? n.toFixed(0) : n >= 1 ? n.toFixed(1) : n.toFixed(2);
}

/** span returns a range of at least a minute; for a single point uPlot would show a whole day. */
function span(u: uPlot): [number, number] {
  const first = u.data[0][0] ?? 0;
  const last = u.data[0].at(-1) ?? 0;
  return [Math.min(first, last - 60), last];
}

const two = (n: number) => String(n).padStart(2, "0");

/** times formats the labels of the axis as the time of day in the selected zone. */
function times(_u: uPlot, values: number[]): string[] {
  return values.map((ts) => {
    const d = new Date(ts * 1000);
    return zone.peek() === "utc" ? d.toISOString().slice(11, 19) : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  });
}
