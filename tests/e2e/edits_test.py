"""Operators edit channel files while people watch, in every way that editors save: no viewer notices, what is good is in
force at once, what is bad is told, and told no more when it is mended. RETROVUE_TEST_EDITS_S=600 for longer."""

import os
import random
import tempfile
import threading
import time

import support

SECONDS = int(os.environ.get("RETROVUE_TEST_EDITS_S", "40"))
SEED = int(os.environ.get("RETROVUE_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
BAD = ("channel: [\n", "", "channel: one\ntimezone: Nowhere/Land\n", "schedul: {}\n", "a: &a [*a, *a]\n", "\0\1\2",
       "channel: one\ntimezone: UTC\nschedule: {all_day: [{block: {start: \"06:07\", duration: 24h, pool: no}}]}\n")
BAD_PART = ("signal: [\n", "signal: {match: {tipe: episode}}\n", "\0")
PARTS = ("signal:\n  match: {type: episode, series_title: Signal}\n",
         "# the same\nsignal:\n  match: {type: episode, series_title: [Signal]}\n")
DEFAULTS = tuple(f"traffic: {{max_plays_per_day: {n}}}\n" for n in range(5))


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def rename_over(path, data, _pause):
    put(path + ".tmp", data)
    os.replace(path + ".tmp", path)


def in_place(path, data, _pause):
    put(path, data)


def in_pieces(path, data, pause):
    with open(path, "wb", buffering=0) as file:
        file.write(data[:len(data) // 2])
        pause()
        file.write(data[len(data) // 2:])


def as_vim(path, data, pause):
    folder, name = os.path.split(path)
    probe, swap = os.path.join(folder, "4913"), os.path.join(folder, f".{name}.swp")
    put(probe, b"")
    os.unlink(probe)
    put(swap, data)
    os.rename(path, path + "~")
    pause()
    put(path, data)
    os.unlink(path + "~")
    os.unlink(swap)


def anew(path, data, pause):
    os.unlink(path)
    pause()
    put(path, data)


def hidden_meanwhile(path, data, pause):
    mode = os.stat(path).st_mode
    os.chmod(path, 0)
    pause()
    os.chmod(path, mode)
    put(path, data)


SAVES = (rename_over, in_place, in_pieces, as_vim, anew, hidden_meanwhile)


class Watched:
    """Whether both channels are listed, whenever somebody asks."""

    def __init__(self, daemon):
        self.faults, self._daemon, self._leaving = [], daemon, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._leaving.wait(0.1):
            channels = {channel["id"]: channel for channel in self._daemon.api("channels")["channels"]}
            if set(channels) != {"one", "two"}:
                self.faults.append(f"channels: {sorted(channels)}")
            for channel in channels.values():
                if channel["horizon"]["execution_short_ms"] or channel["now"] is None:
                    self.faults.append(f"{channel['id']}: {channel['horizon']}")

    def leave(self):
        self._leaving.set()
        self._thread.join(support.START_S)


class Edits(support.Case):
    def setUp(self):
        super().setUp()
        print(f"RETROVUE_TEST_SEED={SEED}", flush=True)
        self.random = random.Random(SEED)
        self.number = 0
        self.daemon_ = self.daemon(start=False, channels={"one.yaml": self.channel("one"), "two.yaml": self.channel("two"),
                                                          "_defaults.yaml": DEFAULTS[0]})
        os.mkdir(os.path.join(self.daemon_.channels, "shared"))
        put(self.path("shared/pools.yaml"), PARTS[0].encode())
        self.daemon_.start()

    def path(self, name):
        return os.path.join(self.daemon_.channels, name)

    def channel(self, ident):
        """Another version of the file each time; its number is in the channel's name."""
        self.number += 1
        text = support.channel_yaml(ident, 1 if ident == "one" else 2, f"Version {self.number}")
        start = text.index("pools:")
        return text[:start] + "pools: !include shared/pools.yaml\n" + text[text.index("traffic:"):]

    def pause(self):
        time.sleep(self.random.choice((0, 0.02, 0.3, 0.8)))  # polls for nothing: the moment is what is tested

    def save(self, name, text):
        self.random.choice(SAVES)(self.path(name), text.encode(), self.pause)

    def alerts(self):
        return [f"{alert['file']}: {alert['message']}" for alert in self.daemon_.api("alerts")["alerts"]]

    def edit_channel(self):
        ident = self.random.choice(("one", "two"))
        text = self.channel(ident)
        name = f"Version {self.number}"
        if self.random.random() < 0.4:
            self.save(f"{ident}.yaml", self.random.choice(BAD))
            support.wait_for("an alert", lambda: any(f"{ident}.yaml" in alert for alert in self.alerts()))
        self.save(f"{ident}.yaml", text)
        support.wait_for(f"{name} of {ident}", lambda: self.daemon_.channel(ident)["name"] == name)

    def edit_shared(self):
        name, good, bad = self.random.choice((("shared/pools.yaml", PARTS, BAD_PART),
                                              ("_defaults.yaml", DEFAULTS, ("traffic: [\n", "trafic: {}\n"))))
        if self.random.random() < 0.5:
            self.save(name, self.random.choice(bad))
            os.utime(self.path("one.yaml"))  # as who edits both does; a file below is seen within a minute else
            support.wait_for("an alert", lambda: any(os.path.basename(name) in alert for alert in self.alerts()))
        self.save(name, self.random.choice(good))
        os.utime(self.path("one.yaml"))

    def test_edits_are_taken_up_and_nobody_notices(self):
        daemon = self.daemon_
        raw, hls, watched = support.RawViewer(daemon), support.HlsViewer(daemon, "/channel/two/live.m3u8"), None
        raw.wait_bytes(100_000)
        hls.wait_segments(1)
        watched = Watched(daemon)
        until, edits = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            self.random.choice((self.edit_channel, self.edit_channel, self.edit_shared))()
            support.wait_for("no alert", lambda: not self.alerts())
            edits += 1
        raw.wait_bytes(100_000)
        hls.wait_segments(1)
        watched.leave()
        for ident in ("one", "two"):
            channel = daemon.channel(ident)
            self.assertEqual((channel["state"], channel["starts"], channel["crashes"]), ("live", 1, 0), ident)
        self.assertEqual(watched.faults, [])
        self.assertEqual(hls.faults, [])
        self.assertEqual(hls.discontinuities, set())
        self.assertEqual([segment.sequence for segment in hls.segments],
                         list(range(hls.segments[0].sequence, hls.segments[0].sequence + len(hls.segments))))
        self.assertFalse(raw.ended)
        gaps = [later - before for (before, _), (later, _) in zip(raw.arrivals, raw.arrivals[1:])]
        print(f"{edits} edits, {len(daemon.events('horizon.recompiled'))} plans made anew, "
              f"longest pause of the stream {max(gaps):.2f} s", flush=True)
        hls.leave()
        raw.leave()
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".ts") as file:
            file.write(raw.data[-20_000_000 // 188 * 188:])
            file.flush()
            self.assertNotIn("status", support.decode_faults(file.name, 300))


if __name__ == "__main__":
    support.main()
