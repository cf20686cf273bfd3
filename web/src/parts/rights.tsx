// Rights as lines, with what is new or lost said by a sign and a word beside the colour.

import { t } from "../settings";
import type { Change, RightLine } from "../rights";
import { clean } from "../text";

const SIGNS: Record<Change, string> = { new: "+", has: "=", gone: "−", denied: "✕" };

export function RightList({ lines, empty }: { lines: RightLine[]; empty: string }) {
  if (lines.length === 0) return <p class="dim">{empty}</p>;
  const words = { new: t("newRight"), has: t("hasRight"), gone: t("goneRight"), denied: t("deniedRight") };
  return (
    <ul class="rights">
      {lines.slice(0, 200).map((line) => (
        <li class={`right r-${line.change}`}>
          <span class="sign" aria-hidden="true">{SIGNS[line.change]}</span>
          <span class="right-word">{words[line.change]}</span>
          <code>
            <b>{clean(line.kind)}</b> {clean(line.value)}
          </code>
        </li>
      ))}
    </ul>
  );
}
