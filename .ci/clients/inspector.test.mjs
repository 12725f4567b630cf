// The MCP inspector's command line against the built server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';

const list = ['--method', 'tools/list', '--strict', '--format', 'json'];
const call = ['--method', 'tools/call', '--tool-name', 'create_api_key'];

describe('inspector', { concurrency: 2, timeout: 60_000 }, () => {
  for (const era of ['legacy', 'modern', 'auto']) {
    test(`lists tools that are portable, ${era} protocol`, async () => {
      const { code, stdout, stderr } = await inspect(...list, '--protocol-era', era);
      assert.equal(code, 0, stderr);
      const { result, schemaFindings } = JSON.parse(stdout);
      assert.ok(result.tools.some(({ name }) => name === 'create_api_key'));
      assert.equal(schemaFindings, undefined, stderr);
    });

    test(`creates a key, ${era} protocol`, async () => {
      const { code, stdout, stderr } = await inspect(...call, '--tool-arg', 'name=x', '--protocol-era', era);
      assert.equal(code, 0, stderr);
      const { structuredContent } = JSON.parse(stdout);
      assert.equal(structuredContent.api_key.name, 'x');
      assert.match(structuredContent.secret.value, /^raff_[0-9a-f]{64}$/);
    });
  }

  test('shows what is wrong with arguments', async () => {
    const { code, stdout } = await inspect(...call, '--tool-arg', 'nme=x');
    assert.equal(code, 5);
    const { isError, content } = JSON.parse(stdout);
    assert.equal(isError, true);
    assert.match(content[0].text, /missing property 'name'/);
  });

  test('knows no other tool', async () => {
    const { code, stderr } = await inspect('--method', 'tools/call', '--tool-name', 'no_such_tool');
    assert.equal(code, 5);
    assert.match(stderr, /tool_not_found/);
  });

  test('makes many calls at once', async () => {
    const { code, stdout, stderr } = await inspect(...call, '--tool-arg', 'name=x', '--load', '--load-requests', '60', '--load-concurrency', '20');
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).ok, 60);
  });
});

function inspect(...args) {
  return new Promise((resolve) => {
    execFile('node_modules/.bin/mcp-inspector', ['--cli', process.env.RAFF_MCP, '--sandbox', '--quiet', ...args],
      { timeout: 50_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}
