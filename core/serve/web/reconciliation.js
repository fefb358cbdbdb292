// Plan against as-run of a channel and a broadcast day, side by side; divergences as the server names them
// (contracts/reconcile.md). Asked for when the section is opened, another channel or day is chosen, or by hand.
const section = document.getElementById("reconciliation");
const channelChoice = document.getElementById("reconciliation-channel");
const dayChoice = document.getElementById("reconciliation-day");
const later = document.getElementById("reconciliation-later");
const verdict = document.getElementById("reconciliation-verdict");
const counts = document.getElementById("reconciliation-counts");
const blocks = document.getElementById("reconciliation-blocks");

const DAY_MS = 86400000;
const BY_DESIGN = "NOT_AIRED_BY_DESIGN";
const STATES = { aired: "aired", partly: "partly aired", not_aired: "not aired by design", missing: "missing",
  extra: "not planned" };
const IS_STATE = ["MISSING_BLOCK", "EXTRA_BLOCK"]; // says what the state would

let channels = [];
let today = ""; // the broadcast day of the chosen channel that is on now
let comparedUtcMs = 0;
let asked = 0; // answers to anything but the last question are dropped
const opened = new Map(); // what a hand opened or closed stays so

// --- words ------------------------------------------------------------------------------------------------------

const words = (name) => name.toLowerCase().replaceAll("_", " ");
const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

// A channel's day is told by the channel's own clock, as the sentences of its divergences are.
function clock(utcMs, seconds) {
  const timeZone = channels.find((each) => each.id === channelChoice.value)?.timezone;
  return new Date(utcMs).toLocaleTimeString([], { hour: "numeric", minute: "2-digit", timeZone,
    ...(seconds && { second: "2-digit" }) });
}

const span = (from, to, seconds) => `${clock(from, seconds)} – ${clock(to, seconds)}`;
const fileName = (uri) => (uri ? uri.split("/").pop() : "");

function lengthText(ms) {
  const tenths = Math.round(ms / 100);
  const rest = ((tenths % 600) / 10).toFixed(1).replace(/\.0$/, "");
  return tenths < 600 ? `${rest} s` : `${Math.floor(tenths / 600)} min${rest === "0" ? "" : ` ${rest} s`}`;
}

function make(tag, className, text, role) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  if (role) node.setAttribute("role", role);
  return node;
}

function put(parent, ...children) {
  parent.append(...children.filter(Boolean));
  return parent;
}

// --- divergences ------------------------------------------------------------------------------------------------

const faultText = (divergence) => (divergence.fault === "none" ? "no fault" : `${divergence.fault} fault`);

function pair(label, text) {
  return put(make("div"), make("dt", "", label), make("dd", "", text));
}

function divergenceItem(divergence) {
  const item = make("li", divergence.fails ? "divergence fails" : "divergence");
  put(item, put(make("p", "marks"), make("span", "class", words(divergence.class)),
    make("span", "fault", faultText(divergence))), make("p", "sentence", divergence.sentence));
  if (divergence.expected || divergence.found)
    put(item, put(make("dl"), pair("Planned", divergence.expected), pair("Aired", divergence.found)));
  return item;
}

function divergenceList(divergences) {
  return divergences.length === 0 ? null
    : put(make("ul", "divergences"), ...divergences.map(divergenceItem));
}

// --- segments ---------------------------------------------------------------------------------------------------

function foundText(found) {
  const line = make("span", found.status === "AIRED" ? "found good" : "found");
  put(line, make("span", "times", found.end_utc_ms ? span(found.start_utc_ms, found.end_utc_ms, true)
    : `since ${clock(found.start_utc_ms, true)}`), make("span", "status", words(found.status)));
  const stood = found.fallback_frames ? `${found.fallback_frames} of ${found.frames} frames stood in` : "";
  const why = [found.reason ? words(found.reason) : "", stood].filter(Boolean).join(" · ");
  return put(line, why && make("span", "why", why));
}

function plannedCell(segment) {
  const cell = make("td", "planned", "", "cell");
  if (!segment) return put(cell, make("span", "nothing", "nothing planned"));
  return put(cell, make("span", "times", clock(segment.start_utc_ms, true)),
    make("span", "what", segment.title || fileName(segment.asset_uri) || words(segment.type)),
    make("span", "why", `${words(segment.type)} · ${lengthText(segment.duration_ms)}`));
}

// Why there is nothing: only what nobody can have seen is calm.
function nothingText(row, segment, isMarked) {
  if (isMarked || row.state === "missing") return "nothing";
  return segment.start_utc_ms > comparedUtcMs ? "not yet" : "nobody watched";
}

