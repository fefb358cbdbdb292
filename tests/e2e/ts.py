"""Reads a transport stream (ISO/IEC 13818-1) as far as the tests need: tables, continuity, time stamps, pictures.
An implementation of its own, which shares nothing with the programs under test."""

import re

PACKET = 188
TICKS = 90_000  # a second
AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)


class Adts:
    """Frames of AAC as ISO/IEC 13818-7 says: 1024 samples at 48 kHz, heard 1600 later than they are stamped."""

    ticks, delay = 1920, 3000

    @staticmethod
    def size(head):
        return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if head[0] == 0xFF and head[1] & 0xF0 == 0xF0 else 0


class Ac3:
    """Frames of AC-3 as ATSC A/52 says: 1536 samples at 48 kHz, heard 256 later than they are stamped."""

    ticks, delay = 2880, 480

    @staticmethod
    def size(head):
        known = head[:2] == b"\x0b\x77" and head[4] >> 6 == 0 and head[4] >> 1 < len(AC3_KBPS)
        return 4 * AC3_KBPS[head[4] >> 1] if known else 0


SOUNDS = {0x0F: Adts, 0x81: Ac3}
NAL = re.compile(b"\0\0\1(.)", re.DOTALL)
SPS, PPS, IDR, SLICE, SEI = 7, 8, 5, 1, 6
SDT, EIT, TDT = SIGNALS = 0x11, 0x12, 0x14
A53 = b"\xb5\0\x31GA94\x03"


def _stamp(field):
    return (((field[0] >> 1) & 7) << 30 | field[1] << 22 | (field[2] >> 1) << 15 | field[3] << 7 | field[4] >> 1)


