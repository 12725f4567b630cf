// Starts an installed @rafftechnologies/raff-mcp, in the directory PACKAGE, as npx does.
// packaging/check runs it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

const wrapper = join(process.env.PACKAGE, "bin", "raff-mcp.js");
const home = mkdtempSync(join(tmpdir(), "raff-mcp-npm-"));
test.after(() => rmSync(home, { recursive: true }));

function start(args, env = {}) {
  const child = spawn(process.execPath, [wrapper, ...args], { env: { PATH: process.env.PATH, HOME: home, ...env } });
  const result = { child, stdout: "", stderr: "", ended: once(child, "close") };
  child.stdout.on("data", (text) => (result.stdout += text));
  child.stderr.on("data", (text) => (result.stderr += text));
  return result;
}

async function finish(args, input = "", env) {
  const run = start(args, env);
  run.child.stdin.end(input);
  const [code, signal] = await run.ended;
  return { ...run, code, signal };
}

const initialize =
  JSON.stringify({
    jsonrpc: "2.0", id: 1, method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
  }) + "\n" + JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }) + "\n";

const call = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "list_api_keys", arguments: {} } }) + "\n";

// An API that answers nothing until it is told to.
async function slowAPI(t) {
  const api = createServer();
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
  t.after(() => api.closeAllConnections());
  t.after(() => api.close());
  return { api, env: { RAFF_API_URL: `http://127.0.0.1:${api.address().port}`, RAFF_API_KEY: "raff_" + "0".repeat(64) } };
}

const empty = (response) => response.setHeader("Content-Type", "application/json").end('{"success":true,"data":[],"total":0}');

test("exit code 0, and the output as the program wrote it", async () => {
  const run = await finish(["version"]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /^raff-mcp \S+\ncommit: [0-9a-f]{40}\n/);
});

test("exit code 1 if a tool fails", async () => {
  const run = await finish(["call", "--sandbox", "get_api_key", '{"api_key_id":"11111111-1111-4111-8111-111111111111"}']);
  assert.equal(run.code, 1, run.stdout + run.stderr);
});

test("exit code 2 for wrong usage", async () => {
  const run = await finish(["--no-such-flag"]);
  assert.equal(run.code, 2, run.stderr);
  assert.match(run.stderr, /unknown flag/);
});

test("standard input reaches the program", async () => {
  const run = await finish(["call", "--sandbox", "create_api_key", "-"], '{"name":"from stdin"}');
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /from stdin/);
});

test("at the end of input, the program answers what is in flight and ends", async (t) => {
  const { api, env } = await slowAPI(t);
  const run = start([], env);
  run.child.stdin.end(initialize + call);
  const [, response] = await once(api, "request");
  assert.equal(run.child.exitCode, null);
  api.on("request", (_, later) => empty(later));
  empty(response);
  assert.deepEqual(await run.ended, [0, null], run.stderr);
  assert.match(run.stdout, /"id":2,"result"/);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  test(`at ${signal}, the program answers what is in flight and ends`, { skip: process.platform === "win32" }, async (t) => {
    const { api, env } = await slowAPI(t);
    const run = start(["--log-level=debug"], env);
    run.child.stdin.write(initialize + call); // and no end of input
    const [, response] = await once(api, "request");
    assert.ok(run.child.kill(signal));
    api.on("request", (_, later) => empty(later));
    empty(response);
    assert.deepEqual(await run.ended, [0, null], run.stderr);
    assert.match(run.stdout, /"id":2,"result"/);
  });
}

test("a program that was killed is reported as shells do", { skip: process.platform !== "linux" }, async (t) => {
  const { api, env } = await slowAPI(t);
  const run = start([], env);
  run.child.stdin.write(initialize + call);
  await once(api, "request");
  const pid = run.child.pid;
  process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()), "SIGKILL");
  assert.deepEqual(await run.ended, [137, null], run.stderr);
});
