// One live chart: a number over time, drawn by uPlot on a canvas, with the same in words for those who can't see it.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { type ReadonlySignal, useComputed } from "@preact/signals";
import uPlot from "uplot";
import { language, isDark, t } from "../settings";
import { NOTHING } from "../format";
import { fewer } from "../ring";

interface Props {
  title: string;
  unit: string;
  /** Names a colour of the style sheet: `--chart-<tone>`. */
  tone: "cpu" | "memory" | "messages";
  /** Times in seconds and values. */
  columns: (number | null)[][];
  /** The present value as text; the last one of the columns when left out. */
  format: (value: number | null | undefined) => string;
  spanLabel: string;
  /** A bound to draw as a line. */
  bound?: number | undefined;
  height?: number;
}

/** 240 points: more make a line of this width a band. */
const POINTS_MAX = 240;

/** Steps of an axis of bytes: powers of two, so that its numbers are round ones. */
const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);

/** 56 px: the longest number of an axis, `1,023 MiB`, in its font. */
const AXIS_SIZE = 56;

export function Chart({ title, unit, tone, columns, format, spanLabel, bound, height = 132 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = useComputed(() => `${isDark.value} ${language.value}`);
  const times = columns[0] ?? [];
  const values = columns[1] ?? [];
  // What is drawn is as fine as the screen; the numbers in words are those of every sample.
  const drawn = useMemo(() => fewer(columns, POINTS_MAX), [columns]);
  const known = values.filter((value): value is number => value !== null);
  const latest = useRef({ columns: drawn, bound });
  latest.current = { columns: drawn, bound };

  useEffect(() => {
    const host = box.current;
    if (host === null) return undefined;
    const made = new uPlot(options(host, tone, height, format, bound), dataOf(latest.current), host);
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: Math.max(80, host.clientWidth), height }));
    watcher.observe(host);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape.value, tone, height, bound]);

  useEffect(() => {
    plot.current?.setData(dataOf({ columns: drawn, bound }));
  }, [drawn, bound]);

  const present = format(values[values.length - 1]);
  const highest = known.length === 0 ? NOTHING : format(known.reduce((a, b) => Math.max(a, b)));
  return (
    <div class="chart card" role="group" aria-label={t("chartOf", title, present, highest, spanLabel)}>
      <div class="chart-head">
        <span class="chart-title">{title}</span>
        <span class="chart-now" data-tone={tone}>{present}</span>
        <span class="chart-unit">{unit}</span>
      </div>
      <div class="plot" ref={box} aria-hidden="true" />
      {times.length < 2 && <p class="chart-empty">{t("noSamples")}</p>}
    </div>
  );
}

function dataOf({ columns, bound }: { columns: (number | null)[][]; bound?: number | undefined }): uPlot.AlignedData {
  const times = (columns[0] ?? []) as number[];
  const data = [times, columns[1] ?? []] as (number | null)[][];
  if (bound !== undefined) data.push(times.map(() => bound));
  return data as unknown as uPlot.AlignedData;
}

function options(
  host: HTMLElement,
  tone: string,
  height: number,
  format: (value: number | null | undefined) => string,
  bound: number | undefined,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const line = color(`--chart-${tone}`);
  const axis = {
    stroke: color("--ink-3"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  const series: uPlot.Series[] = [{}, { stroke: line, width: 1.5, fill: color(`--chart-${tone}-fill`), points: { show: false } }];
  if (bound !== undefined) series.push({ stroke: color("--bad"), width: 1, dash: [4, 4], points: { show: false } });
  return {
    width: Math.max(80, host.clientWidth),
    height,
    padding: [6, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, max) => [0, max === null || !(max > 0) ? 1 : max * 1.15] } },
    axes: [
      { ...axis, size: 22, space: 70, grid: { show: false }, values: (_, splits, __, ___, step) => splits.map((at) => clock(at, step)) },
      { ...axis, size: AXIS_SIZE, space: 30, ...(tone === "memory" ? { incrs: BYTE_STEPS } : {}), values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series,
  };
}

/** A time of the axis; seconds only where its steps are shorter than a minute. */
function clock(atS: number, stepS: number): string {
  return new Date(atS * 1000).toTimeString().slice(0, stepS < 60 ? 8 : 5);
}

/** A line of a few numbers beside a name; only for the eye, since the number stands beside it. */
export function Spark({ line }: { line: ReadonlySignal<string> }) {
  return (
    <svg class="spark" viewBox="0 0 60 18" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <polyline points={line} />
    </svg>
  );
}

/** The points of such a line: the newest on the right, `max` or the highest value at the top. */
export function sparkLine(values: readonly number[], max: number): string {
  if (values.length < 2) return "";
  const top = Math.max(max, ...values);
  return values.map((value, index) => `${index + 60 - values.length},${(17 - (value / top) * 16).toFixed(1)}`).join(" ");
}
