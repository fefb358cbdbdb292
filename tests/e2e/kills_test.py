"""kill -9 of the engines and of the daemon, in turn, at any moment of their lives, while every channel is watched: faster
than time, by `retrovue burn-in --kills`, and in time. What is left is a record in which each event is once, in the
database and in both files, each session has one end, each segment that began has ended, each victim's end is told as
what it was, and each interruption is in its session's reconciliation; without anybody's help.

RETROVUE_TEST_KILLS: how many of each (3). RETROVUE_TEST_CHANNELS: on how many channels (2; 8 is the long run).
RETROVUE_TEST_MINUTES: after which no more are killed, however many have been (60). RETROVUE_TEST_SEED: when, and whom;
printed."""

import collections
import contextlib
import datetime
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import zoneinfo

import support

KILLS = int(os.environ.get("RETROVUE_TEST_KILLS", "3"))
CHANNELS = int(os.environ.get("RETROVUE_TEST_CHANNELS", "2"))
MINUTES = float(os.environ.get("RETROVUE_TEST_MINUTES", "60"))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
BLOCK_START, SEGMENT_START, SEGMENT_END, BLOCK_FENCE, TERMINATED = 2, 3, 4, 5, 6
TOLD_LATE = 0  # asrun.md: an end that core had told before
ID_COLUMN = 32  # of a text line
SETTLE_S = 120
ZONE = zoneinfo.ZoneInfo("America/New_York")  # of support.CHANNEL, whose day begins at six
SMALL = 'video: {width: 128, height: 72, frame_rate: "24/1", bitrate_kbps: 200}'


def channel_yaml(number):
    text = support.channel_yaml(f"c{number}", number, f"Channel {number}")
    return re.sub(r"video: \{.*\}", SMALL, text)


