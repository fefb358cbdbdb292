// Plays a ladder in Chromium by the library that the page plays with: `node ladder.mjs URL CHANNEL`. Throws where a
// change from one step to the other is not what a viewer may see: another size of the same programme, at the same time.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const WAIT_MS = 60000;
const [url, channel] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"],
});

// In the page: a player beside the page's own. It keeps what it was told.
function begin(source) {
  const video = document.body.appendChild(document.createElement("video"));
  const hls = new window.Hls({ liveSyncDurationCount: 3, autoStartLoad: false });
  const ladder = { video, hls, fatal: [], levels: [] };
  window.ladder = ladder;
  video.muted = true;
  hls.on(window.Hls.Events.ERROR, (event, data) => data.fatal && ladder.fatal.push(data.details));
  hls.on(window.Hls.Events.MANIFEST_PARSED, (event, data) => {
    ladder.levels = data.levels.map((level) => level.width);
    hls.nextLevel = 0;
    hls.startLoad();
    video.play();
  });
  hls.loadSource(source);
  hls.attachMedia(video);
}

// Where the programme is, by the dates of the playlist, and how large its pictures are.
function look() {
  const { video, hls, fatal, levels } = window.ladder;
  return { width: video.videoWidth, time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames,
    date: hls.playingDate ? hls.playingDate.getTime() : null, error: video.error && video.error.message, fatal, levels };
}

try {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.Hls);
  await page.evaluate(begin, `${url}channel/${channel}/master.m3u8`);

  // Until pictures of that width are shown and go on; never a clock that jumps, nor one that is not the programme's.
  // A segment is a second; the library places one to some frames, by its first picture or sound.
  async function plays(width) {
    const deadline = Date.now() + WAIT_MS;
    let before = null, shown = null;
    for (;;) {
      const now = await page.evaluate(look);
      assert.deepEqual([now.error, now.fatal], [null, []]);
      if (before && before.date !== null && now.date !== null) {
        const drift = now.date - before.date - (now.time - before.time) * 1000;
        assert.ok(Math.abs(drift) < 250, `the programme moved by ${drift} ms more than the clock`);
      }
      before = now;
      if (now.width === width && now.frames > 0) shown = shown ?? now;
      if (shown && now.time > shown.time + 1.5 && now.frames > shown.frames + 20) return now;
      assert.ok(Date.now() < deadline, `no pictures ${width} wide, but ${JSON.stringify(now)}`);
      await new Promise((resolve) => setTimeout(resolve, 100)); // polls
    }
  }

  const [low, high] = [160, 320];
  await plays(low);
  assert.deepEqual((await page.evaluate(look)).levels, [low, high]);
  for (const [level, width] of [[1, high], [0, low]]) {
    await page.evaluate((next) => { window.ladder.hls.nextLevel = next; }, level);
    await plays(width);
  }
} finally {
  await browser.close();
}
