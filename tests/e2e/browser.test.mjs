// browser: the bundle of phoenix.js as pages load it, in Chromium, with nodes that are restarted.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import http from "node:http";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";
import {test} from "node:test";

import {start_browser, without_browser} from "./lib/browser.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {free_ports} from "./lib/ports.mjs";
import {until} from "./lib/wait.mjs";

const bundle_dir = dirname(createRequire(import.meta.url).resolve("phoenix"));
const bundle = readFileSync(join(bundle_dir, "phoenix.min.js"));

// A site of its own, as an application has: the nodes serve nothing but the socket.
async function serve_site(group) {
  const port = await free_ports();
  const server = http.createServer((request, answer) => {
    if (request.url === "/phoenix.js") {
      answer.writeHead(200, {"content-type": "text/javascript"}).end(bundle);
    } else {
      answer.writeHead(200, {"content-type": "text/html"})
        .end("<!doctype html><title>room</title><script src=\"/phoenix.js\"></script>");
    }
  });
  group.add(() => server.close());
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return `http://127.0.0.1:${port}/`;
}

// What runs in the page.
function enter(url) {
  const socket = new globalThis.Phoenix.Socket(url);
  const room = socket.channel("room:page", {});
  Object.assign(globalThis, {room, heard: [], codes: [], joins: 0});
  socket.onClose(({code}) => globalThis.codes.push(code));
  room.on("said", (payload) => globalThis.heard.push(payload));
  room.join().receive("ok", () => ++globalThis.joins);
  socket.connect();
}

function say(payload) {
  return new Promise((resolve) => {
    globalThis.room.push("said", payload)
      .receive("ok", () => resolve("ok"))
      .receive("error", (answer) => resolve(JSON.stringify(answer)))
      .receive("timeout", () => resolve("timeout"));
  });
}

async function open_page(browser, site, node, troubles) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => troubles.push(error.message));
  await page.goto(site);
  await page.evaluate(enter, node.socket_url);
  await page.waitForFunction(() => globalThis.joins === 1, null, {timeout: 10000});
  return page;
}

async function all_hear_all(pages, round) {
  for (const page of pages) await page.evaluate(() => (globalThis.heard.length = 0));
  for (const [from, page] of pages.entries()) {
    assert.equal(await page.evaluate(say, {round, from}), "ok");
  }
  const expected = pages.map((_, from) => ({round, from}));
  for (const page of pages) {
    const heard = await until(`all is heard in round ${round}`, async () => {
      const all = await page.evaluate(() => globalThis.heard);
      return all.length >= pages.length && all;
    });
    assert.deepEqual(heard.sort((a, b) => a.from - b.from), expected);
  }
}

test("pages join again after a stop and after a sudden death of their node", without_browser,
  in_group(async (group) => {
    const first = await group.start();
    const second = await group.start({peers: [first]});
    await meshed([first, second]);
    const site = await serve_site(group);
    const browser = await start_browser(group);
    const troubles = [];
    const pages = [];
    for (const node of [first, second, second]) {
      pages.push(await open_page(browser, site, node, troubles));
    }
    const [, ...there] = pages;
    await all_hear_all(pages, "before");

    for (const [round, signal, code] of [[1, "SIGTERM", 1012], [2, "SIGKILL", 1006]]) {
      for (const page of there) await page.evaluate(() => (globalThis.codes.length = 0));
      await second.stop(signal);
      for (const page of there) {
        await page.waitForFunction(() => globalThis.codes.length > 0, null, {timeout: 10000});
      }
      await second.start();
      for (const page of there) {
        // phoenix.js waits two seconds at most after so short a while.
        const has_joined = (joins) => globalThis.joins === joins;
        await page.waitForFunction(has_joined, round + 1, {timeout: 10000});
        const codes = await page.evaluate(() => globalThis.codes);
        // What follows the first are its attempts while nobody listens.
        assert.deepEqual(codes, [code, ...codes.slice(1).fill(1006)]);
      }
      await meshed([first, second]);
      await all_hear_all(pages, signal);
    }
    assert.deepEqual(await pages[0].evaluate(() => globalThis.codes), [], "the other node's page");
    assert.deepEqual(troubles, []);
  }));
