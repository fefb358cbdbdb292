"""Sound of the channel's language and subtitles through a real engine: heard on every tick, and seen on exactly the ticks
of theirs (contracts/producer.md, contracts/subtitle.md), where a film is joined in the middle of both as well."""

import array
import os
import random
import subprocess

import replayed
import support
from replayed import HEIGHT, WIDTH

RATE = 30
BOX = (50, 126, 40, 10)  # x, y, width, height, in the white band at the bottom of each picture
SPANS = [(1000, 5600), (6200, 7100)]  # ms of the film
HZ = {"jpn": 300, "eng": 700}
SCRIPT = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Outline, Shadow, Alignment
Style: Default,sans,20,&H00000000,0,0,7

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_script(path):
    """Black boxes."""
    x, y, width, height = BOX
    with open(path, "w", encoding="utf-8") as file:
        file.write(SCRIPT.format(width=WIDTH, height=HEIGHT))
        for start, end in SPANS:
            file.write(f"Dialogue: 0,0:00:{start / 1000:05.2f},0:00:{end / 1000:05.2f},Default,,0,0,0,,"
                       f"{{\\pos({x},{y})\\p1}}m 0 0 l {width} 0 {width} {height} 0 {height}\n")


def make_film(folder, source):
    script, film = os.path.join(folder, "boxes.ass"), os.path.join(folder, "film.mkv")
    write_script(script)
    tones = [word for hz in HZ.values() for word in ("-f", "lavfi", "-i", f"sine={hz}:r=48000:d=8")]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", source, *tones, "-i", script, "-map", "0:v", "-map",
                    "1", "-map", "2", "-map", "3", "-c:v", "copy", "-c:a", "flac", "-c:s", "copy",
                    "-metadata:s:a:0", "language=jpn", "-metadata:s:a:1", "language=eng", "-disposition:a:0", "default",
                    "-metadata:s:s:0", "language=eng", film], check=True, timeout=60)
    return film


def decode(path, *options):
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, *options, "-"], stdout=subprocess.PIPE,
                          check=True, timeout=100).stdout


def lumas(path):
    """The mean luma within the box, of each picture, stretched to 0..255."""
    x, y, width, height = (BOX[0] + 4, BOX[1] + 2, BOX[2] - 8, BOX[3] - 4)
    raw = decode(path, "-map", "0:v", "-fps_mode", "passthrough", "-vf", f"crop={width}:{height}:{x}:{y}:exact=1", "-f",
                 "rawvideo", "-pix_fmt", "gray")
    size = width * height
    return [sum(raw[at:at + size]) / size for at in range(0, len(raw), size)]


def pitches(path):
    """Of each half second of sound."""
    sound = array.array("f", decode(path, "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "48000"))
    return [2 * sum(a < 0 <= b for a, b in zip(part, part[1:]))
            for part in (sound[at:at + 24_000] for at in range(0, len(sound) - 24_000, 24_000))]


def is_covered(tick, offset_ms):
    """floor((t - o) * F + 1/2) of both ends."""
    return any((2 * (start - offset_ms) * RATE + 1000) // 2000 <= tick < (2 * (end - offset_ms) * RATE + 1000) // 2000
               for start, end in SPANS)


class Tracks(support.Case):
    def test_they_are_the_channels_wherever_a_film_is_joined(self):
        film = make_film(self.folder, os.path.join(replayed.CLIPS, "r50.mp4"))
        chance = random.Random(7)
        offsets = [(0, 8000), (3000, 5000), (5000, 3000)]  # from where, and how long
        segments = [replayed.segment(chance, str(i), film, duration_ms, asset_start_offset_ms=offset_ms)
                    for i, (offset_ms, duration_ms) in enumerate(offsets)]
        played = replayed.Replayed(self.folder, replayed.blocks_of(segments, 3), (RATE, 1), {},
                                   {"language": "eng", "subtitles": True})
        faults = played.faults(lambda turn: False)
        self.assertFalse(faults, "\n".join(faults[:30]))
        seen, first = lumas(played.path), 0
        for offset_ms, duration_ms in offsets:
            for tick in range(duration_ms * RATE // 1000):
                luma = seen[first + tick]
                self.assertEqual(luma < 100, is_covered(tick, offset_ms),
                                 f"{luma:.0f} on frame {tick} of the film from {offset_ms} ms")
            first += duration_ms * RATE // 1000
        heard = pitches(played.path)[1:sum(duration_ms for _, duration_ms in offsets) // 500 - 1]
        self.assertTrue(heard and all(abs(hz - HZ["eng"]) <= 8 for hz in heard), heard)


if __name__ == "__main__":
    support.main()
