// Drives Chromium over the page of a running daemon: `node page.mjs URL SHOTS`. Throws where the page does not do what
// it should. What must be there by the time it is looked for is waited for, at most WAIT_MS. SHOTS is a folder.
import assert from "node:assert/strict";
import path from "node:path";
import { chromium } from "playwright-core";
import { alert, divergedDay } from "./page_reconciliation.mjs";

const WAIT_MS = 90000;
const [url, shots] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"],
});

async function openPage(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.setDefaultTimeout(WAIT_MS);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => !request.url().startsWith(url) && !request.url().startsWith("blob:") &&
    faults.push(`leaves the server: ${request.url()}`));
  await page.goto(url);
  await page.waitForSelector(".channel .programme:not(:empty)");
  return { page, faults };
}

const shot = (page, name) => page.screenshot({ path: path.join(shots, `${name}.png`) });
const channels = async () => (await (await fetch(`${url}api/v1/channels`)).json()).channels;
async function sequences(id) {
  const text = await (await fetch(`${url}channel/${id}/live.m3u8`)).text();
  const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)[1]);
  return { first, last: first + text.match(/#EXTINF/g).length - 1 };
}
const channel = async (id) => (await channels()).find((each) => each.id === id);

async function eventually(what, condition) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100)); // polls
  }
}

// Pictures are decoded and shown: the clock of the video advances and frames are counted.
async function assertPlays(page) {
  const look = () => page.evaluate(() => {
    const video = document.getElementById("video");
    const quality = video.getVideoPlaybackQuality();
    return { time: video.currentTime, frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames,
      width: video.videoWidth, error: video.error && video.error.message };
  });
  const first = await eventually("picture", async () => {
    const now = await look();
    return now.frames > 0 && now.width > 0 && now;
  });
  await eventually("advance of the video", async () => {
    const now = await look();
    assert.equal(now.error, null);
    return now.time > first.time + 2 && now.frames > first.frames + 30;
  });
}

const playing = (page) => page.evaluate(() => document.getElementById("player-message").hidden);
const isOpen = (page) => page.evaluate(() => document.getElementById("player").open);
const focused = (page) => page.evaluate(() => document.activeElement.closest("li")?.dataset.id ?? document.activeElement.id);