class Viewers:
    """One of every channel, on one thread; whoever is sent away comes again."""

    def __init__(self, daemon, idents):
        self._daemon, self._idents = daemon, idents
        self._sockets = {}  # socket -> ident
        self._leaving = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self, ident):
        with contextlib.suppress(OSError):
            viewer = socket.create_connection(("127.0.0.1", self._daemon.port), timeout=1)
            viewer.sendall(f"GET /channel/{ident}.ts HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            self._sockets[viewer] = ident

    def _read(self, viewer):
        data = b""
        with contextlib.suppress(OSError):
            data = viewer.recv(262_144)
        if not data:
            del self._sockets[viewer]
            viewer.close()

    def _run(self):
        retry = 0
        while not self._leaving:
            if time.monotonic() > retry:
                retry = time.monotonic() + 0.3
                for ident in set(self._idents) - set(self._sockets.values()):
                    self._open(ident)
            for viewer in select.select(list(self._sockets), [], [], 0.1)[0]:
                self._read(viewer)
        for viewer in self._sockets:
            viewer.close()

    def leave(self):
        self._leaving = True
        self._thread.join(support.START_S)


def session_of(engine):
    """The session that an engine keeps a record of, by the spool that it has open; None before there is one."""
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{engine}/fd"):
            with contextlib.suppress(OSError):
                found = re.search(r"/([0-9a-f-]{36})\.spool", os.readlink(f"/proc/{engine}/fd/{name}"))
                if found:
                    return found.group(1)
    return None


class Record:
    """The rows and the files of a data folder."""

    def __init__(self, data):
        self.data = data
        with contextlib.closing(sqlite3.connect(f"file:{data}/retrovue.db?mode=ro", uri=True)) as store:
            store.row_factory = sqlite3.Row
            self.rows = store.execute("SELECT * FROM asrun_event ORDER BY session_id, sequence").fetchall()
            self.reports = {row["subject"]: json.loads(row["document"]) for row in store.execute(
                "SELECT subject, document FROM reconciliation WHERE scope = 'session' ORDER BY id")}
        self.sessions = collections.defaultdict(list)
        for row in self.rows:
            self.sessions[row["session_id"]].append(row)
        self.told = [row for row in self.rows if row["kind"] != TOLD_LATE]

    def ends(self):
        """What each session's end is told to be: its row."""
        return {row["session_id"]: row for row in self.told if row["kind"] == TERMINATED}

    def lines(self, suffix):
        """(channel, day) -> lines."""
        found = {}
        for root, _, names in os.walk(os.path.join(self.data, "logs", "asrun")):
            for name in names:
                if name.endswith(suffix):
                    with open(os.path.join(root, name), encoding="utf-8") as file:
                        found[os.path.basename(root), name[:-len(suffix)]] = file.read().splitlines()
        return found

    def session_faults(self):
        for session, rows in self.sessions.items():
            sequences = [row["sequence"] for row in rows if row["sequence"] > 0]
            if sequences != list(range(1, len(sequences) + 1)):
                yield f"{session}: sequences {sequences}"
            ends = [row for row in rows if row["kind"] == TERMINATED]
            if len(ends) != 1:
                yield f"{session}: {len(ends)} ends"
            began = collections.Counter(row["segment_uuid"] for row in rows if row["kind"] == SEGMENT_START)
            ended = collections.Counter(row["segment_uuid"] for row in rows if row["kind"] == SEGMENT_END)
            shown = collections.Counter(row["segment_uuid"] for row in rows if row["kind"] == SEGMENT_END and
                                        row["status"] != 4)  # one that was skipped did not begin
            if began - ended or shown - began or any(count > 1 for count in (began | ended).values()):
                yield f"{session}: began {began}, ended {ended}"

    def day_faults(self):
        """The channel's own day, whatever core knew of the channel when it recorded that."""
        for row in self.told:
            event = json.loads(row["document"])
            at_ms = {BLOCK_FENCE: event.get("actual_end_utc_ms", 0) - 50, TERMINATED: event.get("utc_ms")}.get(
                row["kind"], event.get("actual_start_utc_ms"))
            local = datetime.datetime.fromtimestamp(at_ms / 1000, ZONE) - datetime.timedelta(hours=6)
            if row["broadcast_day"] != local.strftime("%Y-%m-%d"):
                yield f"{row['event_uuid']}: {row['kind']} at {at_ms} is of {row['broadcast_day']}"

    def reconciliation_faults(self):
        """Each interruption is told, and nothing else went wrong. (A session that was asked to end tells when by the
        engine's clock, which is not led, so that it seems to have been much longer.)"""
        for session, end in self.ends().items():
            report = self.reports.get(session)
            if end["reason"] == "stop_requested":
                continue
            if not report or report["counts"]["RUNTIME_RECOVERY"] == 0:
                yield f"{session}: ended by {end['reason']}, reconciled as {report and report['summary']}"
            if report and report["result"] != "reconciled":
                yield f"{session}: {report['summary']}: {report['divergences'][0]['sentence']}"

    def file_faults(self):
        rows = collections.defaultdict(list)
        for row in self.told:
            rows[row["channel_id"], row["broadcast_day"]].append(row)
        documents, texts = self.lines(".asrun.jsonl"), self.lines(".asrun")
        if set(documents) != set(rows):
            yield f"files {sorted(documents)}, rows of {sorted(rows)}"
        for place, expected in rows.items():
            told = [json.loads(line)["event_uuid"] for line in documents.get(place, [])]
            if sorted(told) != sorted(row["event_uuid"] for row in expected):
                yield f"{place}: {len(told)} documents, {len(set(told))} different, for {len(expected)} rows"
            names = collections.Counter()
            for row in expected:
                if row["kind"] in (BLOCK_START, BLOCK_FENCE):
                    names[row["block_id"][:ID_COLUMN]] += 1
                elif row["kind"] in (SEGMENT_END, TERMINATED):
                    names[row["event_id" if row["kind"] == SEGMENT_END else "session_id"][:ID_COLUMN]] += 1
            lines = collections.Counter(line.split()[4] for line in texts.get(place, []) if not line.startswith("#"))
            if lines != names:
                yield f"{place}: lines {lines - names} too many, {names - lines} missing"


class Kills(support.Case):
    def setUp(self):
        super().setUp()
        print(f"seed {SEED}, {KILLS} kills, {CHANNELS} channels", flush=True)
        self.chance = random.Random(SEED)
        self.idents = [f"c{number}" for number in range(1, CHANNELS + 1)]
        self.files = {f"c{number}.yaml": channel_yaml(number) for number in range(1, CHANNELS + 1)}
        self.victims = set()  # sessions whose engine was killed
        self.bereaved = set()  # sessions whose core was killed

    def test_the_record_survives_faster_than_time(self):
        work, channels = os.path.join(self.folder, "work"), os.path.join(self.folder, "channels")
        os.mkdir(channels)
        for name, text in self.files.items():
            with open(os.path.join(channels, name), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run(
            [support.RETROVUE, "burn-in", "--compressed", "--hours", "0.1", "--kills", str(KILLS), "--media",
             support.LIBRARY, "--channels-dir", channels, "--work", work, "--air", support.AIR, "--web", support.WEB,
             "--seed", str(SEED % (1 << 31))], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, "\n".join(
            line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("  injected")))
        self.assertEqual([name for _, _, names in os.walk(os.path.join(work, "data", "spool")) for name in names], [])
        record = self.reconciled(os.path.join(work, "data"))
        self.tell(record)
        self.refuse([*record.session_faults(), *record.file_faults(), *record.day_faults(),
                     *record.reconciliation_faults()])
        self.assertGreater(sum(end["reason"] != "stop_requested" for end in record.ends().values()), KILLS / 2)

    def reconciled(self, data):
        """What ended just before core did is judged after its next start."""
        daemon = self.daemon(start=False, channels=self.files)
        shutil.rmtree(daemon.data)
        shutil.move(data, daemon.data)
        daemon.start()
        support.wait_for("reconciliations", lambda: (record := Record(daemon.data)).reports.keys() >=
                         record.sessions.keys() and record, 10 * SETTLE_S, every=1)
        self.assertEqual(daemon.end(), 0)
        return Record(daemon.data)

    def tell(self, record):
        reasons = collections.Counter(row["reason"] for row in record.ends().values())
        late = [row for row in record.rows if row["kind"] == TOLD_LATE]
        print(f"{len(record.rows)} events of {len(record.sessions)} sessions; ends {dict(reasons)}; {len(late)} told "
              "late", flush=True)

    def refuse(self, faults):
        self.assertEqual(len(faults), 0, "\n".join(faults[:30]))

    def any_moment(self, daemon):
        """Mostly in the midst of things, now and then while they begin."""
        if self.chance.random() < 0.75:
            wanted = self.chance.randint(1, max(2, CHANNELS // 3))
            support.wait_for("engines that have a record", lambda: len(
                [engine for engine in self.engines(daemon) if session_of(engine)]) >= wanted, SETTLE_S)
        time.sleep(min(self.chance.expovariate(1.5), 5))  # polls for nothing: any moment is drawn

    def engines(self, daemon):
        return [engine for engine in daemon.engines() if os.path.exists(f"/proc/{engine}/fd")]

    def kill_engine(self, daemon):
        engines = support.wait_for("an engine", lambda: self.engines(daemon))
        engine = self.chance.choice(engines)
        session = session_of(engine)
        with contextlib.suppress(ProcessLookupError):
            os.kill(engine, signal.SIGKILL)
            if session:
                self.victims.add(session)

    def kill_core(self, daemon):
        self.bereaved |= {session_of(engine) for engine in self.engines(daemon)} - {None}
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.process.wait()
        daemon.process.stdout.close()
        daemon.start()

    def rest(self, daemon, viewers):
        """Everything goes on for a while, then everybody leaves and every engine ends."""
        support.wait_for("every channel on the air", lambda: all(
            channel["state"] == "live" for channel in daemon.api("channels")["channels"]), SETTLE_S)
        time.sleep(1)  # polls for nothing: goes on for a while
        viewers.leave()
        support.wait_for("end of the engines", lambda: not daemon.engines(), SETTLE_S)

    def spools(self, daemon):
        return [name for _, _, names in os.walk(os.path.join(daemon.data, "spool")) for name in names]

    def is_settled(self, daemon):
        record = Record(daemon.data)
        return not self.spools(daemon) and set(record.ends()) == set(record.sessions)

    def test_the_record_survives(self):
        daemon = self.daemon(channels=self.files, shift_ms=support.shift_to(100_000))
        viewers = Viewers(daemon, self.idents)
        begun = time.monotonic()
        for kill in range(KILLS):
            self.any_moment(daemon)
            (self.kill_core if kill % 2 else self.kill_engine)(daemon)
            if kill % 20 == 19:
                print(f"{kill + 1} kills, {time.monotonic() - begun:.0f} s", flush=True)
            if time.monotonic() - begun > MINUTES * 60:
                print(f"time is over after {kill + 1} kills", flush=True)
                break
        self.rest(daemon, viewers)
        settled = True
        try:
            support.wait_for("settled record", lambda: self.is_settled(daemon), SETTLE_S, every=1)
        except AssertionError:
            settled = False
        self.judge(Record(daemon.data), settled, daemon)
        # Engines have ended long ago; an examiner of files that a killed core had begun may be at its file still.
        self.assertEqual(daemon.end(), 0)
        support.wait_for("end of the examiners", lambda: not support.processes(daemon.mark))

    def judge(self, record, settled, daemon):
        faults = [*record.session_faults(), *record.file_faults(), *record.day_faults()]
        if not settled:
            faults.append(f"not settled: {self.spools(daemon)}, "
                          f"{sorted(set(record.sessions) - set(record.ends()))}")
        ends = record.ends()
        for session in self.victims & set(record.sessions):
            if session in ends and ends[session]["sequence"] > 0 and ends[session]["reason"] == "stop_requested":
                faults.append(f"{session}: killed, told as {ends[session]['document']}")
        for session in self.bereaved - self.victims:
            told = ends[session]["document"] if session in ends else "{}"
            asked = json.loads(told).get("detail") == "signal"  # to end, by its core, before that was killed
            if session in ends and not asked and ends[session]["reason"] not in ("core_lost", "CHANNEL_TERMINATED"):
                faults.append(f"{session}: its core was killed, told as {told}")
        self.tell(record)
        print(f"{len(self.victims - set(record.sessions))} victims that had said nothing", flush=True)
        self.refuse(faults)


if __name__ == "__main__":
    support.main()
