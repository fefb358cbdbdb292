"""What a channel's stream tells of itself: service, programmes and time by DVB's tables, breaks and programmes by SCTE 35;
through a real engine, by readers of the test's own."""

import datetime
import json
import random
import subprocess

import replayed
import scte35
import support
import truth
import ts

HOUSES = [(30_000, 1001), (25, 1)]
SPOTS = ("commercial", "promo", "psa", "trailer", "filler")
MIN_NOTICE = 4 * ts.TICKS
STYLE = {"channel_name": "Täverne 1", "service_id": 4711, "splices": True}
# Kinds and lengths of segments, a block a row. The first break is joined in its midst; one goes over the edge of blocks;
# one is too short for a notice of its end; a bumper stands at an edge and one in the middle.
PLAN = [
    [("promo", 5130), ("pad", 470), ("bumper", 1000), ("content", 9000), ("station_id", 700), ("commercial", 6000),
     ("pad", 333), ("bumper", 500), ("commercial", 2000), ("pad", 250)],
    [("trailer", 1500), ("content", 8000), ("psa", 1111), ("content", 7000)],
    [("content", 4000), ("pad", 900), ("content", 11_000), ("filler", 7000)],
]


def text_of(field):
    """A text as EN 300 468 codes it: the mark of UTF-8, or the Latin table, whose beginning is ASCII."""
    return field[1:].decode() if field[:1] == b"\x15" else field.decode("ascii")


def utc_of(field):
    """40 bits: Modified Julian Date and time in BCD, as milliseconds."""
    day = datetime.datetime(1858, 11, 17, tzinfo=datetime.timezone.utc) + datetime.timedelta(int.from_bytes(field[:2], "big"))
    return int(day.timestamp() * 1000) + seconds_of(field[2:]) * 1000


def seconds_of(field):
    hours, minutes, seconds = (int(f"{byte:02x}") for byte in field)
    return hours * 3600 + minutes * 60 + seconds


class Event:
    """Of an EIT section with at most one."""

    def __init__(self, section):
        self.section_number, self.version = section[6], section[5] >> 1 & 31
        event = section[14:-4]
        self.title = None
        if event:
            self.event_id = event[0] << 8 | event[1]
            self.start_utc_ms, self.seconds = utc_of(event[2:7]), seconds_of(event[7:10])
            self.running = event[10] >> 5
            assert event[12] == 0x4D
            self.title = text_of(event[18:18 + event[17]])


