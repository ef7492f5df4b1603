// page: the page of --try-page in a real browser, on two nodes.
import assert from "node:assert/strict";
import {test} from "node:test";

import {start_browser, without_browser} from "./lib/browser.mjs";
import {in_group, meshed} from "./lib/node.mjs";

async function open_page(browser, node, troubles) {
  const page = await browser.newPage();
  page.setDefaultTimeout(10000);
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) troubles.push(message.text());
  });
  await page.goto(`${node.url}/`);
  await page.locator("#status", {hasText: /^joined$/}).waitFor();
  return page;
}

async function say(page, text) {
  await page.fill("input#text", text);
  await page.press("input#text", "Enter");
}

async function hears(page, text) {
  await page.locator("#messages").getByText(text).waitFor();
}

test("what is typed in one node's page is seen in the other's", without_browser,
  in_group(async (group) => {
    const first = await group.start({flags: ["--try-page"]});
    const second = await group.start({flags: ["--try-page"], peers: [first]});
    await meshed([first, second]);
    const browser = await start_browser(group);
    const troubles = [];
    const here = await open_page(browser, first, troubles);
    const there = await open_page(browser, second, troubles);

    await say(here, "hello from the first");
    await hears(there, "hello from the first");
    await hears(here, "hello from the first");
    await say(there, "<b>and</b> \"back\" & again");
    await hears(here, "<b>and</b> \"back\" & again");
    assert.equal(await here.locator("#messages b").count(), 0, "text is text, not markup");
    assert.equal(await here.inputValue("input#text"), "", "the field is empty after sending");

    await second.stop();
    await there.locator("#status").filter({hasNotText: /^joined$/}).waitFor();
    await second.start();
    troubles.length = 0;  // The browser reports the refused connections in between.
    await there.locator("#status", {hasText: /^joined$/}).waitFor({timeout: 15000});
    await meshed([first, second]);
    await say(here, "welcome back");
    await hears(there, "welcome back");
    assert.deepEqual(troubles, []);
  }));
