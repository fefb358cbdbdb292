"""What the benches of one engine share: bench_play, which drives it as core does, and what its log says."""

import json
import os
import subprocess

import rig

RATE = "30000/1001"
PREPARED_MS = -2000  # the session begins in two seconds: its first source is open by then
HOUSES = {"480p": "854x480", "720p": "1280x720", "1080p": "1920x1080"}


class Play:
    """One engine at work. end() waits for it and says what it took, or ends the bench when it did not get there."""

    def __init__(self, options, house, seconds, preroll_ms, segments, stream=None):
        self.program = os.path.join(options.build, "tests", "bench", "bench_play")
        if not os.path.exists(self.program):
            rig.fail(f"{self.program} is not there: see tests/bench/README.md for how to build it, or --build DIR")
        self.limit_s = 60 + 1.2 * seconds
        environment = {**os.environ, "RETROVUE_LOG_FORMAT": "json"}
        if stream:
            environment["RETROVUE_BENCH_STREAM"] = stream
        self.process = subprocess.Popen([self.program, f"{house}@{RATE}", str(seconds), str(preroll_ms), *segments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=lambda: rig.take_place(options.nice))

    def end(self):
        try:
            said, log = self.process.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:  # pictures are missing, so their number is never reached
            self.process.kill()
            said, log = self.process.communicate()
        found = next((json.loads(line) for line in said.splitlines() if line.startswith("{")), None)
        if self.process.returncode != 0 or not found:
            rig.fail("bench_play did not get there:\n" + log[-2000:])
        for line in log.splitlines():
            if '"producer.failed"' in line:  # black costs nothing and comes at once
                rig.fail(f"the engine could not play what is measured: {line}")
            if '"session.lateness"' in line:
                found["lateness"] = json.loads(line)
        return found


def play(options, house, seconds, preroll_ms, segments, stream=None):
    return Play(options, house, seconds, preroll_ms, segments, stream).end()


def film(options, house):
    """The made library's only file, of the house's own size; absolute, for the engine runs elsewhere."""
    width, height = map(int, HOUSES[house].split("x"))
    library = options.media or rig.make_library(options.cache, width, height, 125)
    return str(rig.only_file(library).resolve())


def segment(path, offset_s, duration_s):
    return f"{path}@{round(offset_s * 1000)}+{round(duration_s * 1000)}"


def verdict(value, bar):
    return "met" if value <= bar else "MISSED"
