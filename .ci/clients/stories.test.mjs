// A day's administration, by a program that sees what most models see of a result: the
// structured content, and nothing else. It takes IDs and the next calls from there. A story
// that needs anything else, or an error on the way, has failed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const client = new Client({ name: 'model', version: '1' });
let calls = 0;
let bytes = 0;

// call calls a tool and returns what a model sees of the result.
async function call(name, args) {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: args });
  assert.ok(!isError, `${name} ${JSON.stringify(args)}: ${content[0].text}`);
  calls += 1;
  bytes += JSON.stringify(structuredContent).length;
  return structuredContent;
}

const named = ({ items }, wanted) => items.find(({ name }) => name === wanted);

// follow makes a call that a text contains as `tool {arguments}`; more arguments are the
// model's own.
function follow(text, tool, more = {}) {
  const [, json] = text.match(new RegExp(`${tool} (\\{[^{}]*\\})`)) ?? assert.fail(`no call of ${tool} in: ${text}`);
  return call(tool, { ...JSON.parse(json), ...more });
}

describe('a day of administration', { timeout: 60_000 }, () => {
  before(() => client.connect(new StdioClientTransport({ command: process.env.RAFF_MCP, args: ['--sandbox'], stderr: 'ignore' })));
  after(() => client.close());

  test('onboard: a key that may only look at Production', async () => {
    const project = named(await call('list_projects', {}), 'Production');
    const viewer = named(await call('list_roles', { scope: 'project' }), 'Viewer');
    const created = await call('create_api_key', { name: 'Metrics exporter', expires_at: '2099-01-01T00:00:00Z' });
    assert.match(created.secret.value, /^raff_[0-9a-f]{64}$/);
    assert.equal(created.secret.sensitive, true);
    const added = await call('add_project_member', { project_id: project.id, api_key_id: created.api_key.id, role_id: viewer.id });
    for (const name of ['Metrics exporter', 'Viewer', 'Production']) assert.ok(added.summary.includes(name), added.summary);
  });

  test('rotate: replace a key in use, then revoke the old one', async () => {
    const { items: [key] } = await call('list_api_keys', { name: 'backup' });
    const replaced = await call('replace_api_key', { api_key_id: key.id });
    assert.match(replaced.secret.value, /^raff_[0-9a-f]{64}$/);
    assert.notEqual(replaced.api_key.name, key.name);
    const revoked = await follow(replaced.remaining.join('\n'), 'revoke_api_key');
    assert.ok(revoked.summary.includes(`"${key.name}"`), revoked.summary);
  });

  test('audit: the worst finding leads to what fixes it', async () => {
    const audit = await call('audit_api_keys', {});
    assert.equal(audit.findings[0].severity, 'high');
    assert.ok(audit.summary.includes(audit.findings[0].name), audit.summary);
    const expired = audit.findings.find(({ kind }) => kind === 'expired');
    const revoked = await follow(expired.fix, 'revoke_api_key');
    assert.ok(revoked.summary.includes(expired.name), revoked.summary);
  });

  test('off-board: a person, with the keys they created', async () => {
    const email = 'chen@meridian.example';
    const access = await call('get_access', { email });
    const unused = access.api_keys.find(({ name }) => name === 'Load test');
    await call('revoke_api_key', { api_key_id: unused.id, confirm_name: unused.name });
    const removed = await follow(access.summary, 'remove_member');
    assert.ok(removed.summary.includes(email), removed.summary);
    assert.ok(removed.summary.includes('"CI"'), removed.summary);
  });

  test('undo: what a change reports is what reverses it', async () => {
    const { items: [key] } = await call('list_api_keys', { name: 'Grafana' });
    const { changes, summary } = await call('update_api_key', { api_key_id: key.id, name: 'Dashboards', is_active: false });
    assert.ok(summary.includes('"Grafana"') && summary.includes('"Dashboards"'), summary);
    const undo = Object.fromEntries(changes.map(({ field, from }) => [field, from]));
    const undone = await call('update_api_key', { api_key_id: key.id, ...undo });
    assert.equal(undone.api_key.name, 'Grafana');
    assert.equal(undone.api_key.is_active, true);
  });

  test('ambiguous: "revoke the CI key", of which there are two', async () => {
    const { items } = await call('list_api_keys', { name: 'CI' });
    const [one, other] = items.filter(({ name }) => name === 'CI');
    assert.notEqual(one.key_prefix, other.key_prefix);
    assert.notEqual(one.last_used_at, other.last_used_at);
    const { summary } = await call('list_api_keys', { name: 'no such key' });
    assert.match(summary, /^No API keys match/);
  });

  after(() => {
    assert.ok(calls < 20, `${calls} calls`);
    assert.ok(bytes < 30_000, `${bytes} bytes`);
    console.log(`# ${calls} calls, ${bytes} bytes`);
  });
});