class Signals(support.Case):
    def setUp(self):
        super().setUp()
        known = replayed.known_clips()
        self.known = {path: material for path, (material, _) in known.items()}

    def play(self, house):
        chance = random.Random(7)
        paths = sorted(self.known)
        rows = [[replayed.segment(chance, f"{row}/{n}", None if kind == "pad" else paths[(row * 7 + n) % len(paths)], ms,
                                  type=kind) for n, (kind, ms) in enumerate(kinds)] for row, kinds in enumerate(PLAN)]
        at_ms, blocks = replayed.blocks_of(sum(rows, []), 99)[0]["start_utc_ms"], []
        for number, row in enumerate(rows):
            end_ms = at_ms + sum(each["duration_ms"] for each in row)
            blocks.append({"block_id": f"block-{number}", "title": f"Programme ß{number}", "start_utc_ms": at_ms,
                           "end_utc_ms": end_ms, "segments": row})
            at_ms = end_ms
        self.blocks = blocks
        return replayed.Replayed(self.folder, blocks, house, self.known, style=STYLE)

    def breaks(self, played):
        """(first tick, tick after the last), from the turns of the plan."""
        found, run = [], None
        kinds = [kind for row in PLAN for kind, _ in row]
        for kind, turn in zip(kinds, played.session.turns):
            if kind == "content":
                run = None
            elif kind in SPOTS:
                if run is None:
                    found.append(None)
                run = (run[0] if run else turn.first, turn.end)
                found[-1] = run
                growing = True
            elif kind != "pad":
                growing = False
            elif run and growing:
                found[-1] = run = (run[0], turn.end)
        return found

    def test_real_engine(self):
        for house in HOUSES:
            with self.subTest(house=house):
                played = self.play(house)
                self.assertFalse(played.faults(lambda turn: False))
                self.check_service(played)
                self.check_events(played)
                self.check_clock(played)
                self.check_breaks(played)
                self.check_programmes(played)

    def check_service(self, played):
        self.assertEqual(played.stream.service_id, STYLE["service_id"])
        told = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_programs", played.path],
                              stdout=subprocess.PIPE, check=True, timeout=60).stdout
        programme = json.loads(told)["programs"][0]
        self.assertEqual(programme["program_num"], STYLE["service_id"])
        self.assertEqual(programme["tags"], {"service_name": STYLE["channel_name"], "service_provider": "RetroVue"})
        self.check_gaps(played, [at for at, _ in played.stream.sections[ts.SDT]])

    def check_gaps(self, played, pictures):
        """EN 300 468: no more than two seconds between them."""
        edges = [0] + pictures + [len(played.stream.pictures) - 1]
        self.assertLessEqual(max(b - a for a, b in zip(edges, edges[1:])), 2 * played.rate)

    def check_events(self, played):
        events = [(at, Event(section)) for at, section in played.stream.sections[ts.EIT]]
        fences = [turn.first for turn in played.session.turns if turn.event_id.endswith("/0")] + [played.end]
        versions = []
        for place in (0, 1):
            self.check_gaps(played, [at for at, event in events if event.section_number == place])
        for at, event in events:
            number = sum(at >= fence for fence in fences) - 1 + event.section_number
            block = self.blocks[number] if number < len(self.blocks) else {"title": None}
            self.assertEqual(event.title, block["title"], at)
            if event.title:
                self.assertEqual(event.start_utc_ms, block["start_utc_ms"] // 1000 * 1000)
                self.assertEqual(event.seconds, block["end_utc_ms"] // 1000 - block["start_utc_ms"] // 1000)
                self.assertEqual(event.running, 1 if event.section_number else 4)
            versions.append((event.version, number - event.section_number))
        # Behind the very first picture of each, and another version each time.
        told = [at for at, event in events if event.section_number == 0]
        self.assertLessEqual(set(fences[:-1]), set(told))
        self.assertEqual(len(set(versions)), len({version for version, _ in versions}))

    def check_clock(self, played):
        clocks = played.stream.sections[ts.TDT]
        self.check_gaps(played, [at for at, _ in clocks])
        for at, section in clocks:
            utc_ms = self.blocks[0]["start_utc_ms"] + int(at * 1000 / played.rate)
            self.assertEqual(utc_of(section[3:8]), utc_ms // 1000 * 1000, at)

    def messages(self, played):
        pid = played.stream.splice_pid
        return [(at, scte35.Message(section)) for at, section in played.stream.sections[pid]]

    def idr_at(self, played, pts):
        pictures = [picture for picture in played.stream.pictures if picture.pts == pts]
        return len(pictures) == 1 and pictures[0].idr

    def check_breaks(self, played):
        pts = played.stream.video
        told = {}
        for at, message in self.messages(played):
            if message.command == 5:
                told.setdefault(message.event_id, []).append((at, message))
        breaks = self.breaks(played)
        self.assertEqual(len(told), len(breaks))
        for (first, end), messages in zip(breaks, told.values()):
            outs = [one for one in messages if one[1].out]
            returns = [one for one in messages if not one[1].out]
            self.assertTrue(outs and returns, (first, end))
            self.check_splice(played, outs, first, pts[end] - pts[max(first, outs[0][0])])
            self.check_splice(played, returns, end, None)
            self.assertTrue(all(at >= first for at, _ in returns), "a return is told before its break")

    def check_splice(self, played, messages, tick, duration):
        pts = played.stream.video
        for at, message in messages:
            self.assertEqual(message.duration, duration)
            self.assertEqual(message.auto_return, True if message.out else None)
            if tick == 0:
                self.assertIsNone(message.pts)
                self.assertEqual(at, 0)
            else:
                self.assertEqual(message.pts, pts[tick])
                self.assertTrue(self.idr_at(played, message.pts), tick)
        self.assertEqual(len({message.section for _, message in messages}), 1)
        # Told in time, but where time was too short: at the very beginning, and of breaks that end soon.
        first_at = messages[0][0]
        if tick >= 4 * played.rate and (messages[0][1].out or tick - self.begin_of(played, tick) >= 5 * played.rate):
            self.assertGreaterEqual(pts[tick] - pts[first_at], MIN_NOTICE)

    def begin_of(self, played, end):
        return next(first for first, other in self.breaks(played) if other == end)

    def check_programmes(self, played):
        """Both ends of each, named alike; nothing is known of what comes after the last."""
        pts = played.stream.video
        fences = [turn.first for turn in played.session.turns if turn.event_id.endswith("/0")] + [played.end]
        seen = {}
        for _, message in self.messages(played):
            if message.command == 6:
                (event_id, kind, duration), = message.segments
                seen.setdefault((event_id, kind), set()).add((message.pts, duration))
        starts = {event: value for (event, kind), value in seen.items() if kind == 0x10}
        ends = {event: value for (event, kind), value in seen.items() if kind == 0x11}
        self.assertEqual(list(starts), list(ends)[:len(starts)])
        for number, (event, told) in enumerate(starts.items()):
            at = pts[fences[number]] if number else None
            self.assertEqual(told, {(at, pts[fences[number + 1]] - pts[fences[number]])})
            self.assertEqual({when for when, _ in ends[event]}, {pts[fences[number + 1]]})


if __name__ == "__main__":
    support.main()
