// wait: conditions with a deadline instead of sleeps of a fixed time.
import {setTimeout as pause} from "node:timers/promises";
import {inspect} from "node:util";

const look_again_ms = 15;

// Calls `check` until it returns something true, and returns that. What it returned last, or
// threw last, is part of the error when the deadline comes first.
export async function until(what, check, within_ms = 5000) {
  const start = performance.now();
  for (;;) {
    let seen;
    try {
      seen = await check();
      if (seen) return seen;
    } catch (error) {
      seen = error.message;
    }
    if (performance.now() - start > within_ms) {
      const last = typeof seen === "string" ? seen : inspect(seen, {depth: 4, breakLength: 100});
      throw new Error(`gave up after ${within_ms} ms waiting until ${what}; last seen: ${last}`);
    }
    await pause(look_again_ms);
  }
}

// The promise's value, or an error that names what was waited for.
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up after ${ms} ms waiting for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
