// Which page an address stands for. Addresses live behind the `#`, so that the server needs no rule for them and a
// link to a module's logs can be sent to somebody.

/** The pages, in the order of the navigation. */
export const PAGES = [
  "overview",
  "modules",
  "graph",
  "approvals",
  "alerts",
  "updates",
  "zones",
  "journal",
  "config",
  "settings",
] as const;

export type Page = (typeof PAGES)[number];

/** The parts of one module's page. */
export const TABS = ["story", "logs", "definition", "permissions", "limits"] as const;

export type Tab = (typeof TABS)[number];

export type Route = { page: Page } | { page: "module"; id: string; tab: Tab };

/** 200 characters of a name at the most; longer ones are nobody's. */
const NAME_CHARACTERS_MAX = 200;

/** Reads an address; what stands for nothing is the overview. */
export function parse(hash: string): Route {
  const parts = hash.replace(/^#?\/?/, "").split("/");
  const [page, id, tab] = parts;
  if (page === "modules" && id !== undefined && id !== "") {
    const name = decoded(id);
    if (name === null || name.length > NAME_CHARACTERS_MAX) return { page: "modules" };
    const known = TABS.find((each) => each === tab) ?? "story";
    return { page: "module", id: name, tab: known };
  }
  return { page: PAGES.find((each) => each === page) ?? "overview" };
}

/** Writes an address. */
export function href(route: Route): string {
  if (route.page === "module") {
    const tab = route.tab === "story" ? "" : `/${route.tab}`;
    return `#/modules/${encodeURIComponent(route.id)}${tab}`;
  }
  return route.page === "overview" ? "#/" : `#/${route.page}`;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
