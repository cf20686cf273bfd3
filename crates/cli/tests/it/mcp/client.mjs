// A public MCP client against `ostoja mcp serve`, whose command stands behind the folder of modules and the era, or against
// an address, behind which stands a token.
import { pathToFileURL } from "node:url";

const [, , modules, era, command, ...args] = process.argv;
const of = (file) => import(pathToFileURL(`${modules}/@modelcontextprotocol/client/dist/${file}`).href);
const { Client, StreamableHTTPClientTransport } = await of("index.mjs");
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
const isHttp = command.startsWith("http");
const headers = { Authorization: `Bearer ${args[0]}` };
const transport = isHttp
  ? new StreamableHTTPClientTransport(new URL(command), { requestInit: { headers } })
  : new StdioClientTransport({ command, args, env: process.env });
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
if (isHttp) await transport.terminateSession();
await client.close();
