// What the list of tools costs a model before it has done anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const tokens = (value) => encode(JSON.stringify(value)).length;

test('the tools cost few tokens', { timeout: 60_000 }, async (t) => {
  const client = new Client({ name: 'tokens', version: '1' });
  t.after(() => client.close());
  await client.connect(new StdioClientTransport({ command: process.env.RAFF_MCP, args: ['--sandbox'], stderr: 'ignore' }));
  const { tools } = await client.listTools();
  const costs = tools.map(({ name, description, inputSchema }) => [tokens({ name, description, inputSchema }), name]);
  const sum = costs.reduce((total, [cost]) => total + cost, 0);
  assert.ok(sum <= 4000, `${sum} tokens: ${costs.sort(([a], [b]) => b - a).join(' ')}`);
  const [[create]] = costs.filter(([, name]) => name === 'create_api_key');
  assert.ok(create <= 280, `create_api_key: ${create} tokens`);
  const size = JSON.stringify({ tools }).length;
  assert.ok(size <= 45_000, `tools/list: ${size} bytes`);
  const { items } = (await client.callTool({ name: 'list_api_keys', arguments: {} })).structuredContent;
  const each = tokens(items) / items.length;
  assert.ok(each <= 150, `a key in a list: ${each} tokens`);
  t.diagnostic(`${sum} tokens for ${tools.length} tools, create_api_key ${create}, tools/list ${size} bytes, ${each.toFixed(0)} tokens per key in a list`);
});
