"""What the benches share: a library of their own, the daemon, the picture's way through a transport stream."""

import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATE = "30000/1001"
HOUSES = {"480p": {"width": 854, "height": 480, "kbps": 1500, "gop": 30},
          "720p": {"width": 1280, "height": 720, "kbps": 3000, "gop": 30},  # proto/house/house_format.c
          "1080p": {"width": 1920, "height": 1080, "kbps": 5000, "gop": 30}}
HOUSE = HOUSES["720p"]
CHANNEL = "bench"
SLOT_S = 300
PACKET = 188
PICTURE_TYPES = (0x1B,)  # H.264



def channel_yaml(house):
    return f"""channel: {CHANNEL}
channel_number: 1
name: Bench
timezone: Etc/UTC
format:
  video: {{width: {house["width"]}, height: {house["height"]}, frame_rate: "{RATE}", bitrate_kbps: {house["kbps"]}}}
  audio: {{sample_rate: 48000, channels: 2}}
  grid_minutes: {SLOT_S // 60}
pools:
  bench: {{match: {{type: episode}}}}
schedule:
  all_day:
    - block: {{start: "06:00", duration: 24h, title: Bench, pool: bench, mode: sequential}}
"""


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def load():
    return "%.2f %.2f %.2f" % os.getloadavg()


def add_options(parser):
    """Options of every bench."""
    parser.add_argument("--build", default=str(ROOT / "build/release"), help="build folder (default build/release)")
    parser.add_argument("--media", help="a library of your own, planned as one channel; default: made with ffmpeg")
    parser.add_argument("--cache", default=str(ROOT / "build/bench-media"), help="where made libraries are kept")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--nice", type=int, default=0, help="of everything that is measured; below 0 (as root) stands "
                        "in for a quiet machine, and is printed with the result")


# --- the library ---------------------------------------------------------------------------------------------------


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def make_library(cache, width, height, gop):
    """One episode that fills its slot but for a moment: a zoom and moving figures at a film's bit rate, B-frames, AAC."""
    folder = Path(cache) / f"{width}x{height}-gop{gop}"
    episode = folder / "Bench" / "Season 01" / "Bench - S01E01 - Zoom.mkv"
    if episode.exists():
        return folder
    print(f"making {episode} ...", file=sys.stderr)
    episode.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        loop, made = f"{scratch}/loop.mkv", f"{scratch}/made.mkv"
        frames, kbps = gop * 10, width * height * 3000 // (1280 * 720)
        ffmpeg("-f", "lavfi", "-i", f"mandelbrot=size=640x360:rate={RATE}:end_scale=0.01", "-f", "lavfi", "-i",
               f"testsrc2=size={width}x{height // 4}:rate={RATE}", "-filter_complex",
               f"[0]scale={width}:{height}[zoom];[zoom][1]overlay=y=H*3/4,format=yuv420p",
               "-frames:v", frames, "-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{kbps}k",
               "-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k", "-g", gop,
               "-sc_threshold", "0", "-bf", "2", loop)
        ffmpeg("-stream_loop", "-1", "-i", loop, "-f", "lavfi", "-i",
               "aevalsrc='0.2*sin(440*2*PI*t)|0.2*sin(660*2*PI*t)+0.05*random(0)':sample_rate=48000",
               "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", "-t", SLOT_S - 0.5, made)
        os.replace(made, episode)
    return folder


def only_file(library):
    files = [path for path in Path(library).rglob("*") if path.suffix in (".mkv", ".mp4", ".ts", ".mpg", ".avi")]
    if len(files) != 1:
        fail(f"{library} must hold exactly one file for a fair comparison, it holds {len(files)}")
    return files[0]


def matrix_of(path):
    """As the engine takes it (air/producer/place.c): what the file says, else by the number of its lines."""
    words = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                            "stream=height,color_space", "-of", "default=nw=1", path], check=True, capture_output=True,
                           text=True).stdout.split()
    stream = dict(word.split("=", 1) for word in words)
    named = {"bt709": "bt709", "bt470bg": "bt601", "smpte170m": "bt601"}
    return named.get(stream.get("color_space"), "bt709" if int(stream["height"]) >= 720 else "bt601")


def same_job(path, begin_s, pace=("-re",), house=None):
    """What air/output/encoder.c and air/producer/picture/place.c ask for, in ffmpeg's words. The made library's pictures
    say nothing of their colours: by their size they are BT.601 or, from 720 lines on, BT.709; the house's likewise."""
    house = house or HOUSE
    scale = (f"scale={house['width']}:{house['height']}:flags=bicubic:in_color_matrix={matrix_of(path)}:"
             f"out_color_matrix={'bt709' if house['height'] >= 720 else 'bt601'}")
    kbps = f"{house['kbps']}k"
    return ["ffmpeg", "-nostdin", "-v", "error", *pace, "-stream_loop", "-1", "-ss", f"{begin_s:.3f}", "-i", str(path),
            "-vf", f"fps={RATE},{scale},format=yuv420p", "-c:v", "libx264",
            "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "high", "-b:v", kbps, "-maxrate", kbps,
            "-bufsize", kbps, "-g", str(house["gop"]), "-x264-params", "scenecut=0:aud=1", "-c:a", "aac", "-aac_coder",
            "fast", "-b:a", "128k", "-ar", "48000", "-ac", "2", "-f", "mpegts", "pipe:1"]


# --- the daemon ----------------------------------------------------------------------------------------------------


