// The few pictures of the page, drawn on a grid of 16 by 16 in the colour of the text around them.

const PATHS = {
  overview: "M2.5 9.5v4h4v-7h-4zM9.5 13.5h4v-3h-4zM9.5 2.5v5h4v-5zM2.5 2.5v1.5h4V2.5z",
  modules: "M8 1.8 13.6 5v6L8 14.2 2.4 11V5zM2.4 5 8 8.2 13.6 5M8 8.2v6",
  graph: "M3.5 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12.5 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM4.5 14.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5.4 4.3l5.2 2.8M6.3 11.7l4.4-2.8",
  approvals: "M8 1.5 13.5 4v4c0 3.2-2.2 5.4-5.5 6.5C4.7 13.4 2.5 11.2 2.5 8V4zM5.5 8l1.8 1.8 3.4-3.6",
  alerts: "M8 2a4 4 0 0 1 4 4v3l1.5 2.5h-11L4 9V6a4 4 0 0 1 4-4zM6.5 13.8h3",
  updates: "M8 10.5v-8M4.8 5.5 8 2.3l3.2 3.2M2.5 9.5v4h11v-4",
  zones: "M2 2.5h5v5H2zM9.5 2.5H14v11H9.5zM2 10h5v3.5H2z",
  journal: "M3.5 1.5h9v13h-9zM6 5h4M6 8h4M6 11h2.5",
  config: "M3 2h7l3 3v9H3zM5.5 7.5h5M5.5 10.5h5M9.8 2v3.2H13",
  settings: "M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6 13.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.6 10.6 14 14",
  restart: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  stop: "M4 4h8v8H4z",
  start: "M5 3l8 5-8 5z",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M9.5 3.5 5 8l4.5 4.5",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3",
  moon: "M13.5 9.5A6 6 0 1 1 6.5 2.5a4.8 4.8 0 0 0 7 7z",
  half: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the product: a shelter with something safe in it. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M12 2.5 21 7v7.5c0 3.6-3.6 6-9 7.5-5.4-1.5-9-3.9-9-7.5V7z" class="mark-wall" />
      <circle cx="12" cy="12" r="3.6" class="mark-heart" />
    </svg>
  );
}
