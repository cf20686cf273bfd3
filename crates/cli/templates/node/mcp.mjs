// @NAME@: an MCP server without dependencies. Ostoja runs it as a module, any MCP client as a server.
import { createInterface } from "node:readline";

// Each tool: what does it, what it is for, and the schema of what it takes.
const TOOLS = new Map([
  ["hello", {
    run: ({ name }) => {
      if (typeof name !== "string") throw new Error("`name` is missing");
      return `hello ${name}`;
    },
    description: "Greets somebody by name",
    inputSchema: {
      type: "object",
      properties: { name: { type: "string", description: "Who is greeted" } },
      required: ["name"],
    },
  }],
]);

const REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const METHODS = new Map([
  ["initialize", ({ protocolVersion }) => ({
    protocolVersion: REVISIONS.includes(protocolVersion) ? protocolVersion : REVISIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: "@NAME@", version: "0.1.0" },
  })],
  ["ping", () => ({})],
  ["tools/list", () => ({
    tools: [...TOOLS].map(([name, { description, inputSchema }]) => ({ name, description, inputSchema })),
  })],
  ["tools/call", async ({ name, arguments: given = {} }) => {
    const tool = TOOLS.get(name);
    if (!tool) throw new Refused(-32602, `there is no tool ${JSON.stringify(name)}`);
    try {
      return { content: [{ type: "text", text: await tool.run(given) }], isError: false };
    } catch (error) {
      // A tool's failure is an answer for who called it, not the server's end.
      return { content: [{ type: "text", text: String(error) }], isError: true };
    }
  }],
]);

async function answer(line) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return { jsonrpc: "2.0", id: null, error: { code: -32700, message: "this is no JSON" } };
  }
  // A notification or an answer wants none.
  if (message?.id === undefined || message.method === undefined) return undefined;
  const told = { jsonrpc: "2.0", id: message.id };
  try {
    const method = METHODS.get(message.method);
    if (!method) throw new Refused(-32601, `there is no method ${JSON.stringify(message.method)}`);
    return { ...told, result: await method(message.params ?? {}) };
  } catch (error) {
    return { ...told, error: { code: error.code ?? -32603, message: error.message } };
  }
}

// Standard output belongs to the protocol: what else wants to be said goes to standard error, which is the log.
console.log = console.error;
for await (const line of createInterface({ input: process.stdin })) {
  const told = await answer(line);
  if (told !== undefined) process.stdout.write(`${JSON.stringify(told)}\n`);
}
