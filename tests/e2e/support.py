"""What the end-to-end tests share: a daemon of their own, requests, viewers, and what the kernel knows of processes.

Every daemon gets a data folder below a temporary one, any free port, and a mark in its environment that all its
children inherit: what is left of it is found by that mark, whatever its name."""

import calendar
import collections
import contextlib
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

RETROVUE = os.environ["RV_CORE"]
AIR = os.environ["RV_AIR"]
WEB = os.environ["RV_WEB"]
MEDIA = os.environ["RV_E2E_MEDIA"]
BARCODE_READ = os.environ["RV_BARCODE_READ"]
CLOCK_SHIFT = os.environ["RV_CLOCK_SHIFT"]
LIBRARY = os.path.join(MEDIA, "library")
SLOT_MS = 300_000  # grid_minutes of the channel file
START_S = 60  # for anything that has to come up; what is measured is told, not judged by the clock
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:)")

CHANNEL = """\
channel: {id}
channel_number: {number}
name: {name}
timezone: America/New_York
format:
  video: {{width: 320, height: 180, frame_rate: "30000/1001", bitrate_kbps: 900}}
  audio: {{sample_rate: 48000, channels: 2, bitrate_kbps: 96}}
  grid_minutes: 5
pools:
  signal:
    match: {{type: episode, series_title: Signal}}
traffic:
  allowed_types: [commercial, promo]
  breaks: {{per_half_hour: 15, min_act_sec: 5, min_break_sec: 2}}
schedule:
  all_day:
    - block: {{start: "06:00", end: "06:00", title: Signal, pool: signal, mode: sequential}}
"""


def channel_yaml(ident="one", number=1, name="One"):
    return CHANNEL.format(id=ident, number=number, name=name)


def wait_for(what, condition, seconds=START_S, every=0.05):
    """The first true value of condition(), which is asked until then."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(every)  # polls


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def fetch(port, path, headers=None, method="GET", timeout=START_S):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


# --- processes ---------------------------------------------------------------------------------------------------


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def processes(mark):
    """pid -> name of every living process that carries the mark."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if mark.encode() in read(f"/proc/{pid}/environ"):
            found[int(pid)] = read(f"/proc/{pid}/comm").decode().strip()
    return found


def processes_left(mark):
    """Those that do not end: one that is killed, at the lowest priority, may take its time on a machine that is busy."""
    with contextlib.suppress(AssertionError):
        wait_for("end of all processes", lambda: not processes(mark), 20)
    return processes(mark)


