// A state as colour, symbol and word together: none of them has to be seen for the others to be understood.

import { tOf } from "../settings";
import type { Weight } from "../say";
import { clean } from "../text";

const STATES: Record<string, { symbol: string; weight: Weight }> = {
  starting: { symbol: "◔", weight: "soon" },
  waiting: { symbol: "◌", weight: "soon" },
  ready: { symbol: "●", weight: "good" },
  restarting: { symbol: "↻", weight: "soon" },
  stopped: { symbol: "○", weight: "rest" },
  completed: { symbol: "✓", weight: "rest" },
  crashed: { symbol: "✕", weight: "bad" },
  killed: { symbol: "✕", weight: "bad" },
};

const UNKNOWN = { symbol: "?", weight: "rest" as const };

/** The symbols of weights, for events. */
export const WEIGHT_SYMBOLS: Record<Weight, string> = { good: "●", soon: "▲", bad: "✕", rest: "·" };

export function stateOf(status: string): { symbol: string; weight: Weight } {
  return Object.hasOwn(STATES, status) ? (STATES[status] ?? UNKNOWN) : UNKNOWN;
}

export function StateBadge({ status, held }: { status: string; held?: string | null | undefined }) {
  const { symbol, weight } = stateOf(status);
  return (
    <span class="states">
      <span class={`state w-${weight}`}>
        <span class="symbol" aria-hidden="true">{symbol}</span>
        {tOf("st", clean(status))}
      </span>
      {held !== undefined && held !== null && held !== "" && (
        <span class="state w-soon">
          <span class="symbol" aria-hidden="true">▼</span>
          {tOf("held", clean(held))}
        </span>
      )}
    </span>
  );
}

/** How urgent it is to look at a module: crashed first, well last. */
export function urgency(status: string): number {
  return { bad: 0, soon: 1, good: 2, rest: 3 }[stateOf(status).weight];
}
