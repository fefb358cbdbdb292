"""The page in a real browser (Debian's Chromium): list, player, keyboard, phone."""

import os
import subprocess
import sys

import support

HERE = os.path.dirname(os.path.abspath(__file__))


class Page(support.Case):
    def test_page(self):
        daemon = self.daemon(channels={
            "one.yaml": support.channel_yaml("one", 2, "Signal House 24/7") + "signalling: {splices: true}\n",
            "two.yaml": support.channel_yaml("two", 5, "Prime"),
            "three.yaml": support.channel_yaml("three", 13, "Midnight Matinee")})
        support.wait_for("three channels", lambda: len(daemon.api("channels")["channels"]) == 3)
        shots = os.environ.get("RV_SHOTS") or self.folder
        result = subprocess.run(["node", os.path.join(HERE, "page.mjs"), f"http://127.0.0.1:{daemon.port}/", shots],
                                stdout=sys.stdout, stderr=subprocess.PIPE, timeout=250, check=False)
        self.assertEqual((result.returncode, result.stderr.decode()[-3000:]), (0, ""))
        support.wait_for("end of the engines", lambda: not daemon.engines(), 40)


if __name__ == "__main__":
    support.main()