def crc32(data):
    """As ISO/IEC 13818-1 annex A has it: 0 over a section with its own."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x104C11DB7 if crc >> 31 else 0)
    return crc


def _cc_data(unit):
    """The triplets of the captions in an access unit (ATSC A/53 part 4, in an SEI message of registered user data), a
    list for each message; None in the list: one that is wrong in itself."""
    found = []
    for nal in re.split(b"\0\0\0?\1", bytes(unit))[1:]:
        at = nal.find(A53)
        if nal[0] & 31 != SEI or at < 0:
            continue
        # cc_count is under 32, so neither it nor em_data begins an emulation prevention; the triplets may hold some.
        body = nal[at + len(A53):].replace(b"\0\0\3", b"\0\0")
        size = (body[0] & 31) * 3
        whole = body[0] >> 5 == 0b010 and body[2 + size:3 + size] == b"\xff"
        found.append(body[2:2 + size] if whole else None)
    return found


class Picture:
    def __init__(self, pts, random_access, tables):
        self.pts = pts
        self.random_access = random_access  # as its first packet says
        self.tables = tables  # PAT and PMT are the packets directly in front
        self.data = bytearray()  # the access unit, until the stream is read

    def close(self):
        nals = {match.group(1)[0] & 31 for match in NAL.finditer(self.data)}
        self.idr = IDR in nals
        self.headed = {SPS, PPS} <= nals
        self.coded = bool({IDR, SLICE} & nals)
        self.captions = _cc_data(self.data)
        del self.data


class Stream:
    """What a stream holds. faults says what is wrong with it as such, by packet."""

    def __init__(self, data):
        self.faults = []
        self.pmt_pid = self.video_pid = self.audio_pid = None
        self.pictures = []  # in order of arrival; the last one may not be whole
        self.sound_kind = Adts
        self.sound = []  # (PTS, frames) of each packet of sound
        self.pcr = []  # 27 MHz
        self.service_id = self.splice_pid = None  # of the PMT
        self.sections = {}  # PID of signals -> (number of the last picture begun, section) as they came
        self._open = {}  # PID -> what there is of a section
        self._continuity = {}
        self._before = [None, None]  # the last two PIDs
        self._sound_data = bytearray()
        if len(data) % PACKET:
            self.faults.append(f"{len(data)} bytes are no whole packets")
        for number in range(len(data) // PACKET):
            self._packet(number, data[number * PACKET:(number + 1) * PACKET])
        for picture in self.pictures:
            picture.close()
        self._close_sound()

    @property
    def video(self):
        return [picture.pts for picture in self.pictures]

    def _packet(self, number, packet):
        if packet[0] != 0x47:
            self.faults.append(f"{number}: no sync byte")
            return
        if packet[1] & 0x80:
            self.faults.append(f"{number}: transport error")
        pid, start = (packet[1] & 0x1F) << 8 | packet[2], packet[1] & 0x40
        control, counter = packet[3] >> 4 & 3, packet[3] & 15
        if pid == 0x1FFF:
            return
        flags, payload = 0, packet[4:]
        if control & 2:
            length = packet[4]
            if length > 0:
                flags = packet[5]
                if flags & 0x10:
                    base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
                    self.pcr.append(base * 300 + ((packet[10] & 1) << 8 | packet[11]))
            payload = packet[5 + length:]
        if flags & 0x80:
            self.faults.append(f"{number}: pid {pid}: discontinuity indicator")
        if control & 1:
            last = self._continuity.get(pid)
            if last is not None and counter != (last + 1) % 16:
                self.faults.append(f"{number}: pid {pid}: continuity {last} -> {counter}")
            self._continuity[pid] = counter
            self._payload(number, pid, start, flags, payload)
        self._before = [self._before[1], pid]

    def _payload(self, number, pid, start, flags, payload):
        if pid == 0 and start:
            section = payload[1 + payload[0]:]
            self.pmt_pid = (section[10] & 0x1F) << 8 | section[11]
        elif pid == self.pmt_pid and start:
            self._pmt(payload[1 + payload[0]:])
        elif pid in SIGNALS or pid == self.splice_pid:
            self._signal(number, pid, start, payload)
        elif pid in (self.video_pid, self.audio_pid):
            if start:
                if payload[:3] != b"\0\0\1" or not payload[7] & 0x80:
                    self.faults.append(f"{number}: pid {pid}: no time stamp")
                    return
                self._begin(pid, _stamp(payload[9:14]), flags)
                payload = payload[9 + payload[8]:]
            if pid == self.audio_pid:
                self._sound_data += payload
            elif self.pictures:
                self.pictures[-1].data += payload

    def _signal(self, number, pid, start, payload):
        """One section begins with a packet, and nothing follows it in its last one."""
        if start:
            self._open[pid] = payload[1 + payload[0]:]
        elif pid in self._open:
            self._open[pid] += payload
        section = self._open.get(pid, b"")
        size = 3 + ((section[1] & 15) << 8 | section[2]) if len(section) > 2 else PACKET
        if len(section) < size:
            return
        del self._open[pid]
        if pid != TDT and crc32(section[:size]):
            self.faults.append(f"{number}: pid {pid}: CRC of a section")
        self.sections.setdefault(pid, []).append((len(self.pictures) - 1, section[:size]))

    def _begin(self, pid, pts, flags):
        if pid == self.video_pid:
            self.pictures.append(Picture(pts, bool(flags & 0x40), self._before == [0, self.pmt_pid]))
            return
        self._close_sound()
        self.sound.append((pts, 0))

    def _close_sound(self):
        """Counts the frames of the packet of sound that has ended."""
        data, at, frames = self._sound_data, 0, 0
        while at + 7 <= len(data) and (size := self.sound_kind.size(data[at:at + 7])) > 0:
            at += size
            frames += 1
        if self.sound:
            self.sound[-1] = (self.sound[-1][0], frames)
        self._sound_data = bytearray()

    def _pmt(self, section):
        self.service_id = section[3] << 8 | section[4]
        end = 3 + ((section[1] & 15) << 8 | section[2]) - 4
        at = 12 + ((section[10] & 15) << 8 | section[11])
        while at < end:
            kind, pid = section[at], (section[at + 1] & 0x1F) << 8 | section[at + 2]
            if kind == 0x86:
                self.splice_pid = pid
            if kind == 0x1B:
                self.video_pid = pid
            elif kind in SOUNDS:
                self.audio_pid, self.sound_kind = pid, SOUNDS[kind]
            at += 5 + ((section[at + 3] & 15) << 8 | section[at + 4])
