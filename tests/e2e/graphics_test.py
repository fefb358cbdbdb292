"""Logo, snipes and slate through a real engine: in the stream they are there on exactly the ticks that the plan gives them
(contracts/graphics.md, contracts/seam.md), and the pictures beneath them are the right ones."""

import os
import random
import struct
import subprocess
import zlib

import replayed
import support
import truth
from replayed import HEIGHT, WIDTH

RATE = 30
LOGO = (16, 10, 6, 6)  # x, y, width, height: well within it
PLATE = (50, 128, 6, 5)  # within the plate of a short snipe, right of its text and below it
LOGO_FADE, SNIPE_MOVE = 15, 12  # ticks
WHITE, BLACK = truth.WHITE, truth.BLACK  # of the band under both, and of the logo
SLACK = 7  # what coding at so few bits makes of a luma


def write_png(path, side):
    """A black square."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + b"\0\0\0\xff" * side) * side
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def means(path, box):
    """The mean luma of a rectangle in each picture of a stream, stretched to 0..255."""
    x, y, width, height = box
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough",
                          "-vf", f"crop={width}:{height}:{x}:{y}:exact=1", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                         stdout=subprocess.PIPE, check=True, timeout=100).stdout
    size = width * height
    return [sum(raw[at:at + size]) / size for at in range(0, len(raw), size)]


def logo_level(tick, first, end):
    """Of a run of segments with the logo."""
    return max(0, min(1, (tick + 1 - first) / (LOGO_FADE + 1), (end - tick) / (LOGO_FADE + 1)))


class Graphics(support.Case):
    def test_they_are_there_on_their_ticks_and_nothing_beneath_has_moved(self):
        known = {path: material for path, (material, _) in replayed.known_clips().items()}
        fast, slow = (os.path.join(replayed.CLIPS, name) for name in ("r50.mp4", "r2997.mp4"))
        logo, gone = os.path.join(self.folder, "logo.png"), os.path.join(self.folder, "gone.mkv")
        write_png(logo, 50)
        chance = random.Random(7)
        snipe = {"start_ms": 1000, "duration_ms": 2000, "headline": "News", "detail": "9"}
        segments = [replayed.segment(chance, "a", fast, 4000, logo=True, snipes=[snipe]),  # frames 0..120
                    replayed.segment(chance, "b", slow, 2000, logo=True),  # ..180
                    replayed.segment(chance, "c", fast, 2000, asset_start_offset_ms=4000),  # ..240
                    replayed.segment(chance, "d", gone, 3000, logo=True),  # ..330
                    replayed.segment(chance, "e", duration_ms=1000),  # ..360, pad
                    replayed.segment(chance, "f", gone, 1500),  # ..405
                    replayed.segment(chance, "g", slow, 2000, logo=True)]  # ..465
        style = {"channel_name": "Retro 7", "slate": "on", "logo": logo}
        played = replayed.Replayed(self.folder, replayed.blocks_of(segments, 7), (RATE, 1), known, style)
        faults = played.faults(lambda turn: turn.path in known)
        self.assertFalse(faults, "\n".join(faults[:30]))
        self.check_logo(means(played.path, LOGO))
        self.check_snipe(means(played.path, PLATE))
        self.check_slate(played, means(played.path, (0, 0, WIDTH, HEIGHT)))

    def check_logo(self, seen):
        for tick in list(range(240)) + list(range(405, 465)):
            level = logo_level(tick, 0, 180) if tick < 240 else logo_level(tick, 405, 465)
            wanted = WHITE + (BLACK - WHITE) * level
            self.assertAlmostEqual(seen[tick], wanted, delta=SLACK, msg=f"logo on frame {tick}")

    def check_snipe(self, seen):
        first, end = 30, 90
        for tick in range(240):
            if not first <= tick < end:
                self.assertGreater(seen[tick], WHITE - SLACK, f"a snipe on frame {tick}")
            elif first + SNIPE_MOVE <= tick < end - SNIPE_MOVE:
                self.assertLess(seen[tick], 100, f"no snipe on frame {tick}")
        for tick in (first, end - 1):
            self.assertLess(seen[tick], WHITE - SLACK, f"no trace of the snipe on frame {tick}")

    def check_slate(self, played, seen):
        for tick in range(240, 405):
            if tick < 330:
                self.assertAlmostEqual(seen[tick], seen[300], delta=2, msg=f"not the slate on frame {tick}")
                self.assertGreater(seen[tick], 8, f"black on frame {tick}")
            else:
                self.assertLess(seen[tick], 2, f"not black on frame {tick}")
        for name, frames in (("d", 90), ("f", 45)):
            line = played.ended()[name]
            self.assertEqual((line["frames"], line["fallback_frames"]), (frames, frames), line)


if __name__ == "__main__":
    support.main()
