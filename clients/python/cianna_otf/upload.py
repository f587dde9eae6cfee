"""A multipart form with large files, sent as it is read: requests itself would put the whole form into memory."""

import os
import secrets


class MultipartStream:
    """A body for requests: it has a length and is read in pieces. Use it as a context manager.

    fields: name to text. files: name to path. on_progress(sent, total) is told, in bytes.
    """

    def __init__(self, fields, files, on_progress=None):
        self._boundary = f"cianna-otf-{secrets.token_hex(12)}"
        self._on_progress = on_progress
        self._sent = 0
        self._parts = []
        for name, text in fields.items():
            head = f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            self._parts.append(f"--{self._boundary}\r\n{head}".encode())
        try:
            for name, path in files.items():
                self._add_file(name, path)
        except BaseException:
            self.close()
            raise
        self._parts.append(f"--{self._boundary}--\r\n".encode())
        self._length = sum(len(part) if isinstance(part, bytes) else part.size for part in self._parts)
        self._waiting = list(reversed(self._parts))

    def _add_file(self, name, path):
        called = "".join("_" if each in '\r\n"\\' else each for each in os.path.basename(path))
        head = f'Content-Disposition: form-data; name="{name}"; filename="{called}"\r\n'
        self._parts.append(f"--{self._boundary}\r\n{head}Content-Type: application/fits\r\n\r\n".encode())
        self._parts.append(_File(path))
        self._parts.append(b"\r\n")

    @property
    def content_type(self):
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self):
        return self._length

    def read(self, size=-1):
        piece = b""
        while not piece and self._waiting:
            part = self._waiting.pop()
            if isinstance(part, bytes):
                piece, rest = (part, b"") if size < 0 else (part[:size], part[size:])
                if rest:
                    self._waiting.append(rest)
            else:
                piece = part.read(size)
                if piece:
                    self._waiting.append(part)
        self._sent += len(piece)
        if self._on_progress is not None:
            self._on_progress(self._sent, self._length)
        return piece

    def close(self):
        for part in self._parts:
            if not isinstance(part, bytes):
                part.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _File:
    """The bytes it had when it was opened: one that grows must not make the form longer than announced."""

    def __init__(self, path):
        self._file = open(path, "rb")
        self.size = os.fstat(self._file.fileno()).st_size
        self._left = self.size

    def read(self, size):
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        if not piece and self._left > 0:
            raise OSError(f"{self._file.name} has become shorter while it was sent")
        self._left -= len(piece)
        return piece

    def close(self):
        self._file.close()
