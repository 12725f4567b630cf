// The official SDKs for TypeScript against the built server: version 1, which
// most programs embed, and version 2. Both check each result against the tool's
// output schema, and both call onerror with whatever they did not expect.
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { describe, test } from 'node:test';
import * as v1 from '@modelcontextprotocol/sdk/client/index.js';
import * as v1stdio from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import * as v2 from '@modelcontextprotocol/client';
import * as v2stdio from '@modelcontextprotocol/client/stdio';

const server = { command: process.env.RAFF_MCP, args: ['--sandbox'], stderr: 'ignore' };
const info = { name: 'typescript-sdk', version: '1' };
const capabilities = { elicitation: { form: {} } };
const create = (name) => ({ name: 'create_api_key', arguments: { name } });

describe('TypeScript SDK', { concurrency: true, timeout: 60_000 }, () => {
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    test(`1, ${version}`, (t) => {
      const client = new v1.Client(info, { capabilities });
      const transport = new AskingTransport(version);
      return converse(t, client, transport, {
        call: (params, options) => client.callTool(params, undefined, options),
        onQuestion: (answer) => client.setRequestHandler(ElicitRequestSchema, answer),
        version: () => transport.negotiated,
      }, version);
    });
    test(`2, ${version}`, (t) => converse2(t, { supportedProtocolVersions: [version] }, version));
  }
  test('2, 2026-07-28', (t) => converse2(t, { versionNegotiation: { mode: { pin: '2026-07-28' } } }, '2026-07-28'));
  test('2, whatever is newest', (t) => converse2(t, { versionNegotiation: { mode: 'auto' } }, '2026-07-28'));
});

// An AskingTransport asks for a revision: SDK 1 itself always asks for the newest.
class AskingTransport extends v1stdio.StdioClientTransport {
  constructor(version) {
    super(server);
    this.asked = version;
  }

  send(message) {
    if (message.method !== 'initialize') return super.send(message);
    return super.send({ ...message, params: { ...message.params, protocolVersion: this.asked } });
  }

  setProtocolVersion(version) {
    this.negotiated = version;
  }
}

function converse2(t, options, version) {
  const client = new v2.Client(info, { capabilities, ...options });
  return converse(t, client, new v2stdio.StdioClientTransport(server), {
    call: (params, options) => client.callTool(params, options),
    onQuestion: (answer) => client.setRequestHandler('elicitation/create', answer),
    version: () => client.getNegotiatedProtocolVersion(),
  }, version);
}

async function converse(t, client, transport, { call, onQuestion, version }, wanted) {
  const errors = [];
  client.onerror = (error) => errors.push(error.message.slice(0, 200));
  t.after(() => client.close());
  await client.connect(transport);
  assert.equal(version(), wanted);
  const { tools } = await client.listTools();
  for (const tool of tools) assert.ok(tool.outputSchema, tool.name);

  checkKey(await call(create('Production CI')), 'Production CI');
  const refusal = await call({ name: 'create_api_key', arguments: { nme: 'Production CI' } });
  assert.equal(refusal.isError, true);
  assert.match(refusal.content[0].text, /'name'/);
  await assert.rejects(call({ name: 'no_such_tool', arguments: {} }), { code: -32602 });

  await read(tools, call);
  await prompt(client);
  if (wanted >= '2025-06-18') await ask(call, onQuestion);
  await createMany(call);
  assert.deepEqual(errors, []);

  await cancel(call);
  errors.length = 0; // answers and cancellations may have crossed, until now
  checkKey(await call(create('afterwards')), 'afterwards');

  const { pid } = transport;
  await client.close();
  assert.deepEqual(errors, []);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the server is still running');
}

// read calls every tool that only reads and needs no arguments.
async function read(tools, call) {
  const readers = tools.filter(({ annotations, inputSchema }) => annotations.readOnlyHint && !inputSchema.required?.length);
  assert.ok(readers.length > 0);
  for (const { name } of readers) {
    const args = name === 'get_access' ? { email: 'chen@meridian.example' } : {}; // one of several is required
    const { isError, content } = await call({ name, arguments: args });
    assert.ok(!isError, `${name}: ${content[0]?.text}`);
  }
}

// prompt lists the prompts, completes an argument of one, and gets it.
async function prompt(client) {
  const { prompts } = await client.listPrompts();
  assert.ok(prompts.some(({ name }) => name === 'rotate_key'));
  const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: 'rotate_key' }, argument: { name: 'key', value: 'graf' } });
  assert.deepEqual(completion.values, ['Grafana']);
  const { messages } = await client.getPrompt({ name: 'rotate_key', arguments: { key: completion.values[0] } });
  assert.equal(messages.length, 1);
  assert.match(messages[0].content.text, /list_api_keys \{"name":"Grafana"\}/);
}

// ask has the user asked: what is declined is not done, what is accepted is.
async function ask(call, onQuestion) {
  const { id, name } = (await call(create('to be revoked'))).structuredContent.api_key;
  const revoke = { name: 'revoke_api_key', arguments: { api_key_id: id, confirm_name: name } };
  const get = { name: 'get_api_key', arguments: { api_key_id: id } };
  const questions = [];
  const answerWith = (answer) => onQuestion(({ params }) => {
    questions.push(params.message);
    return answer;
  });

  answerWith({ action: 'decline' });
  assert.equal((await call(revoke)).isError, true);
  assert.ok(!(await call(get)).isError);

  answerWith({ action: 'accept', content: { confirm: true } });
  assert.ok(!(await call(revoke)).isError);
  assert.equal((await call(get)).isError, true);

  assert.equal(questions.length, 2);
  for (const question of questions) assert.match(question, /to be revoked/);
}

async function createMany(call) {
  const names = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  const results = await Promise.all(names.map((name) => call(create(name))));
  const secrets = results.map((result, i) => checkKey(result, names[i]));
  assert.equal(new Set(secrets).size, names.length);
}

// cancel cancels calls that are under way: the API admits 30 in a second, the
// others have to wait. It returns when the server has read the cancellations.
async function cancel(call) {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const calls = Array.from({ length: 70 }, (_, i) => call(create(`cancelled ${i}`), { signal: controller.signal }));
  await Promise.any(calls);
  controller.abort();
  const outcomes = await Promise.allSettled(calls);
  assert.ok(outcomes.some(({ status }) => status === 'rejected'));
  await call({ name: 'list_projects', arguments: {} }); // a list of tools may come from the client's cache
}

function checkKey({ isError, structuredContent, content }, name) {
  assert.ok(!isError, content[0]?.text);
  assert.equal(structuredContent.api_key.name, name);
  assert.match(structuredContent.secret.value, /^raff_[0-9a-f]{64}$/);
  assert.equal(structuredContent.secret.sensitive, true);
  assert.ok(content[0].text);
  return structuredContent.secret.value;
}
