// Preloaded into mcpb, which writes the current time into bundles: with it, two bundles of
// a commit are identical, and anybody can compare theirs with the released one.
"use strict";

const seconds = Number(process.env.SOURCE_DATE_EPOCH);
if (!Number.isInteger(seconds) || seconds <= 0) throw new Error("SOURCE_DATE_EPOCH must be set");

const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length > 0 ? args : [seconds * 1000]));
  }
};
