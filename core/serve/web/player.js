// The modal player: hls.js where the browser has Media Source Extensions, its own HLS where it has that.

const dialog = document.getElementById("player");
const video = document.getElementById("video");
const message = document.getElementById("player-message");

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

function play() {
  video.play().catch(() => {
    video.muted = true; // browsers start sound only after a gesture
    video.play().catch(() => say("Press play"));
  });
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

video.addEventListener("playing", () => say(""));
video.addEventListener("waiting", () => say("Buffering…"));
dialog.addEventListener("close", () => {
  release();
  closed();
});
