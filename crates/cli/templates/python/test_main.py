"""Runs the module against a kernel that only plays one: python3 -m unittest"""
import os
import sys
import unittest

from fake_kernel import FakeKernel

HERE = os.path.dirname(os.path.abspath(__file__))


class Main(unittest.TestCase):
    def test_it_answers(self) -> None:
        with FakeKernel([sys.executable, "main.py"], cwd=HERE) as kernel:
            kernel.start()
            answer = kernel.request("@NAME@", "@METHOD@", @PARAMS@)
            self.assertEqual(answer["result"], @RESULT@)
            self.assertEqual(kernel.stop(), 0)


if __name__ == "__main__":
    unittest.main()