class Daemon:
    """`retrovue serve` on a data directory of its own; ended, with everything it started, on leaving the context."""

    def __init__(self, options, library, settings, channels=None, channel=CHANNEL, house=None):
        self.program = Path(options.build) / "core" / "retrovue"
        self.nice = options.nice
        if not self.program.exists():
            fail(f"{self.program} is not there: see tests/bench/README.md for how to build it, or --build DIR")
        self.dir = Path(tempfile.mkdtemp(prefix="retrovue-bench."))
        self.channel, self.channels = channel, Path(channels) if channels else self.dir / "channels"
        if not channels:
            self.channels.mkdir()
            (self.channels / f"{CHANNEL}.yaml").write_text(channel_yaml(house or HOUSE))
        (self.dir / "retrovue.yaml").write_text(settings)
        self.library = library
        self.log_read = 0

    def __enter__(self):
        command = [self.program, "serve", "--data", self.dir, "--port", "0", "--media", self.library, "--channels",
                   self.channels]
        self.log = open(self.dir / "log", "wb")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, "RETROVUE_LOG_FORMAT": "json"},
                                        preexec_fn=lambda: take_place(self.nice))
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("ready http://"):
            self.__exit__(None, None, None, keep=True)
            fail(f"the daemon did not get ready: see {self.dir}/log")
        self.host, _, port = line.split()[1].removeprefix("http://").rstrip("/").partition(":")
        self.port = int(port)
        return self

    def __exit__(self, kind, value, trace, keep=False):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        if kind or keep:
            print(f"log and data kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir)

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=30)

    def state(self):
        connection = self.connect()
        connection.request("GET", "/api/v1/channels")
        channels = json.load(connection.getresponse())["channels"]
        connection.close()
        return next((channel["state"] for channel in channels if channel["id"] == self.channel), "not planned yet")

    def wait_for_state(self, wanted, seconds=60):
        deadline = time.monotonic() + seconds
        while self.state() != wanted:
            if time.monotonic() > deadline:
                fail(f"channel {self.channel} is {self.state()}, not {wanted}, after {seconds} s: see {self.dir}/log")
            time.sleep(0.05)  # polls the channel's state

    def pictures_lost(self):
        """Pictures that the engine replaced, for its source was late, in the sessions that ended since the last call."""
        lost = 0
        with open(self.dir / "log", encoding="utf-8", errors="replace") as log:
            log.seek(self.log_read)
            while line := log.readline():
                if '"session.segment_incomplete"' in line:
                    event = json.loads(line)
                    lost += event["frames"] - event["own"]
            self.log_read = log.tell()
        return lost

    def air_pid(self):
        """The engine: the only child of the daemon."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if len(children) != 1:
            fail(f"expected one engine, found {len(children)}")
        return int(children[0])


# --- processes -----------------------------------------------------------------------------------------------------

def take_place(nice):
    """In a new process: its niceness, which within an autogroup counts against nobody else unless the group has it."""
    if nice == 0:
        return
    os.setsid()
    os.nice(nice)
    try:
        Path("/proc/self/autogroup").write_text(str(nice))
    except OSError:
        pass


TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """user + sys of all its threads, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def peak_rss_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


# --- transport streams ---------------------------------------------------------------------------------------------


def packet_pid(packet):
    return (packet[1] & 0x1F) << 8 | packet[2]


def payload(packet):
    if not packet[3] & 0x10:
        return b""
    return packet[5 + packet[4]:] if packet[3] & 0x20 else packet[4:]


class Opening:
    """Reads the beginning of a stream: PAT, its PMT, and the first picture must follow in this order."""

    def __init__(self):
        self.rest, self.pmt_pid, self.picture_pid, self.order, self.tail = b"", None, None, [], b""

    def section(self, packet):
        data = payload(packet)
        return data[1 + data[0]:]

    def take_packet(self, packet):
        pid = packet_pid(packet)
        starts = packet[1] & 0x40
        if packet[0] != 0x47:
            fail("lost the sync of the transport stream")
        if pid == 0 and starts and self.pmt_pid is None:
            section = self.section(packet)
            self.pmt_pid = (section[10] & 0x1F) << 8 | section[11]
            self.order.append("PAT")
        elif pid == self.pmt_pid and starts and self.picture_pid is None:
            section = self.section(packet)
            at = 12 + ((section[10] & 0x0F) << 8 | section[11])
            while section[at] not in PICTURE_TYPES:
                at += 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])
            self.picture_pid = (section[at + 1] & 0x1F) << 8 | section[at + 2]
            self.order.append("PMT")
        elif pid == self.picture_pid:
            data = self.tail + payload(packet)
            self.tail = data[-4:]
            if b"\0\0\1\x65" in data or b"\0\0\1\x25" in data or b"\0\0\1\x45" in data:
                self.order.append("IDR")
            elif b"\0\0\1\x41" in data or b"\0\0\1\x01" in data or b"\0\0\1\x61" in data or b"\0\0\1\x21" in data:
                fail("a picture that is no IDR comes first")

    def push(self, data):
        """True once the first byte of an IDR's slice has been seen."""
        data = self.rest + data
        end = len(data) - len(data) % PACKET
        for at in range(0, end, PACKET):
            self.take_packet(data[at:at + PACKET])
            if self.order == ["PAT", "PMT", "IDR"]:
                return True
        self.rest = data[end:]
        return False
