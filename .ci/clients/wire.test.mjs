// Every line that the built server writes, against the official message schemas.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import * as legacy from '@modelcontextprotocol/sdk/types.js';
import * as modern from '@modelcontextprotocol/core';

const info = { name: 'wire', version: '1' };

for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
  test(`messages of ${version}`, { timeout: 20_000 }, async (t) => {
    const s = new Session(t, legacy);
    await s.request('initialize', { protocolVersion: version, capabilities: {}, clientInfo: info }, legacy.InitializeResultSchema);
    s.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await s.request('ping', undefined, legacy.EmptyResultSchema);
    // Before 2025-11-25 the schemas have no error without an id, so JSON-RPC's is sent.
    await converse(s, {}, version < '2025-11-25' ? { id: null } : {});
    if (version === '2025-03-26') await batch(s);
    await s.end();
  });
}

test('messages of 2026-07-28', { timeout: 20_000 }, async (t) => {
  const s = new Session(t, modern);
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': info,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { result } = await s.request('server/discover', { _meta }, modern.DiscoverResultSchema);
  assert.ok(result.supportedVersions.includes('2026-07-28'));
  for (const { result } of await converse(s, { _meta }, {})) assert.equal(result.resultType, 'complete');
  await s.end();
});

// converse has the conversation that is the same in all revisions, and returns
// the answers that are results. noID is what an error without an id has for it.
async function converse(s, params, noID) {
  const call = (args) => s.request('tools/call', { ...params, name: 'create_api_key', arguments: args }, s.schemas.CallToolResultSchema);
  const results = [s.request('tools/list', params, s.schemas.ListToolsResultSchema), call({ name: 'Production CI' }), call({ nme: 5 }),
    s.request('prompts/list', params, s.schemas.ListPromptsResultSchema),
    s.request('prompts/get', { ...params, name: 'rotate_key', arguments: { key: 'Grafana' } }, s.schemas.GetPromptResultSchema),
    s.request('completion/complete', { ...params, ref: { type: 'ref/prompt', name: 'rotate_key' }, argument: { name: 'key', value: '' } }, s.schemas.CompleteResultSchema)];
  assert.equal((await s.request('tools/call', { ...params, name: 'no_such_tool' })).error.code, -32602);
  assert.equal((await s.request('no/such/method', params)).error.code, -32601);

  s.write('junk');
  const { error, ...rest } = await s.stray();
  assert.equal(error.code, -32700);
  assert.deepEqual(rest, { jsonrpc: '2.0', ...noID });

  results.push(s.request('tools/list', params, s.schemas.ListToolsResultSchema)); // it lives on
  return Promise.all(results);
}

async function batch(s) {
  s.write(JSON.stringify([
    { jsonrpc: '2.0', id: 'a', method: 'ping' },
    { jsonrpc: '2.0', id: 'b', method: 'no/such/method' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]));
  const answers = await s.stray();
  assert.deepEqual(answers.map(({ id }) => id).sort(), ['a', 'b']);
  for (const answer of answers) s.schemas.JSONRPCMessageSchema.parse(answer);
}

// A Session writes lines and checks those that come back. It fails with the first
// that is not as it should be.
class Session {
  #server = spawn(process.env.RAFF_MCP, ['--sandbox'], { stdio: ['pipe', 'pipe', 'ignore'] });
  #exit = once(this.#server, 'exit');
  #waiting = new Map(); // by id; undefined is for what answers no request
  #fail;
  #failure = new Promise((_, reject) => (this.#fail = reject));
  #ids = 0;

  constructor(t, schemas) {
    this.schemas = schemas;
    t.after(() => this.#server.kill());
    createInterface({ input: this.#server.stdout }).on('line', (line) => this.#read(line));
    this.#exit.then(() => this.#fail(new Error('the server has left')));
    this.#failure.catch(() => {});
  }

  #read(line) {
    try {
      const message = JSON.parse(line);
      const id = message.id ?? undefined;
      const resolve = this.#waiting.get(id);
      assert.ok(resolve, 'nobody waits for this');
      this.#waiting.delete(id);
      resolve(message);
    } catch (error) {
      this.#fail(new Error(`${error.message}: ${line}`));
    }
  }

  write(line) {
    this.#server.stdin.write(`${line}\n`);
  }

  send(message) {
    this.write(JSON.stringify(message));
  }

  // request returns the answer: an error, unless the result has a schema.
  async request(method, params, result) {
    const id = ++this.#ids;
    this.send({ jsonrpc: '2.0', id, method, params });
    const answer = await this.#answer(id);
    this.schemas.JSONRPCMessageSchema.parse(answer);
    assert.equal('result' in answer, result !== undefined, JSON.stringify(answer));
    result?.parse(answer.result);
    return answer;
  }

  // stray returns the next line that answers no request.
  stray() {
    return this.#answer(undefined);
  }

  #answer(id) {
    return Promise.race([new Promise((resolve) => this.#waiting.set(id, resolve)), this.#failure]);
  }

  // end closes the server's input, upon which it has to leave.
  async end() {
    assert.equal(this.#waiting.size, 0);
    this.#server.stdin.end();
    assert.deepEqual(await this.#exit, [0, null]);
  }
}
