// The channel list: now, next, progress; a click opens the player.
import { openPlayer, closePlayer, toggleFullscreen, toggleMute } from "./player.js";
import { setChannels } from "./reconciliation.js";

const REFRESH_MS = 5000;
const ALERTS_MOST = 3;
const list = document.getElementById("channels");
const row = document.getElementById("channel-row");
const notice = document.getElementById("notice");
const empty = document.getElementById("empty");

let channels = [];
let watching = null; // id of the channel in the player
let skewMs = 0; // the server's clock minus ours

const now = () => Date.now() + skewMs;
const hour = (ms) => new Date(ms).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
const words = (...parts) => parts.filter((part) => part).join(" · ");

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

// --- words ------------------------------------------------------------------------------------------------------

function episode(programme) {
  const number = programme.season && programme.episode ? `S${programme.season} E${programme.episode}` : "";
  return words(number, programme.subtitle, programme.year);
}

const span = (programme) => `${hour(programme.start_utc_ms)} – ${hour(programme.end_utc_ms)}`;

function stateText(channel) {
  if (channel.fault) return channel.fault;
  if (channel.state === "live" || channel.state === "linger")
    return channel.viewers === 1 ? "1 viewer" : `${channel.viewers} viewers`;
  return channel.state === "off" ? "" : channel.state;
}

function progress(programme) {
  const length = programme.end_utc_ms - programme.start_utc_ms;
  return Math.min(100, Math.max(0, (100 * (now() - programme.start_utc_ms)) / length));
}

// --- rows -------------------------------------------------------------------------------------------------------

function makeRow(channel) {
  const item = row.content.firstElementChild.cloneNode(true);
  item.dataset.id = channel.id;
  item.querySelector("button").addEventListener("click", () => watch(channel.id));
  item.querySelector(".logo").src = channel.logo;
  return item;
}

function setText(item, selector, text) {
  const node = item.querySelector(selector);
  if (node.textContent !== text) node.textContent = text;
  return node;
}

function fillNow(item, programme) {
  setText(item, ".programme", programme ? programme.title : "Nothing planned");
  setText(item, ".detail", programme ? words(span(programme), episode(programme)) : "");
  const percent = programme ? progress(programme) : 0;
  item.querySelector(".fill").style.width = `${percent}%`;
  item.querySelector(".bar").setAttribute("aria-valuenow", String(Math.round(percent)));
}

function fillRow(item, channel) {
  setText(item, ".number", String(channel.number));
  setText(item, ".title", channel.name);
  const state = setText(item, ".state", stateText(channel));
  state.className = `state ${channel.fault ? "bad" : channel.state === "live" ? "live" : ""}`;
  fillNow(item, channel.now);
  setText(item, ".when", channel.next ? `Next ${hour(channel.next.start_utc_ms)}` : "");
  setText(item, ".what", channel.next ? channel.next.title : "");
  const label = channel.now ? `, now ${channel.now.title}` : "";
  item.querySelector("button").setAttribute("aria-label", `Channel ${channel.number}, ${channel.name}${label}`);
}

function drawList() {
  const rows = new Map([...list.children].map((item) => [item.dataset.id, item]));
  channels.forEach((channel, i) => {
    const item = rows.get(channel.id) || makeRow(channel);
    rows.delete(channel.id);
    fillRow(item, channel);
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] || null);
  });
  rows.forEach((item) => item.remove());
}

// --- player -----------------------------------------------------------------------------------------------------

function drawCaption() {
  const channel = channels.find((c) => c.id === watching);
  if (!channel) return;
  const { now: current, next } = channel;
  document.getElementById("player-title").textContent = `${channel.number}  ${current ? current.title : channel.name}`;
  document.getElementById("player-now").textContent = current
    ? words(channel.name, span(current), episode(current)) : "";
  document.getElementById("player-fill").style.width = `${current ? progress(current) : 0}%`;
  document.getElementById("player-next").textContent = next
    ? `Next ${hour(next.start_utc_ms)} · ${words(next.title, episode(next))}` : "";
}

