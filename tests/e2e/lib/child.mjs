// child: programs that the tests start, and that never outlive them.
//
// Whatever is started here is ended by its own process id: by the test that started it, or, should
// that test die, when this process exits.
import {spawn} from "node:child_process";
import {accessSync, constants, readFileSync} from "node:fs";
import {delimiter, join} from "node:path";

import {until, within} from "./wait.mjs";

const alive = new Set();

process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

// The tests say themselves what a program sees: nothing of the caller's ROOST_ variables.
function environment(more) {
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("ROOST_"));
  return {...Object.fromEntries(inherited), ...more};
}

export class Child {
  out = "";
  err = "";

  constructor(program, args, {env = {}, input = "", cwd} = {}) {
    this.command = [program, ...args].join(" ");
    this.process = spawn(program, args, {env: environment(env), cwd});
    this.process.stdin.on("error", () => {});  // It may end before it has read everything.
    if (input !== null) this.process.stdin.end(input);  // With null it stays open, for write().
    this.process.stdout.setEncoding("utf8").on("data", (text) => (this.out += text));
    this.process.stderr.setEncoding("utf8").on("data", (text) => (this.err += text));
    alive.add(this.process);
    this.ended = new Promise((resolve) => {
      this.process.on("error", (error) => {
        alive.delete(this.process);
        this.err += error.message;
        resolve({code: null, signal: null, error});
      });
      this.process.on("close", (code, signal) => {
        alive.delete(this.process);
        resolve({code, signal, out: this.out, err: this.err});
      });
    });
  }

  get pid() {
    return this.process.pid;
  }

  get is_running() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  get lines() {
    return this.out.split("\n").slice(0, -1);
  }

  write(text) {
    this.process.stdin.write(text);
  }

  signal(name) {
    this.process.kill(name);
  }

  // How it ended by itself: code, signal, out, err.
  async end(ms = 10000) {
    return within(ms, `the end of: ${this.command}\n${this.err}`, this.ended);
  }

  async kill() {
    if (this.is_running) this.signal("SIGKILL");
    return this.end();
  }
}

// Halts a program until SIGCONT. A signal is only on its way when it has been sent.
export async function stand_still(child) {
  child.signal("SIGSTOP");
  await until("it stands still", () => {
    return readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].startsWith("T");
  });
}

// Runs a program to its end.
export async function run(program, args, options = {}) {
  const child = new Child(program, args, options);
  try {
    return await child.end(options.within_ms);
  } finally {
    await child.kill();
  }
}

// The full path of an installed program, or null.
export function find_program(name, more_places = ["/usr/sbin", "/sbin"]) {
  for (const place of [...(process.env.PATH ?? "").split(delimiter), ...more_places]) {
    try {
      accessSync(join(place, name), constants.X_OK);
      return join(place, name);
    } catch {
      // Not here.
    }
  }
  return null;
}
