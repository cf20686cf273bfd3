// @NAME@: a bot. It answers what is said on `chat.message`, and whoever calls it.
import { config, on, publish, run, service } from "./ostoja.mjs";

/** What it says to a text: the place for rules, or for a model. */
function reply(text: string): string {
  return text.includes("?") ? "that is a good question" : `${config("greeting", "hello")}, you said: ${text}`;
}

on("chat.message", ({ text = "", from }: { text?: string; from?: string } = {}) => publish("chat.reply", { to: from, text: reply(String(text)) }));
service("@NAME@", { answer: ({ text = "" }: { text?: string } = {}) => reply(String(text)) });

run();
