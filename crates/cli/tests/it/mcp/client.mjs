// A public MCP client against `ostoja mcp serve`: words of the command behind the client's file and the era.
import { pathToFileURL } from "node:url";

const [, , modules, era, command, ...args] = process.argv;
const of = (file) => import(pathToFileURL(`${modules}/@modelcontextprotocol/client/dist/${file}`).href);
const { Client } = await of("index.mjs");
const { StdioClientTransport } = await of("stdio.mjs");

const client = new Client(
  { name: "public", version: "1" },
  { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: era } },
);
const asked = [];
client.setRequestHandler("elicitation/create", async (request) => {
  asked.push(request.params.message);
  return { action: "accept", content: { yes: true } };
});
const transport = new StdioClientTransport({ command, args, env: process.env });
await client.connect(transport);
const { tools } = await client.listTools();
const ps = await client.callTool({ name: "ps", arguments: {} });
const stopped = await client.callTool({ name: "stop", arguments: { module: "greeter" } });
const wrong = await client.callTool({ name: "why", arguments: { module: "nobody" } });
console.log(JSON.stringify({
  server: client.getServerVersion(),
  tools: tools.map((tool) => tool.name),
  ps: ps.structuredContent,
  stopped: stopped.structuredContent,
  wrong: wrong.isError,
  asked,
}));
await client.close();