function foundCell(row, segment, isMarked) {
  const cell = make("td", "aired", "", "cell");
  if (segment.found.length > 0) return put(cell, ...segment.found.map(foundText));
  return put(cell, make("span", "nothing", nothingText(row, segment, isMarked)));
}

function divergedRow(divergences) {
  if (divergences.length === 0) return null;
  const cell = make("td", "", "", "cell");
  cell.colSpan = 2;
  return put(make("tr", "diverged", "", "row"), put(cell, divergenceList(divergences)));
}

function unplannedRow(found) {
  const cell = make("td", "aired", "", "cell");
  put(cell, make("span", "what", found.title || fileName(found.asset_uri) || words(found.type)), foundText(found));
  return put(make("tr", "marked", "", "row"), plannedCell(null), cell);
}

function segmentTable(row, divergences) {
  const table = make("table", "", "", "table");
  table.setAttribute("aria-label", `Plan and as-run of ${row.title || row.block_id}`);
  const heads = ["Planned", "As run"].map((text) => make("th", "", text, "columnheader"));
  put(table, put(make("thead", "", "", "rowgroup"), put(make("tr", "", "", "row"), ...heads)));
  const lines = row.segments.map((segment) => {
    const own = divergences.filter((each) => each.segment_uuid === segment.segment_uuid);
    const line = put(make("tr", own.length > 0 ? "marked" : "", "", "row"), plannedCell(segment),
      foundCell(row, segment, own.length > 0));
    return { atUtcMs: segment.start_utc_ms, nodes: [line, divergedRow(own)] };
  });
  lines.push(...row.unplanned.map((found) => ({ atUtcMs: found.start_utc_ms, nodes: [unplannedRow(found)] })));
  lines.sort((one, two) => one.atUtcMs - two.atUtcMs);
  return put(table, put(make("tbody", "", "", "rowgroup"), ...lines.flatMap((line) => line.nodes)));
}

function fillBlock(body, row, divergences) {
  const uuids = new Set(row.segments.map((segment) => segment.segment_uuid));
  put(body, divergenceList(divergences.filter((each) => !uuids.has(each.segment_uuid))));
  if (row.segments.length + row.unplanned.length > 0) put(body, segmentTable(row, divergences));
}

// --- blocks -----------------------------------------------------------------------------------------------------

// What is inside is made when it is looked at: a day has a thousand segments.
function disclosure(key, isOpen, summary, fill) {
  const item = make("details");
  const body = make("div", "inside");
  const show = () => item.open && !body.hasChildNodes() && fill(body);
  item.dataset.key = key;
  item.open = opened.get(key) ?? isOpen;
  item.addEventListener("toggle", show);
  summary.addEventListener("click", () => opened.set(key, !item.open));
  put(item, summary, body);
  show();
  return put(make("li"), item);
}

const isOnAir = (row) => row.segments.some((segment) => segment.found.some((found) => !found.end_utc_ms)) &&
  row.start_utc_ms <= comparedUtcMs && row.end_utc_ms > comparedUtcMs;

function airedText(row) {
  const isOn = (airing) => airing === row.airings.at(-1) && isOnAir(row);
  const times = row.airings.map((airing) => (isOn(airing) ? `since ${clock(airing.start_utc_ms, true)}`
    : span(airing.start_utc_ms, airing.end_utc_ms, true)));
  return times.length > 2 ? `${times.length} times, last ${times.at(-1)}` : times.join(", ");
}

function blockMarks(row, divergences) {
  const marks = make("span", "marks");
  const state = isOnAir(row) ? "on the air" : STATES[row.state] || words(row.state);
  if (!divergences.some((each) => IS_STATE.includes(each.class))) put(marks, make("span", `state ${row.state}`, state));
  for (const name of new Set(divergences.map((each) => each.class))) {
    const of = divergences.filter((each) => each.class === name);
    const faults = [...new Set(of.map((each) => each.fault))].join(", ");
    put(marks, make("span", of[0].fails ? "class fails" : "class",
      `${of.length > 1 ? `${of.length} × ` : ""}${words(name)} · ${faults}`));
  }
  return marks;
}

function blockItem(row, divergences) {
  const summary = make("summary");
  const planned = row.state === "extra" ? clock(row.start_utc_ms) : span(row.start_utc_ms, row.end_utc_ms);
  put(summary, make("span", "times", planned), make("span", "what", row.title || row.block_id),
    make("span", "aired", airedText(row)), blockMarks(row, divergences));
  const hasFailed = divergences.some((each) => each.fails);
  return disclosure(row.block_id, hasFailed, summary, (body) => fillBlock(body, row, divergences));
}

