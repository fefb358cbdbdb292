"""Reads splice messages by the syntax of ANSI/SCTE 35, bit by bit; shares nothing with what writes them."""


class Bits:
    def __init__(self, data):
        self.value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, n):
        self.left -= n
        if self.left < 0:
            raise ValueError("the message is over too early")
        return self.value >> self.left & (1 << n) - 1

    def expect(self, n, value, name):
        found = self.take(n)
        if found != value:
            raise ValueError(f"{name} is {found}, not {value}")


class Message:
    """pts None: at once. duration None: not said. Times at 90 kHz."""

    def __init__(self, section):
        bits = Bits(section)
        self.section = bytes(section)
        self.pts = self.duration = self.out = self.auto_return = self.event_id = None
        self.segments = []  # (event id, type, duration)
        bits.expect(8, 0xFC, "table_id")
        bits.expect(2, 0, "syntax and private indicators")
        bits.take(2)
        bits.expect(12, len(section) - 3, "section_length")
        bits.expect(8, 0, "protocol_version")
        bits.expect(1, 0, "encrypted_packet")
        bits.take(6)
        self.adjustment = bits.take(33)
        bits.take(8)
        bits.expect(12, 0xFFF, "tier")
        length, self.command = bits.take(12), bits.take(8)
        left = bits.left
        {5: self._insert, 6: self._signal, 0: lambda _: None}[self.command](bits)
        if left - bits.left != 8 * length:
            raise ValueError(f"the command has {left - bits.left} bits, not {8 * length}")
        end = bits.take(16)
        end = bits.left - 8 * end
        while bits.left > end:
            self._descriptor(bits)
        if bits.left != 32 or bits.left != end:
            raise ValueError("the descriptors do not end before the CRC")
        if self.pts is not None:
            self.pts = (self.pts + self.adjustment) % (1 << 33)

    def _time(self, bits):
        if bits.take(1):
            bits.expect(6, 63, "reserved")
            self.pts = bits.take(33)
        else:
            bits.expect(7, 127, "reserved")

    def _insert(self, bits):
        self.event_id = bits.take(32)
        bits.expect(1, 0, "splice_event_cancel_indicator")
        bits.expect(7, 127, "reserved")
        self.out = bool(bits.take(1))
        bits.expect(1, 1, "program_splice_flag")
        has_duration, at_once = bits.take(1), bits.take(1)
        bits.take(4)
        if not at_once:
            self._time(bits)
        if has_duration:
            self.auto_return = bool(bits.take(1))
            bits.expect(6, 63, "reserved")
            self.duration = bits.take(33)
        bits.take(16 + 8 + 8)

    def _signal(self, bits):
        self._time(bits)

    def _descriptor(self, bits):
        bits.expect(8, 2, "splice_descriptor_tag")
        length = bits.take(8)
        end = bits.left - 8 * length
        bits.expect(32, 0x43554549, "identifier")
        event_id = bits.take(32)
        bits.expect(1, 0, "segmentation_event_cancel_indicator")
        bits.take(7)
        bits.expect(1, 1, "program_segmentation_flag")
        has_duration = bits.take(1)
        bits.expect(1, 1, "delivery_not_restricted_flag")
        bits.take(5)
        duration = bits.take(40) if has_duration else None
        bits.take(8)
        bits.take(8 * bits.take(8))
        self.segments.append((event_id, bits.take(8), duration))
        bits.take(16)
        if bits.left != end:
            raise ValueError("the descriptor's length is wrong")
