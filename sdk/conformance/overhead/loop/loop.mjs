// The least that answers calls in JavaScript, by hand: what the SDK is compared with.
import process from "node:process";

const say = (frame) => process.stdout.write(JSON.stringify(frame) + "\n");
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const frame = JSON.parse(line);
    if (frame.type === "init") say({ type: "ready", manifest: {} });
    else if (frame.type === "rpc_request") say({ type: "rpc_response", id: frame.id, result: frame.params });
  }
});
