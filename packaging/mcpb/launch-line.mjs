// Prints, as JSON, how a host starts the server of the unpacked bundle in a directory: with
// mcpb's own code, and the user's settings in the second argument.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join, resolve, sep } from "node:path";

const [tools, directory, userConfig] = process.argv.slice(2);
const { getMcpConfigForManifest } = createRequire(join(resolve(tools), "x.js"))("@anthropic-ai/mcpb");
const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
const line = await getMcpConfigForManifest({
  manifest,
  extensionPath: resolve(directory),
  systemDirs: { HOME: homedir() },
  userConfig: JSON.parse(userConfig),
  pathSeparator: sep,
});
if (!line) throw new Error("a required setting is missing");
console.log(JSON.stringify(line));
