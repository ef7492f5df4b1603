// browser: Chromium, without a window.
import {chromium} from "playwright-core";

import {find_program} from "./child.mjs";

const browser_path = process.env.CHROMIUM ?? find_program("chromium");

// For the options of a test.
export const without_browser = {skip: browser_path ? false : "chromium is not installed"};

export async function start_browser(group) {
  const browser = await chromium.launch({
    executablePath: browser_path, args: ["--no-sandbox", "--disable-gpu"]});
  group.add(() => browser.close());
  return browser;
}