def engines_of(pid):
    """Children of a daemon that are engines, zombies included."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        found += read(f"/proc/{pid}/task/{task}/children").split()
    return [int(child) for child in found if read(f"/proc/{int(child)}/comm").strip() == b"retrovue-air"]


# --- the daemon --------------------------------------------------------------------------------------------------


class Daemon:
    """retrovue serve in a folder of its own. settings go to retrovue.yaml; channels: file name -> text."""

    def __init__(self, folder, channels=None, settings=None, media=(LIBRARY,), shift_ms=0, environment=None,
                 program=RETROVUE, air=AIR):
        self.data = os.path.join(folder, "data")
        self.channels = os.path.join(folder, "channels")
        self.media, self.shift_ms, self.program, self.air = list(media), shift_ms, program, air
        self.mark = f"RV_E2E_MARK={uuid.uuid4()}"
        self.environment = {**os.environ, **(environment or {})}
        self.environment["RV_E2E_MARK"] = self.mark.split("=")[1]
        if shift_ms:
            self.environment["LD_PRELOAD"] = CLOCK_SHIFT
            self.environment["RV_CLOCK_SHIFT_MS"] = str(shift_ms)
            asan = self.environment.get("ASAN_OPTIONS", "")
            self.environment["ASAN_OPTIONS"] = f"{asan}:verify_asan_link_order=0".lstrip(":")
        self.process = None
        self.port = None
        self._log = bytearray()
        os.makedirs(self.data, exist_ok=True)
        os.makedirs(self.channels, exist_ok=True)
        for name, text in (channels if channels is not None else {"one.yaml": channel_yaml()}).items():
            self.write_channel(name, text)
        with open(os.path.join(self.data, "retrovue.yaml"), "w", encoding="utf-8") as file:
            for key, value in {"linger": "2s", **(settings or {})}.items():
                file.write(f"{key}: {value}\n")

    def write_channel(self, name, text):
        path = os.path.join(self.channels, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)

    def arguments(self, command="serve"):
        arguments = [self.program, command, "--data", self.data, "--channels", self.channels]
        if command in ("serve", "scan"):
            arguments += [word for folder in self.media for word in ("--media", folder)]
        if command == "serve":
            arguments += ["--port", "0", "--web", WEB] + (["--air", self.air] if self.air else [])
        return arguments

    def start(self, arguments=None):
        # SIGXFSZ stays ignored: a test lowers the limit on file sizes, which stands for a full disk.
        self.process = subprocess.Popen(arguments or self.arguments(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=self.environment, restore_signals=False)
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()
        deadline = time.monotonic() + START_S
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            byte = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not byte:
                raise AssertionError(f"no ready line, but {line!r}; log:\n{self.log()[-3000:]}")
            line += byte
        match = re.fullmatch(r"ready http://127\.0\.0\.1:(\d+)/\n", line.decode())
        if not match:
            raise AssertionError(f"{line!r} is not a ready line")
        self.port = int(match.group(1))
        return self

    @property
    def pid(self):
        return self.process.pid

    def _read_log(self, pipe):
        with pipe:
            while piece := pipe.read1(65536):
                self._log += piece

    def log(self):
        return bytes(self._log).decode(errors="replace")

    def now_ms(self):
        return time.time_ns() // 1_000_000 + self.shift_ms

    def get(self, path, headers=None, method="GET"):
        return fetch(self.port, path, headers, method)

    def api(self, path):
        answer = self.get("/api/v1/" + path)
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {answer.body!r}")
        return answer.json

    def channel(self, ident="one"):
        return next(c for c in self.api("channels")["channels"] if c["id"] == ident)

    def engines(self):
        """pids of retrovue-air."""
        return [pid for pid, name in processes(self.mark).items() if name == "retrovue-air"]

    def events(self, name):
        """Log lines of one event."""
        found = []
        for line in self.log().splitlines():
            if f'"{name}"' in line:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def plan(self, ident="one"):
        """The locked blocks of yesterday, today and tomorrow, as the operator's program prints them, in order."""
        blocks = []
        for day in (-1, 0, 1):
            date = time.strftime("%Y-%m-%d", time.gmtime(self.now_ms() / 1000 + day * 86_400))
            arguments = self.arguments("plan") + ["show", ident, "--json", "--day", date]
            result = subprocess.run(arguments, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    check=False, timeout=60)
            if result.returncode == 0:  # else nothing is planned for that day
                blocks += json.loads(result.stdout)["blocks"]
        assert blocks, "no day has a plan"
        found = {block["block_id"]: block for block in blocks}  # one over a day's end may be told twice
        return sorted(found.values(), key=lambda block: block["start_utc_ms"])

    def planned(self, ident="one"):
        """The same as a row of segments with start_ms and end_ms."""
        rows = []
        for block in self.plan(ident):
            at_ms = block["start_utc_ms"]
            for segment in block["segments"]:
                rows.append(segment | {"start_ms": at_ms, "end_ms": at_ms + segment["duration_ms"]})
                at_ms = rows[-1]["end_ms"]
        return rows

    def end(self):
        """Asks it to end; what is left is a fault. Returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(START_S)
        finally:
            self.kill()
        return status

    def kill(self):
        """No questions asked, engines included."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()
        for pid in processes(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def shift_to(phase_ms):
    """The clock shift after which the programs' time is now at phase_ms of a slot; less than a slot either way."""
    return (phase_ms - time.time_ns() // 1_000_000) % SLOT_MS


def instant_ms(text):
    """2026-11-22T20:00:00.123Z in UTC milliseconds, exactly."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z", text)
    if not match:
        raise AssertionError(f"{text!r} is not an instant")
    fields = [int(number) for number in match.groups()]
    return calendar.timegm((*fields[:6], 0, 0, 0)) * 1000 + fields[6]


class Case(unittest.TestCase):
    """A folder that goes with the test, and daemons that are checked at its end."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rv-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def daemon(self, start=True, **options):
        folder = options.pop("folder", None) or tempfile.mkdtemp(dir=self.folder)
        daemon = Daemon(folder, **options)
        self.addCleanup(self.check_ended, daemon)
        if start:
            daemon.start()
        return daemon

    def check_ended(self, daemon):
        if daemon.process is None:
            return
        killed = daemon.process.poll() == -signal.SIGKILL
        status = daemon.process.poll() if daemon.process.poll() is not None else None
        if status is None:
            daemon.process.send_signal(signal.SIGTERM)
            try:
                status = daemon.process.wait(START_S)
            except subprocess.TimeoutExpired:
                status = "still running a minute after SIGTERM"
        left = {} if killed else processes_left(daemon.mark)
        daemon.kill()
        log = daemon.log()
        result = self._outcome.result
        if SANITIZER.search(log) or any(test is self for test, _ in result.failures + result.errors):
            print(f"--- log of {daemon.data}\n{log[-6000:]}\n---", flush=True)
        self.assertFalse(SANITIZER.search(log), "a sanitizer found something")
        if not killed:
            self.assertIn(status, (0, 1), "the daemon's exit")
            self.assertEqual(left, {}, "processes that outlived the daemon")


# --- viewers -----------------------------------------------------------------------------------------------------


class RawViewer:
    """Watches a transport stream on a thread of its own."""

    def __init__(self, daemon, path="/channel/one.ts", patience=3):
        self.patience = patience  # how often to ask again when told that the channel is not on the air
        self._lock = threading.Lock()
        self._data = bytearray()
        self.arrivals = []  # (monotonic seconds, bytes so far)
        self.status = None
        self.ended = False
        self._leaving = False
        self._address, self._path = ("127.0.0.1", daemon.port), path
        self._socket = None
        self._connect()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _connect(self):
        if self._socket:
            self._socket.close()
        self._socket = socket.create_connection(self._address, timeout=START_S)
        self._socket.sendall(f"GET {self._path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def _head(self):
        """Reads the answer's head; what came after it."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self._socket.recv(65536)
            if not piece:
                break
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1]) if b" " in head else 0
        return body

    def _run(self):
        with contextlib.suppress(OSError):
            body = self._head()
            while self.status == 503 and self.patience > 0 and not self._leaving:
                self.patience -= 1  # as players do: an engine may need longer on a busy machine
                self._connect()
                body = self._head()
            piece = body or self._socket.recv(65536)
            while piece:
                with self._lock:
                    self._data += piece
                    self.arrivals.append((time.monotonic(), len(self._data)))
                piece = self._socket.recv(65536)
        self._socket.close()
        self.ended = not self._leaving

    @property
    def data(self):
        with self._lock:
            return bytes(self._data)

    @property
    def size(self):
        return len(self._data)

    def wait_bytes(self, count, seconds=START_S):
        target = self.size + count
        wait_for(f"{count} bytes more of the stream", lambda: self.size >= target or self.ended, seconds)
        if self.ended:
            raise AssertionError(f"the stream ended (status {self.status}) after {self.size} bytes")

    def leave(self):
        self._leaving = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(START_S)


class Segment:
    def __init__(self):
        self.sequence = self.uri = self.duration = self.start_ms = self.data = None
        self.discontinuity = False


def read_playlist(text):
    """(media sequence, discontinuity sequence, target seconds, segments)."""
    lines = text.splitlines()
    if not lines or lines[0] != "#EXTM3U":
        raise AssertionError(f"not a playlist: {text[:200]!r}")
    tags = dict(line.split(":", 1) for line in lines if line.startswith("#EXT-X-") and ":" in line)
    sequence = int(tags["#EXT-X-MEDIA-SEQUENCE"])
    segments, segment = [], Segment()
    for line in lines:
        if line == "#EXT-X-DISCONTINUITY":
            segment.discontinuity = True
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            segment.start_ms = instant_ms(line.split(":", 1)[1])
        elif line.startswith("#EXTINF:"):
            segment.duration = float(line.split(":", 1)[1].split(",")[0])
        elif line and not line.startswith("#"):
            segment.uri, segment.sequence = line, sequence + len(segments)
            segments.append(segment)
            segment = Segment()
    return sequence, int(tags["#EXT-X-DISCONTINUITY-SEQUENCE"]), int(tags["#EXT-X-TARGETDURATION"]), segments


class HlsViewer:
    """Watches a playlist as players do, on a thread of its own: each segment is fetched once, in order."""

    def __init__(self, daemon, path="/channel/one/live.m3u8", agent="e2e hls"):
        self._daemon, self._path, self._headers = daemon, path, {"User-Agent": agent}
        self.segments = []  # Segment with data, in order of appearance
        self.sequences = []  # EXT-X-MEDIA-SEQUENCE as seen
        self.discontinuities = set()  # sequence of each segment seen with the tag in front
        self.faults = []
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _look(self):
        answer = fetch(self._daemon.port, self._path, self._headers)
        if answer.status != 200:
            if answer.status != 503 or self.segments:
                self.faults.append(f"playlist: {answer.status} {answer.body[:300]!r}")
            return
        sequence, _, _, segments = read_playlist(answer.text)
        self.sequences.append(sequence)
        known = self.segments[-1].sequence if self.segments else -1
        for segment in segments:
            if segment.discontinuity:
                self.discontinuities.add(segment.sequence)
            if segment.sequence <= known:
                continue
            base = self._path.rsplit("/", 1)[0]
            answer = fetch(self._daemon.port, f"{base}/{segment.uri}", self._headers)
            if answer.status != 200:
                self.faults.append(f"{segment.uri}: {answer.status}")
            segment.data = answer.body
            self.segments.append(segment)

    def _run(self):
        while not self._leaving.is_set():
            try:
                self._look()
            except (OSError, http.client.HTTPException, AssertionError) as fault:
                self.faults.append(repr(fault))
            self._leaving.wait(0.3)

    def wait_segments(self, count, seconds=START_S):
        target = len(self.segments) + count
        wait_for(f"{count} segments more", lambda: len(self.segments) >= target, seconds)

    def leave(self):
        self._leaving.set()
        self._thread.join(START_S)


# --- media -------------------------------------------------------------------------------------------------------


def decode_faults(path, seconds=60):
    """What ffmpeg complains about when it decodes every stream of a file."""
    result = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=seconds, check=False)
    return result.stderr.decode(errors="replace") + (f"status {result.returncode}" if result.returncode else "")


Clip = collections.namedtuple("Clip", "num den frames path")


def clips():
    """The library's clips by the number that their pictures carry."""
    found = {}
    with open(os.path.join(MEDIA, "clips.txt"), encoding="utf-8") as file:
        for line in file:
            ident, num, den, frames, name = line.rstrip("\n").split(" ", 4)
            found[int(ident)] = Clip(int(num), int(den), int(frames), os.path.join(LIBRARY, name))
    return found


def stream_kinds(path):
    """What codes pictures and sound."""
    result = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,codec_type", "-of",
                             "json", path], stdout=subprocess.PIPE, timeout=60, check=True)
    return sorted(stream["codec_name"] for stream in json.loads(result.stdout)["streams"]
                  if stream["codec_type"] in ("video", "audio"))


def main():
    unittest.main(verbosity=2, failfast=False)
