// The modal player: hls.js where the browser has Media Source Extensions, its own HLS where it has that.

const dialog = document.getElementById("player");
const screen = document.getElementById("screen");
const video = document.getElementById("video");
const message = document.getElementById("player-message");
const mute = document.getElementById("mute");
const unmute = document.getElementById("unmute");

const BEHIND_LIVE_S = 20; // further behind than this after a pause: back to what is on now
const STUCK_UPDATES = 5; // so many new playlists without a new picture: the library has lost its place

let hls = null;
let closed = () => {};

function say(text) {
  message.textContent = text;
  message.hidden = text === "";
}

function release() {
  if (hls) hls.destroy();
  hls = null;
  video.removeAttribute("src");
  video.load();
}

// Browsers start sound only after a gesture: then the picture comes first, and sound with the first tap.
async function play() {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return;
    video.muted = true;
    unmute.hidden = false;
    await video.play().catch(() => say("Press play"));
  }
}

// Live television goes on: whatever breaks, try again until the viewer leaves.
function onError(event, data) {
  if (!data.fatal) return;
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
    hls.recoverMediaError();
    return;
  }
  const source = hls.url;
  say("No signal, trying again…");
  setTimeout(() => {
    if (hls && hls.url === source) {
      hls.loadSource(source);
      hls.startLoad();
    }
  }, 1000);
}

// After a sleep the playlist has moved on, and the library waits for what will not come again: tune in anew.
function watchForStandstill(player) {
  let shown = -1;
  let updates = 0;
  player.on(Hls.Events.LEVEL_UPDATED, () => {
    updates = video.paused || video.currentTime !== shown ? 0 : updates + 1;
    shown = video.currentTime;
    if (updates < STUCK_UPDATES) return;
    updates = 0;
    player.loadSource(player.url);
  });
}

function loadWithLibrary(url) {
  hls = new Hls({
    liveSyncDurationCount: 3,
    manifestLoadPolicy: {
      default: {
        maxTimeToFirstByteMs: 15000, // a cold channel answers with its first picture
        maxLoadTimeMs: 20000,
        timeoutRetry: { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 },
        errorRetry: { maxNumRetry: 8, retryDelayMs: 500, maxRetryDelayMs: 4000 },
      },
    },
  });
  hls.on(Hls.Events.ERROR, onError);
  hls.on(Hls.Events.MANIFEST_PARSED, play);
  watchForStandstill(hls);
  hls.loadSource(url);
  hls.attachMedia(video);
}

function tune(url) {
  release();
  say("Tuning…");
  if (window.Hls && Hls.isSupported()) {
    loadWithLibrary(url);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = url;
    play();
  } else {
    say("This browser cannot play HLS");
  }
}

export function openPlayer(url, onClose) {
  closed = onClose;
  if (!dialog.open) dialog.showModal();
  tune(url);
}

export function closePlayer() {
  dialog.close();
}

export function toggleMute() {
  video.muted = !video.muted;
}

export function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (screen.requestFullscreen) screen.requestFullscreen().catch(() => {});
  else if (video.webkitEnterFullscreen) video.webkitEnterFullscreen(); // iPhones have it for videos alone
}

video.addEventListener("playing", () => say(""));
video.addEventListener("waiting", () => say("Buffering…"));
video.addEventListener("volumechange", () => {
  mute.setAttribute("aria-pressed", String(video.muted));
  if (!video.muted) unmute.hidden = true;
});
video.addEventListener("play", () => {
  const live = hls && hls.liveSyncPosition;
  if (live && live - video.currentTime > BEHIND_LIVE_S) video.currentTime = live;
});
// Paused by a headset or a locked phone: a tap goes on.
video.addEventListener("click", () => video.paused && play());
video.addEventListener("dblclick", toggleFullscreen);
mute.addEventListener("click", toggleMute);
unmute.addEventListener("click", toggleMute);
document.getElementById("fullscreen").addEventListener("click", toggleFullscreen);
dialog.addEventListener("close", () => {
  unmute.hidden = true;
  release();
  closed();
});
