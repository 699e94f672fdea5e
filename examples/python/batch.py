#!/usr/bin/env python3
"""Drives an image store through a pipe, with `image-store batch`.

    python3 batch.py PROGRAM STORE

One JSON object a line goes to the program, and one comes back for each. The protocol is told in
docs/batch.md. Needs nothing but Python 3.8 or later.
"""

import base64
import contextlib
import json
import subprocess
import sys


class Refused(Exception):
    """The store refused a request; `kind` says why in one of a few fixed words."""

    def __init__(self, kind, message):
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class ImageStore:
    """A running `image-store batch`. Not for several threads at once."""

    def __init__(self, program, path, read_only=False):
        command = [program, "--store", path]
        if read_only:
            command.append("--read-only")
        self._process = subprocess.Popen(
            command + ["batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Ends the program; an open transaction is aborted."""
        self._process.stdin.close()
        self._process.stdout.close()
        code = self._process.wait()
        if code != 0:
            raise RuntimeError(f"image-store ended with {code}")

    def ask(self, op, **fields):
        """Sends one request and returns its value. Names with a dash are written with `_`."""
        request = {"op": op}
        request.update({name.replace("_", "-"): value for name, value in fields.items()})
        # json writes no line ends, so this is one line.
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("image-store ended before it replied; see its standard error")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(reply["error"]["kind"], reply["error"]["message"])
        return reply["ok"]

    @contextlib.contextmanager
    def transaction(self):
        """What is asked within becomes visible and durable at once, or not at all."""
        self.ask("begin")
        try:
            yield self
        except BaseException:
            self.ask("abort")
            raise
        self.ask("commit")

    def create(self, items=None, **fields):
        """Creates an image. `items` has the bytes of its big data items by their keys."""
        data = [
            {"key": key, "data": base64.b64encode(data).decode("ascii")}
            for key, data in (items or {}).items()
        ]
        return self.ask("create", big_data=data, **fields)

    def data(self, image, key):
        """The bytes of a big data item."""
        return base64.b64decode(self.ask("big-data", id=image, key=key))

    def names(self, prefix="", page=100):
        """All names that begin with `prefix`, with the IDs of their images, page by page."""
        after = None
        while True:
            entries = self.ask("names-with-prefix", prefix=prefix, limit=page, after=after)
            yield from ((entry["name"], entry["id"]) for entry in entries)
            if len(entries) < page:
                return
            after = entries[-1]["name"]


def main(program, path):
    with ImageStore(program, path) as store:
        with store.transaction():
            image = store.create(
                names=["localhost/app:1"],
                items={"manifest": b'{"schemaVersion": 2}'},
            )
            store.ask("add-names", id=image["id"], names=["localhost/app:latest"])
        print(f"created {image['id'][:12]} with the digest {image['digest'][:19]}")

        for name, _ in store.names("localhost/", page=1):
            print(f"named {name}")
        print(f"its manifest is {store.data('localhost/app:1', 'manifest').decode()}")

        try:
            with store.transaction():
                store.ask("delete", id="localhost/app:1")
                store.ask("delete", id="localhost/unknown")
        except Refused as refused:
            print(f"refused: {refused.kind}")
        print(f"still there: {store.ask('exists', id='localhost/app:1')}")

        store.ask("delete", id="localhost/app:1")
        print(f"images left: {len(store.ask('images'))}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: batch.py PROGRAM STORE")
    main(sys.argv[1], sys.argv[2])
