// Logs in with the code behind the `#`, then shows all modules.
const state = document.getElementById("state");
const code = new URLSearchParams(location.hash.slice(1)).get("login");
if (code) {
  history.replaceState(null, "", "/");
  await_login(code);
} else {
  show();
}
async function await_login(code) {
  const body = JSON.stringify({ code });
  await fetch("/api/v1/session", { method: "POST", headers: { "content-type": "application/json" }, body });
  show();
}
async function show() {
  const answer = await fetch("/api/v1/modules");
  const value = await answer.json();
  state.textContent = answer.ok ? "" : value.detail + ": " + (value.help ?? "");
  const rows = answer.ok ? value.modules.map((module) => module.status.padEnd(12) + module.id) : [];
  document.getElementById("modules").textContent = rows.join("\n");
}