function unwatchedItem(rows) {
  const summary = make("summary", "quiet");
  put(summary, make("span", "times", span(rows[0].start_utc_ms, rows.at(-1).end_utc_ms)),
    make("span", "what", `${plural(rows.length, "block")} not aired by design`), make("span", "aired", "nobody watched"));
  return disclosure(`unwatched ${rows[0].block_id}`, false, summary, (body) => put(body, put(make("ul", "planned-only"),
    ...rows.map((row) => put(make("li"), make("span", "times", span(row.start_utc_ms, row.end_utc_ms)),
      make("span", "what", row.title || row.block_id))))));
}

function blockItems(report) {
  const items = [];
  let unwatched = [];
  const flush = () => {
    if (unwatched.length > 0) items.push(unwatchedItem(unwatched));
    unwatched = [];
  };
  for (const row of report.rows) {
    const divergences = row.divergences.map((at) => report.divergences[at]).filter((each) => each.class !== BY_DESIGN);
    if (row.state === "not_aired" && divergences.length === 0) {
      unwatched.push(row);
    } else {
      flush();
      items.push(blockItem(row, divergences));
    }
  }
  flush();
  return items;
}

// --- the day ----------------------------------------------------------------------------------------------------

function tell(text, className) {
  verdict.textContent = text;
  verdict.className = className;
}

function drawCounts(report) {
  const told = Object.entries(report.counts).filter(([, n]) => n > 0);
  counts.replaceChildren(...told.map(([name, n]) => {
    const one = report.divergences.find((each) => each.class === name);
    return make("li", one?.fails ? "class fails" : name === BY_DESIGN ? "class quiet" : "class", `${n} × ${words(name)}`);
  }));
}

function drawReport(report) {
  comparedUtcMs = report.to_utc_ms;
  const failing = report.divergences.filter((each) => each.fails).length;
  const aired = report.blocks ? ` · ${report.aired} of ${plural(report.blocks, "block")} aired` : "";
  const soFar = report.day === today ? " so far" : "";
  if (report.result === "reconciled") tell(`Reconciled${soFar}${aired}`, "good");
  else tell(`${plural(failing, "divergence")}${soFar}${aired}`, "bad");
  drawCounts(report);
  if (report.rows) {
    blocks.replaceChildren(...blockItems(report));
  } else {
    const told = report.divergences.filter((each) => each.class !== BY_DESIGN);
    const note = make("li", "note", "The log of this day is not stored any more; this is what the comparison had found.");
    blocks.replaceChildren(note, ...told.map(divergenceItem));
  }
}

async function fetchReport(channel, day) {
  const query = day ? `?day=${encodeURIComponent(day)}` : "";
  const response = await fetch(`api/v1/channels/${encodeURIComponent(channel)}/reconciliation${query}`);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

async function load(day) {
  const ask = ++asked;
  const channel = channelChoice.value;
  if (!channel) return;
  tell("Comparing…", "");
  try {
    const report = await fetchReport(channel, day);
    if (ask !== asked) return;
    if (!day) today = dayChoice.max = report.day;
    dayChoice.value = report.day;
    drawReport(report);
  } catch (error) {
    if (ask !== asked) return;
    counts.replaceChildren();
    blocks.replaceChildren();
    tell(`Nothing to compare: ${error.message}`, "");
  }
  later.setAttribute("aria-disabled", String(!dayChoice.value || dayChoice.value >= today));
}

function step(days) {
  const at = Date.parse(dayChoice.value || today);
  if (Number.isNaN(at) || (days > 0 && dayChoice.value >= today)) return;
  dayChoice.value = new Date(at + days * DAY_MS).toISOString().slice(0, 10);
  load(dayChoice.value);
}

// The page tells which channels there are each time it has asked.
export function setChannels(all) {
  channels = all;
  section.hidden = all.length === 0;
  const known = [...channelChoice.options].map((option) => `${option.value} ${option.textContent}`);
  const options = all.map((each) => new Option(`${each.number}  ${each.name}`, each.id));
  if (known.join("\n") === options.map((option) => `${option.value} ${option.textContent}`).join("\n")) return;
  const before = channelChoice.value;
  channelChoice.replaceChildren(...options);
  if (all.some((each) => each.id === before)) channelChoice.value = before;
  else if (section.open) load("");
}

section.addEventListener("toggle", () => section.open && !dayChoice.value && load(""));
channelChoice.addEventListener("change", () => load(dayChoice.value === today ? "" : dayChoice.value));
dayChoice.addEventListener("change", () => dayChoice.value && load(dayChoice.value));
document.getElementById("reconciliation-earlier").addEventListener("click", () => step(-1));
later.addEventListener("click", () => step(1));
document.getElementById("reconciliation-again").addEventListener("click",
  () => load(dayChoice.value === today ? "" : dayChoice.value));
