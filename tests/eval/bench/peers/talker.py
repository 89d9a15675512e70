"""A competitor for the tests, in a process of its own."""

import sys

from eval.bench.peers.protocol import Competitor, serve


class Talker(Competitor):
    """Finds the passages from `first` on; embedded, the ten after them. Prints, as libraries do, and dies where told to."""

    packages = ("numpy", "no-such-package")

    def index(self):
        sys.stdout.write("a library that prints\n")
        sys.stdout.flush()
        if self.options.get("dies"):
            sys.stderr.write("the disk is full\n")
            raise SystemExit(3)
        (self.folder / "file").write_bytes(b"x" * 8192)
        return {"chunks": len(self.given.passages), "parts": {"live": float(self.live)}}

    def search(self, text):
        assert text in self.given.queries
        first = self.options.get("first", 0) + 10 * self.live
        return [str(n) for n in range(first, first + 10)]


if __name__ == "__main__":
    serve(Talker)
