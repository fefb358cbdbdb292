"""`retrovue burn-in`, compressed: what is kept passes, and each fault that is injected is found and called what it is.
RETROVUE_TEST_HOURS: how long the run with all of them is."""

import json
import os
import subprocess
import tempfile
import unittest

import support

SANITIZED = bool(os.environ.get("RV_SANITIZED"))
HOURS = os.environ.get("RETROVUE_TEST_HOURS", "0.2" if SANITIZED else "0.7")
FAULTS = ["corrupt-clip", "dead-air"] if SANITIZED else [
    "corrupt-clip", "dead-air", "dead-core", "late-feed", "missing-file"]


class BurnIn(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="rv-burn-in-")
        self.addCleanup(self.folder.cleanup)
        self.channels = os.path.join(self.folder.name, "channels")
        os.mkdir(self.channels)
        with open(os.path.join(self.channels, "one.yaml"), "w", encoding="utf-8") as file:
            file.write(support.channel_yaml())

    def burn_in(self, *arguments):
        report = os.path.join(self.folder.name, "report")
        done = subprocess.run([support.RETROVUE, "burn-in", "--compressed", "--media", support.LIBRARY, "--channels-dir",
                               self.channels, "--work", os.path.join(self.folder.name, "work"), "--report", report,
                               "--air", support.AIR, "--web", support.WEB, *arguments], capture_output=True, text=True,
                              check=False, timeout=280 if HOURS < "1" else None)
        try:
            with open(report + ".json", encoding="utf-8") as file:
                return done.returncode, json.load(file), done.stdout
        except OSError:
            with open(os.path.join(self.folder.name, "work", "core.log"), encoding="utf-8") as file:
                self.fail(done.stdout + done.stderr + file.read()[-3000:])

    def test_each_injected_fault_is_found_and_nothing_else(self):
        status, report, text = self.burn_in("--hours", HOURS, "--inject", ",".join(FAULTS), "--seed", "7")
        self.assertEqual(sorted(injection["cause"] for injection in report["injections"]), FAULTS, text)
        self.assertTrue(all(injection["found"] for injection in report["injections"]), text)
        self.assertTrue(all(violation["injected"] for violation in report["violations"]), text)
        self.assertTrue(report["passed"] and status == 0, text)
        self.assertGreater(report["channels"][0]["fences"], 1, text)

    def test_what_cannot_be_proved_is_said(self):
        for arguments in (["--hours", "0"], ["--inject", "rain"], ["--real-time"], ["--channels", "-1"], ["word"]):
            done = subprocess.run([support.RETROVUE, "burn-in", "--compressed", "--media", support.LIBRARY,
                                   "--channels-dir", self.channels, *arguments], capture_output=True, check=False,
                                  timeout=60)
            self.assertEqual(done.returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main(verbosity=2)
