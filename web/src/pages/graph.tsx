// Who talks to whom, drawn; and the same as a table for whoever can't see or use a drawing.

import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api";
import { number } from "../format";
import { NODE_HEIGHT, NODE_WIDTH, type Picture, picture } from "../layout";
import { stateOf } from "../parts/state";
import { href } from "../route";
import { language, t, tOf } from "../settings";
import { ringTurn, tellRefusal, trail, turn } from "../store";
import { clean } from "../text";
import type { Graph as GraphData } from "../types";

/** 10 modules without neighbours stand in one column: about one screen. */
const ROWS_MAX = 10;

/** 16 characters of a name fit into its box. */
const NAME_CHARACTERS_MAX = 16;

/** 1 s between two readings, however much happens. */
const READ_PAUSE_MS = 1000;

export function Graph() {
  const [graph, setGraph] = useState<GraphData | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(
      () => get<GraphData>("/graph").then(setGraph, (error: unknown) => tellRefusal(error, t("failed"))),
      graph === null ? 0 : READ_PAUSE_MS,
    );
    return () => clearTimeout(timer);
  }, [turn.value]);
  const drawn = useMemo(() => (graph === null ? null : picture(graph, ROWS_MAX)), [graph]);
  if (graph === null || drawn === null) return <p class="empty">{t("loading")}</p>;
  return (
    <>
      <h1>{t("whoTalks")}</h1>
      <p class="dim">{graph.edges.length === 0 ? t("noEdges") : t("graphHint")}</p>
      <div class="card graph-box" tabIndex={0} role="region" aria-label={t("whoTalks")}>
        <Drawing drawn={drawn} chosen={chosen} onChoose={setChosen} />
      </div>
      <ul class="legend">
        <li><span class="legend-line e-calls" aria-hidden="true" /> {t("edgeCalls")}</li>
        <li><span class="legend-line e-needs" aria-hidden="true" /> {t("edgeNeeds")}</li>
      </ul>
      <EdgeTable graph={graph} />
    </>
  );
}

interface DrawingProps {
  drawn: Picture;
  chosen: string | null;
  onChoose: (id: string | null) => void;
}

function Drawing({ drawn, chosen, onChoose }: DrawingProps) {
  const near = new Set<string>(chosen === null ? [] : [chosen]);
  for (const { edge } of drawn.edges) {
    if (edge.from === chosen) near.add(edge.to);
    if (edge.to === chosen) near.add(edge.from);
  }
  const isFar = (id: string) => chosen !== null && !near.has(id);
  return (
    <svg class="graph" width={drawn.width} height={drawn.height} viewBox={`0 0 ${drawn.width} ${drawn.height}`}>
      <defs>
        {["calls", "needs"].map((kind) => (
          <marker id={`arrow-${kind}`} viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path class={`tip e-${kind}`} d="M0 0.5 8 4 0 7.5z" />
          </marker>
        ))}
      </defs>
      {drawn.edges.map(({ edge, path }) => {
        const kind = edge.kind === "needs" ? "needs" : "calls";
        const isOwn = chosen !== null && (edge.from === chosen || edge.to === chosen);
        return (
          <path
            class={`edge e-${kind}${chosen !== null && !isOwn ? " far" : ""}${isOwn ? " own" : ""}`}
            d={path}
            marker-end={`url(#arrow-${kind})`}
          >
            <title>{`${clean(edge.from)} → ${clean(edge.to)}${edge.name === "" ? "" : `: ${clean(edge.name)}`}`}</title>
          </path>
        );
      })}
      {drawn.nodes.map(({ node, x, y }) => {
        const { symbol, weight } = stateOf(node.status);
        const name = clean(node.id);
        const short = name.length > NAME_CHARACTERS_MAX ? `${name.slice(0, NAME_CHARACTERS_MAX - 1)}…` : name;
        const state = tOf("st", clean(node.status));
        return (
          <a
            href={href({ page: "module", id: node.id, tab: "story" })}
            class={`node w-${weight}${isFar(node.id) ? " far" : ""}`}
            onMouseEnter={() => onChoose(node.id)}
            onMouseLeave={() => onChoose(null)}
            onFocus={() => onChoose(node.id)}
            onBlur={() => onChoose(null)}
          >
            <rect x={x} y={y} width={NODE_WIDTH} height={NODE_HEIGHT} rx="9" />
            <text class="node-symbol" aria-hidden="true" x={x + 14} y={y + 20}>{symbol}</text>
            <text class="node-name" x={x + 30} y={y + 20}>{short}</text>
            <text class="node-note" x={x + 30} y={y + 37}>
              {state} · <Rate id={node.id} first={node.framesPerS} />
            </text>
          </a>
        );
      })}
    </svg>
  );
}

/** Apart from the drawing: only this text changes with every measurement. */
function Rate({ id, first }: { id: string; first: number | null }) {
  void ringTurn.value;
  return <>{t("perS", number(trail(id)?.rate ?? first ?? 0, language.value, 1))}</>;
}

function EdgeTable({ graph }: { graph: GraphData }) {
  if (graph.edges.length === 0) return null;
  return (
    <details class="card pad">
      <summary>{t("asTable")}</summary>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t("from")}</th>
            <th scope="col">{t("kind")}</th>
            <th scope="col">{t("to")}</th>
            <th scope="col">{t("provides")}</th>
          </tr>
        </thead>
        <tbody>
          {graph.edges.slice(0, 2000).map((edge) => (
            <tr>
              <th scope="row">{clean(edge.from)}</th>
              <td>{t(edge.kind === "needs" ? "edgeNeeds" : "edgeCalls")}</td>
              <td>{clean(edge.to)}</td>
              <td>{clean(edge.name)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