// Nothing is wider than the screen, and what is tapped is large enough for a thumb.
async function assertFits(page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than the screen`);
  const small = await page.evaluate(() => [...document.querySelectorAll("button, select, input, summary")].filter((button) => {
    const box = button.getBoundingClientRect();
    return box.width > 0 && (box.height < 36 || box.width < 36);
  }).map((button) => button.id || button.className));
  assert.deepEqual(small, [], "buttons too small to tap");
}

const verdict = (page) => page.locator("#reconciliation-verdict");

// The day before is one with a divergence of most kinds: what the API would say of it is said by the test.
async function showDivergedDay(page) {
  await page.route("**/reconciliation?day=*", (route) => route.fulfill({ json: divergedDay() }));
  await page.locator("#reconciliation > summary").press("Enter");
  await verdict(page).getByText("Reconciled so far").waitFor();
  await page.locator("#reconciliation-earlier").press("Enter");
  await verdict(page).getByText("divergences").waitFor();
}

const scenarios = {
  async watching() {
    const { page, faults } = await openPage({ viewport: { width: 1280, height: 720 } });
    const listed = await channels();
    assert.deepEqual(await page.locator(".channel .title").allTextContents(), listed.map((each) => each.name));
    for (const [i, each] of listed.entries()) {
      const row = page.locator(".channel").nth(i);
      assert.equal(await row.locator(".number").textContent(), String(each.number));
      assert.equal(await row.locator(".programme").textContent(), each.now.title);
      assert.ok((await row.locator(".next").textContent()).includes(each.next.title));
    }
    await assertFits(page);
    await shot(page, "list");
    await page.locator(".channel").first().click();
    await assertPlays(page);
    assert.ok(await eventually("end of the waiting message", () => playing(page)));
    assert.ok((await page.locator("#player-title").textContent()).startsWith(String(listed[0].number)));
    await shot(page, "player");
    await eventually("viewer", async () => (await channel(listed[0].id)).viewers === 1);
    await page.keyboard.press("Escape");
    assert.equal(await isOpen(page), false);
    assert.equal(await focused(page), listed[0].id, "the focus comes back");
    await eventually("leaving", async () => (await channel(listed[0].id)).viewers === 0);
    assert.deepEqual(faults, []);
  },

  async keyboard() {
    const { page, faults } = await openPage({ viewport: { width: 1280, height: 720 } });
    const listed = await channels();
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(page), listed[0].id);
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(page), listed[1].id);
    await shot(page, "focus");
    await page.keyboard.press("Enter");
    await assertPlays(page);
    assert.ok((await page.locator("#player-title").textContent()).startsWith(String(listed[1].number)));
    await page.keyboard.press("PageUp");
    await eventually("next channel", async () =>
      (await page.locator("#player-title").textContent()).startsWith(String(listed[2 % listed.length].number)));
    await assertPlays(page);
    await page.keyboard.press("Escape");
    assert.equal(await isOpen(page), false);
    // The browser gives it back to the channel that was opened; the page, told of the closing, to the one watched last.
    await eventually("focus on the channel watched last", async () =>
      (await focused(page)) === listed[2 % listed.length].id);
    assert.deepEqual(faults, []);
  },

  // The machine slept for longer than the playlist is long: what is on now is on again without a hand on anything.
  async sleeping() {
    const { page } = await openPage({ viewport: { width: 1280, height: 720 } });
    const [{ id }] = await channels();
    await page.locator(".channel").first().click();
    await assertPlays(page);
    await page.context().setOffline(true);
    const known = await sequences(id);
    await eventually("playlist that has moved on", async () => (await sequences(id)).first > known.last + 3);
    await page.context().setOffline(false);
    let before = Infinity;
    await eventually("picture after the sleep", async () => {
      const last = before;
      before = await page.evaluate(() => document.getElementById("video").currentTime);
      return before > last;
    });
    assert.ok(await eventually("end of the waiting message", () => playing(page)));
    await page.keyboard.press("Escape");
  },

  // Of the real day, what was watched above; keys only.
  async reconciliation() {
    const { page, faults } = await openPage({ viewport: { width: 1280, height: 720 } });
    const [, second] = await channels();
    await page.locator("#reconciliation > summary").press("Enter");
    await verdict(page).getByText("Reconciled so far").waitFor();
    const today = await page.locator("#reconciliation-day").inputValue();
    await page.locator("#reconciliation-channel").focus();
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.locator("#reconciliation-channel").inputValue(), second.id, "arrows are the choice's");
    await verdict(page).getByText("Reconciled so far").waitFor();
    const block = page.locator("#reconciliation-blocks summary:not(.quiet)").last();
    await block.press("Enter");
    const table = page.locator("#reconciliation-blocks details[open]").getByRole("table").first();
    await table.waitFor();
    assert.deepEqual(await table.getByRole("columnheader").allTextContents(), ["Planned", "As run"]);
    const real = await (await fetch(`${url}api/v1/channels/${second.id}/reconciliation`)).json();
    assert.equal(real.day, today);
    assert.ok((await table.locator(".found").count()) >= 1, "something aired");
    await page.locator("#reconciliation-later").press("Enter");
    assert.equal(await page.locator("#reconciliation-day").inputValue(), today, "there is no tomorrow yet");
    await assertFits(page);
    await page.locator("#reconciliation").scrollIntoViewIfNeeded();
    await shot(page, "reconciliation-today");
    assert.deepEqual(faults, []);
  },

  async divergences() {
    const { page, faults } = await openPage({ viewport: { width: 1280, height: 720 }, colorScheme: "light" });
    await page.route("**/api/v1/alerts", (route) => route.fulfill({ json: { alerts: [alert] } }));
    await showDivergedDay(page);
    assert.match(await verdict(page).textContent(), /^3 divergences · 4 of 9 blocks aired$/);
    assert.deepEqual((await page.locator("#reconciliation-counts li").allTextContents()).sort(), ["1 × missing block",
      "1 × phantom segment", "1 × runtime recovery", "1 × segment sequence mismatch", "4 × not aired by design"]);
    const items = page.locator("#reconciliation-blocks > li");
    assert.equal(await items.count(), 6, "unwatched time is one line");
    assert.match(await items.first().locator("summary").innerText(), /4 blocks not aired by design/);
    const open = page.locator("#reconciliation-blocks details[open]");
    await page.locator("#reconciliation-blocks .divergence").nth(2).waitFor();
    assert.equal(await open.count(), 2, "what failed is open");
    const lines = await open.first().locator(".divergence").allInnerTexts();
    assert.match(lines[0], /phantom segment\s+runtime fault\s+08:42:00.000: a segment aired/);
    assert.match(lines[1], /segment sequence mismatch\s+runtime fault\s+08:42:00.000: a planned segment is missing/);
    const aired = await open.first().locator("td.aired").allTextContents();
    [/aired$/, /^nothing$/, /^Tonight at Nine/, /aired$/].forEach((what, i) => assert.match(aired[i], what, "by time"));
    assert.match(await open.nth(1).locator(".divergence").innerText(), /missing block\s+planning fault/);
    assert.equal(await page.locator("#reconciliation b").count(), 0, "titles are text");
    await page.locator("#notice .cure").getByText(alert.cure).waitFor();
    assert.match(await page.locator("#notice .code").textContent(), /reconcile.diverged · runtime/);
    await assertFits(page);
    await page.screenshot({ path: path.join(shots, "reconciliation-light.png"), fullPage: true });
    await page.emulateMedia({ colorScheme: "dark" });
    await open.first().scrollIntoViewIfNeeded();
    await shot(page, "reconciliation-dark");
    await page.unroute("**/reconciliation?day=*");
    await page.route("**/reconciliation?day=*", (route) => route.fulfill({ json: { ...divergedDay(), rows: undefined } }));
    await page.locator("#reconciliation-earlier").press("Enter");
    await page.locator("#reconciliation-blocks .note").waitFor();
    assert.equal(await page.locator("#reconciliation-blocks > .divergence").count(), 4, "what was kept is told");
    assert.deepEqual(faults, []);
  },

  async phone() {
    const { page, faults } = await openPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true,
      deviceScaleFactor: 2 });
    await assertFits(page);
    await shot(page, "phone-list");
    await page.locator(".channel").first().tap();
    await assertPlays(page);
    await assertFits(page);
    const box = await page.locator("#video").boundingBox();
    assert.ok(box.width >= 380, "the picture fills the width");
    await shot(page, "phone-player");
    await page.locator("#close").tap();
    assert.equal(await isOpen(page), false);
    await showDivergedDay(page);
    await assertFits(page);
    await page.screenshot({ path: path.join(shots, "phone-reconciliation.png"), fullPage: true });
    assert.deepEqual(faults, []);
  },
};

try {
  for (const [name, scenario] of Object.entries(scenarios)) {
    await scenario();
    console.log(`${name} ok`);
  }
} finally {
  await browser.close();
}
