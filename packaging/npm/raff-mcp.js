#!/usr/bin/env node
// Starts the program of this platform's package. The program inherits the standard
// streams, so it sees the end of its input itself; signals and its exit code are passed on.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

const main = "@rafftechnologies/raff-mcp";

function fail(text) {
  process.stderr.write(`raff-mcp: ${text}\n`);
  process.exit(1);
}

function findProgram() {
  // The program for macOS is universal.
  const platform = process.platform === "darwin" ? "darwin" : `${process.platform}-${process.arch}`;
  const name = process.platform === "win32" ? "raff-mcp.exe" : "raff-mcp";
  const dependency = `${main}-${platform}`;
  if (!(dependency in require("../package.json").optionalDependencies)) {
    fail(`there is no program for ${process.platform} on ${process.arch}. Build raff-mcp from its source.`);
  }
  try {
    return require.resolve(`${dependency}/bin/${name}`);
  } catch {
    fail(`the package ${dependency} is not installed. Install ${main} again, without --omit=optional.`);
  }
}

const program = findProgram();
let child;

// On Windows, the console sends its events to the child as well, and child.kill would
// end it without the chance to finish its calls.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (child && process.platform !== "win32") child.kill(signal);
  });
}

child = spawn(program, process.argv.slice(2), { stdio: "inherit", windowsHide: true });
child.on("error", (err) => fail(`${program} cannot be started (${err.code}). Install ${main} again.`));
child.on("exit", (code, signal) => {
  process.exit(signal ? 128 + os.constants.signals[signal] : code);
});
