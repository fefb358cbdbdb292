// Drives Chromium over the page of a running daemon: `node page.mjs URL SHOTS`. Throws where the page does not do what
// it should. What must be there by the time it is looked for is waited for, at most WAIT_MS. SHOTS is a folder.
import assert from "node:assert/strict";
import path from "node:path";
import { chromium } from "playwright-core";

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
  const small = await page.evaluate(() => [...document.querySelectorAll("button")].filter((button) => {
    const box = button.getBoundingClientRect();
    return box.width > 0 && (box.height < 36 || box.width < 36);
  }).map((button) => button.id || button.className));
  assert.deepEqual(small, [], "buttons too small to tap");
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
