// What a reader chose for this browser: theme and language. Kept in the browser, never sent anywhere.

import { effect, signal } from "@preact/signals";
import { type Language, languageOf, LANGUAGES, say, sayOf, type Word } from "./words";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const THEME_KEY = "ostoja.theme";
const LANGUAGE_KEY = "ostoja.language";

export const theme = signal<Theme>(THEMES.find((each) => each === stored(THEME_KEY)) ?? "system");
export const language = signal<Language>(
  LANGUAGES.find((each) => each === stored(LANGUAGE_KEY)) ?? languageOf(navigator.languages),
);

/** Whether the page is dark now, for what is drawn on a canvas. */
export const isDark = signal(false);

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function look(): void {
  isDark.value = theme.value === "dark" || (theme.value === "system" && systemDark.matches);
}

/** Begins to hold the page to the settings. */
export function applySettings(): void {
  systemDark.addEventListener("change", look);
  effect(() => {
    keep(THEME_KEY, theme.value === "system" ? null : theme.value);
    document.documentElement.dataset["theme"] = theme.value;
    look();
  });
  effect(() => {
    document.documentElement.lang = language.value;
  });
}

/** Chooses a language and keeps it. */
export function chooseLanguage(chosen: Language): void {
  keep(LANGUAGE_KEY, chosen);
  language.value = chosen;
}

/** A sentence in the present language. */
export function t(word: Word, ...values: (string | number)[]): string {
  return say(language.value, word, ...values);
}

/** A word of a family in the present language. */
export function tOf(family: "st" | "held" | "res", name: string): string {
  return sayOf(language.value, family, name);
}

// A browser may forbid its store; then a choice lasts as long as the page.
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Nothing is kept then.
  }
}
