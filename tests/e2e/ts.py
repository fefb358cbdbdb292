"""Reads a transport stream (ISO/IEC 13818-1) as far as the tests need: tables, continuity, time stamps."""

PACKET = 188
TICKS = 90_000  # a second


def _stamp(field):
    return (((field[0] >> 1) & 7) << 30 | field[1] << 22 | (field[2] >> 1) << 15 | field[3] << 7 | field[4] >> 1)


class Stream:
    """What a stream holds. faults says what is wrong with it as such, by packet."""

    def __init__(self, data):
        self.faults = []
        self.pmt_pid = self.video_pid = self.audio_pid = None
        self.video, self.audio = [], []  # PTS, in order of arrival
        self.pcr = []  # 27 MHz
        self._continuity = {}
        if len(data) % PACKET:
            self.faults.append(f"{len(data)} bytes are no whole packets")
        for number in range(len(data) // PACKET):
            self._packet(number, data[number * PACKET:(number + 1) * PACKET])

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
        payload = packet[4:]
        discontinuity = False
        if control & 2:
            length = packet[4]
            if length > 0:
                discontinuity = bool(packet[5] & 0x80)
                if packet[5] & 0x10:
                    base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
                    self.pcr.append(base * 300 + ((packet[10] & 1) << 8 | packet[11]))
            payload = packet[5 + length:]
        if control & 1:
            last = self._continuity.get(pid)
            if last is not None and counter != (last + 1) % 16 and not discontinuity:
                self.faults.append(f"{number}: pid {pid}: continuity {last} -> {counter}")
            self._continuity[pid] = counter
            self._payload(number, pid, start, payload)

    def _payload(self, number, pid, start, payload):
        if not start:
            return
        if pid == 0:
            section = payload[1 + payload[0]:]
            self.pmt_pid = (section[10] & 0x1F) << 8 | section[11]
        elif pid == self.pmt_pid:
            self._pmt(payload[1 + payload[0]:])
        elif pid in (self.video_pid, self.audio_pid):
            if payload[:3] != b"\0\0\1" or not payload[7] & 0x80:
                self.faults.append(f"{number}: pid {pid}: no time stamp")
                return
            (self.video if pid == self.video_pid else self.audio).append(_stamp(payload[9:14]))

    def _pmt(self, section):
        end = 3 + ((section[1] & 15) << 8 | section[2]) - 4
        at = 12 + ((section[10] & 15) << 8 | section[11])
        while at < end:
            kind, pid = section[at], (section[at + 1] & 0x1F) << 8 | section[at + 2]
            if kind == 0x1B:
                self.video_pid = pid
            elif kind == 0x0F:
                self.audio_pid = pid
            at += 5 + ((section[at + 3] & 15) << 8 | section[at + 4])
