// A broadcast day with what the page has to tell apart, as `/api/v1/channels/<id>/reconciliation` answers.
const MINUTE_MS = 60000;
const START_MS = Date.UTC(2026, 10, 21, 11); // 06:00 in New York

function segment(block, at, type, title, offsetMs, durationMs, found) {
  const start = block.start_utc_ms + offsetMs;
  const aired = found && { session_id: "s1", start_utc_ms: start, end_utc_ms: start + durationMs, status: "AIRED", reason: null,
    type, title, frames: Math.round(durationMs * 0.03), fallback_frames: 0, asset_uri: `/media/${title}.mkv`, ...found };
  return { segment_uuid: `${block.block_id}-${at}`, type, title, asset_uri: `/media/${title}.mkv`, start_utc_ms: start,
    duration_ms: durationMs, found: aired ? [aired] : [] };
}

function makeBlock(at, state, title, founds) {
  const start = START_MS + at * 30 * MINUTE_MS;
  const block = { block_id: `b${at}`, state, title, start_utc_ms: start, end_utc_ms: start + 30 * MINUTE_MS, airings: [],
    unplanned: [], divergences: [] };
  if (founds.some(Boolean))
    block.airings.push({ session_id: "s1", start_utc_ms: start, end_utc_ms: block.end_utc_ms, to_its_end: true });
  block.segments = [
    segment(block, 0, "content", title, 0, 12 * MINUTE_MS, founds[0]),
    segment(block, 1, "commercial", "Acme Toothpaste", 12 * MINUTE_MS, 30000, founds[1]),
    segment(block, 2, "content", title, 12.5 * MINUTE_MS, 17.5 * MINUTE_MS, founds[2]),
  ];
  return block;
}

const NAMES = {
  SEGMENT_SEQUENCE_MISMATCH: ["runtime", true], BLOCK_TIME_MISMATCH: ["runtime", true], MISSING_BLOCK: ["planning", true],
  PHANTOM_SEGMENT: ["runtime", true], RUNTIME_RECOVERY: ["runtime", false], NOT_AIRED_BY_DESIGN: ["none", false],
};

export function divergedDay() {
  const all = [{}, {}, {}];
  const rows = [
    ...[0, 1, 2, 3].map((at) => makeBlock(at, "not_aired", `Morning Film ${at + 1}`, [null, null, null])),
    makeBlock(4, "aired", "Signal House", all),
    makeBlock(5, "aired", "Harbour Watch", [{}, null, {}]),
    makeBlock(6, "aired", "<b>Midnight</b> Matinee with a long title that no phone has room for",
      [{}, {}, { status: "SHORT", reason: "DECODE_ERROR", fallback_frames: 214 }]),
    makeBlock(7, "missing", "The Late Film", [null, null, null]),
    makeBlock(8, "aired", "Signal House", all),
  ];
  rows[5].unplanned.push({ session_id: "s1", start_utc_ms: rows[5].start_utc_ms + 12 * MINUTE_MS, end_utc_ms:
    rows[5].start_utc_ms + 12.5 * MINUTE_MS, status: "AIRED", reason: null, type: "promo", title: "Tonight at Nine", frames: 900,
    fallback_frames: 0, asset_uri: "/media/promo.mkv" });
  const divergences = [];
  const diverge = (row, name, uuid, expected, found, sentence) => {
    const [fault, fails] = NAMES[name];
    row.divergences.push(divergences.length);
    divergences.push({ class: name, fault, fails, session_id: "s1", block_id: row.block_id, block_utc_ms: row.start_utc_ms,
      segment_uuid: uuid, at_utc_ms: row.start_utc_ms, expected, found, sentence });
  };
  rows.slice(0, 4).forEach((row) => diverge(row, "NOT_AIRED_BY_DESIGN", null, "", "", "06:00:00.000: nobody watched"));
  diverge(rows[5], "SEGMENT_SEQUENCE_MISMATCH", rows[5].segments[1].segment_uuid, "commercial \"Acme Toothpaste\"", "nothing",
    "08:42:00.000: a planned segment is missing");
  diverge(rows[5], "PHANTOM_SEGMENT", "p1", "nothing", "promo \"Tonight at Nine\"",
    "08:42:00.000: a segment aired that the block does not plan");
  diverge(rows[6], "RUNTIME_RECOVERY", rows[6].segments[2].segment_uuid, "1050 frames of its own",
    "DECODE_ERROR, 214 of 31500 frames are not its own", "09:12:30.000: held pictures stood in for what could not be decoded");
  diverge(rows[7], "MISSING_BLOCK", null, "The Late Film (b7)", "nothing", "09:30:00.000: the block was locked after its start");
  const counts = {};
  divergences.forEach((each) => { counts[each.class] = (counts[each.class] ?? 0) + 1; });
  return { channel: "one", day: "2026-11-21", result: "diverged", summary: "", from_utc_ms: START_MS,
    to_utc_ms: START_MS + 24 * 60 * MINUTE_MS, blocks: rows.length, aired: 4, counts, divergences, rows };
}

export const alert = { severity: "error", code: "reconcile.diverged", class: "runtime", file: null, line: 0, column: 0,
  message: "channel one: 2026-11-21 did not air as planned", cure: "`retrovue reconcile --channel one --day 2026-11-21` names it." };
