// The last 24 hours of a few numbers in bounded memory: the newest ten minutes second by second, what is older as
// means of thirty seconds. A page that stays open for weeks holds no more than one that was opened yesterday.

/** One measurement: when, in milliseconds since the epoch, and a number for each series; `null` where there is none. */
export interface Sample {
  atMs: number;
  values: (number | null)[];
}

/** 600 s are kept as they came: what somebody watches live. */
export const FINE_SPAN_MS = 600_000;

/** 30 s: with it, 24 hours are 2,880 points, more than a chart is wide. */
export const COARSE_STEP_MS = 30_000;

/** 24 hours. */
export const WHOLE_SPAN_MS = 86_400_000;

/** 1,500 fine samples at the most, whatever the rate at which they come. */
export const FINE_SAMPLES_MAX = 1500;

/** Samples in the order of their time. */
export class Ring {
  private fine: Sample[] = [];
  private coarse: Sample[] = [];
  private sums: number[] = [];
  private counts: number[] = [];
  private bucketMs = Number.NaN;

  constructor(private readonly series: number) {}

  /** Adds one. What is not newer than the last one is left out: clocks that go back make no charts that do. */
  push(sample: Sample): void {
    const last = this.fine[this.fine.length - 1];
    if (!Number.isFinite(sample.atMs) || (last !== undefined && sample.atMs <= last.atMs)) return;
    this.fine.push(sample);
    this.condense(sample);
    const oldest = sample.atMs - FINE_SPAN_MS;
    let drop = Math.max(0, this.fine.length - FINE_SAMPLES_MAX);
    while (drop < this.fine.length && (this.fine[drop]?.atMs ?? oldest) < oldest) drop += 1;
    if (drop > 0) this.fine.splice(0, drop);
    while ((this.coarse[0]?.atMs ?? sample.atMs) < sample.atMs - WHOLE_SPAN_MS) this.coarse.shift();
  }

  /** Takes over what a server remembers; what was seen here and lies before, between or after it stays. */
  refill(past: Sample[]): void {
    const from = past[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const fineFrom = this.fine[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const older = this.coarse.filter((sample) => sample.atMs < Math.min(from, fineFrom));
    const live = this.fine;
    this.fine = [];
    this.coarse = [];
    this.bucketMs = Number.NaN;
    for (const sample of [...older, ...past, ...live].sort((a, b) => a.atMs - b.atMs)) this.push(sample);
  }

  /** The columns of a chart over the last `spanMs`: times in seconds, then each series. */
  columns(spanMs: number, nowMs: number): (number | null)[][] {
    const from = nowMs - spanMs;
    const fineFrom = this.fine[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const chosen =
      spanMs <= FINE_SPAN_MS
        ? this.fine
        : [...this.coarse.filter((sample) => sample.atMs < fineFrom), ...thinned(this.fine, spanMs)];
    const shown = chosen.filter((sample) => sample.atMs >= from);
    const columns: (number | null)[][] = [shown.map((sample) => sample.atMs / 1000)];
    for (let index = 0; index < this.series; index += 1) {
      columns.push(shown.map((sample) => sample.values[index] ?? null));
    }
    return columns;
  }

  /** How many samples are held. */
  get size(): number {
    return this.fine.length + this.coarse.length;
  }

  /** The newest one. */
  get last(): Sample | undefined {
    return this.fine[this.fine.length - 1];
  }

  /** Whole buckets become one point each. */
  private condense(sample: Sample): void {
    const bucket = Math.floor(sample.atMs / COARSE_STEP_MS) * COARSE_STEP_MS;
    if (bucket !== this.bucketMs) {
      if (Number.isFinite(this.bucketMs)) {
        const values = this.sums.map((sum, index) => {
          const count = this.counts[index] ?? 0;
          return count === 0 ? null : sum / count;
        });
        this.coarse.push({ atMs: this.bucketMs + COARSE_STEP_MS / 2, values });
      }
      this.bucketMs = bucket;
      this.sums = Array.from({ length: this.series }, () => 0);
      this.counts = Array.from({ length: this.series }, () => 0);
    }
    sample.values.forEach((value, index) => {
      if (value === null || index >= this.series) return;
      this.sums[index] = (this.sums[index] ?? 0) + value;
      this.counts[index] = (this.counts[index] ?? 0) + 1;
    });
  }
}

/** Every n-th sample, so that a long span does not draw thousands of points in its last centimetre. */
function thinned(samples: Sample[], spanMs: number): Sample[] {
  const step = Math.max(1, Math.round(spanMs / WHOLE_SPAN_MS * 30));
  return samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
}

/** Columns of at most so many points: each the mean of its neighbours in time; `null` where all of them are. */
export function fewer(columns: readonly (number | null)[][], pointsMax: number): (number | null)[][] {
  const count = columns[0]?.length ?? 0;
  const step = Math.ceil(count / Math.max(1, pointsMax));
  if (step <= 1) return columns.map((column) => [...column]);
  return columns.map((column) => {
    const means: (number | null)[] = [];
    for (let from = 0; from < count; from += step) {
      const known = column.slice(from, from + step).filter((value): value is number => value !== null);
      means.push(known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length);
    }
    return means;
  });
}