function watch(id) {
  watching = id;
  const channel = channels.find((c) => c.id === id);
  openPlayer(channel.streams.hls, () => {
    const item = [...list.children].find((each) => each.dataset.id === watching);
    watching = null;
    if (item) item.querySelector("button").focus();
  });
  drawCaption();
}

function zap(step) {
  const at = channels.findIndex((c) => c.id === watching);
  if (at >= 0) watch(channels[(at + step + channels.length) % channels.length].id);
}

function moveFocus(step) {
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const to = at < 0 ? 0 : Math.min(buttons.length - 1, Math.max(0, at + step));
  if (buttons[to]) buttons[to].focus();
}

document.getElementById("channel-up").addEventListener("click", () => zap(1));
document.getElementById("channel-down").addEventListener("click", () => zap(-1));
document.getElementById("close").addEventListener("click", closePlayer);

const playerKeys = {
  PageUp: () => zap(1), PageDown: () => zap(-1), ChannelUp: () => zap(1), ChannelDown: () => zap(-1),
  m: toggleMute, f: toggleFullscreen,
};
const listKeys = { ArrowDown: () => moveFocus(1), ArrowUp: () => moveFocus(-1) };

document.addEventListener("keydown", (event) => {
  const act = (watching ? playerKeys : listKeys)[event.key];
  const isElsewhere = !watching && document.activeElement?.closest("#reconciliation"); // choices have arrows of their own
  if (!act || isElsewhere || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  act();
});

// --- notices ----------------------------------------------------------------------------------------------------

// What is told already is left alone: screen readers would read it again.
function showNotice(lines, bad) {
  const told = JSON.stringify([lines, bad]);
  if (notice.dataset.told === told) return;
  notice.dataset.told = told;
  notice.replaceChildren(...lines.map((line) => {
    const item = document.createElement("div");
    for (const [name, text] of Object.entries(line).filter((entry) => entry[1])) {
      const part = item.appendChild(document.createElement("p"));
      part.className = name;
      part.textContent = text;
    }
    return item;
  }));
  notice.className = bad ? "bad" : "";
  notice.hidden = lines.length === 0;
}

function alertLine(alert) {
  const where = alert.file ? `${alert.file.split("/").pop()}:${alert.line}:${alert.column}: ` : "";
  return { message: where + alert.message, cure: alert.cure, code: words(alert.code, alert.class) };
}

function scanText(scan) {
  const done = scan.measured + scan.unchanged + scan.refused;
  return scan.done ? "" : `Looking through the library: ${done} of ${scan.found} files`;
}

async function refreshNotices() {
  const [alerts, scan] = await Promise.allSettled([fetchJson("api/v1/alerts"), fetchJson("api/v1/catalog/progress")]);
  const faults = alerts.status === "fulfilled" ? alerts.value.alerts.filter((a) => a.severity === "error") : [];
  if (faults.length > 0) {
    const rest = faults.length - ALERTS_MOST;
    showNotice([...faults.slice(0, ALERTS_MOST).map(alertLine),
      ...(rest > 0 ? [{ message: `and ${rest} more` }] : [])], true);
  } else {
    const text = scan.status === "fulfilled" ? scanText(scan.value) : "";
    showNotice(text ? [{ message: text }] : [], false);
  }
}

// --- life -------------------------------------------------------------------------------------------------------

async function refresh() {
  try {
    const answer = await fetchJson("api/v1/channels");
    channels = answer.channels;
    skewMs = answer.generated_utc_ms - Date.now();
    setChannels(channels);
    empty.hidden = channels.length > 0;
    empty.textContent = "No channel is planned yet. They appear here by themselves.";
    await refreshNotices();
  } catch (error) {
    showNotice([{ message: "The server does not answer. Trying again…" }], true);
  }
  drawList();
  drawCaption();
}

function drawClock() {
  document.getElementById("clock").textContent = hour(now());
  [...list.children].forEach((item, i) => channels[i] && fillNow(item, channels[i].now));
}

drawClock();
refresh();
setInterval(refresh, REFRESH_MS);
setInterval(drawClock, 1000);
