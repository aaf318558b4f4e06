# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest boots: Debian's cloud kernel and an initramfs made of busybox, the
modules a virtio NIC needs and ./init. Nothing in it needs root to build, so the
archive is written here instead of by cpio(1) from a tree with device nodes.
"""

import pathlib
import re
import stat

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = pathlib.Path("/usr/bin/busybox")
MODULES = ("virtio_pci", "virtio_net")


class Unbootable(Exception):
    """Something a guest needs is not on this machine; the text says what."""


def newest_kernel():
    """Returns (release, path) of the newest cloud kernel whose modules are here too."""
    found = [
        (path.name.removeprefix("vmlinuz-"), path)
        for path in pathlib.Path("/boot").glob("vmlinuz-*-cloud-amd64")
    ]
    found = [pair for pair in found if _module_dir(pair[0]).is_dir()]
    if not found:
        raise Unbootable(
            "/boot holds no cloud kernel with modules; install linux-image-cloud-amd64"
        )
    release, path = max(found, key=lambda pair: [int(n) for n in re.findall(r"\d+", pair[0])])
    try:
        path.open("rb").close()
    except PermissionError:
        raise Unbootable(f"{path} is not readable; 'sudo chmod a+r {path}' would do") from None
    return release, path


def build(release, cache_dir):
    """Returns the path of the initramfs for kernel 'release', made now if the cached
    one in 'cache_dir' is missing or older than anything that went into it.
    """
    modules = _load_order(release)
    image = pathlib.Path(cache_dir) / f"initramfs-{release}"
    sources = [BUSYBOX, HERE / "init", pathlib.Path(__file__), *modules]
    if not BUSYBOX.exists():
        raise Unbootable(f"{BUSYBOX} is missing; install busybox-static")
    if image.exists() and image.stat().st_mtime > max(s.stat().st_mtime for s in sources):
        return image

    archive = _Cpio()
    for directory in ("bin", "dev", "modules", "proc", "sys", "tmp"):
        archive.directory(directory)
    archive.file("bin/busybox", BUSYBOX.read_bytes(), executable=True)
    archive.symlink("bin/sh", "busybox")
    archive.file("init", (HERE / "init").read_bytes(), executable=True)
    for module in modules:
        archive.file(f"modules/{module.name}", module.read_bytes())
    archive.file("modules/order", "".join(f"{m.name}\n" for m in modules).encode())

    image.parent.mkdir(parents=True, exist_ok=True)
    fresh = image.with_suffix(".new")
    fresh.write_bytes(archive.finish())
    fresh.rename(image)
    return image


def _module_dir(release):
    return pathlib.Path("/lib/modules") / release


def _load_order(release):
    """The files of MODULES and of all they depend on, each after its dependencies."""
    root = _module_dir(release)
    needs = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, dependencies = line.partition(":")
        needs[pathlib.Path(path).name.split(".")[0]] = (path, dependencies.split())

    order = []
    for name in MODULES:
        if name not in needs:
            continue  # built into this kernel
        path, dependencies = needs[name]
        # modules.dep lists the dependency that must come first last.
        for each in [*reversed(dependencies), path]:
            if root / each not in order:
                order.append(root / each)
    return order


class _Cpio:
    """The 'newc' archive that the kernel unpacks. Left uncompressed: under emulation
    the guest would spend more time on unpacking than we save.
    """

    def __init__(self):
        self._parts = []
        self._inode = 0

    def directory(self, name):
        self._add(name, stat.S_IFDIR | 0o755, b"")

    def symlink(self, name, target):
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def file(self, name, content, executable=False):
        self._add(name, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def finish(self):
        self._add("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add(self, name, mode, content):
        self._inode += 1
        path = name.encode() + b"\0"
        # ino mode uid gid nlink mtime size, device of file and node, length of the name, sum
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [self._padded(header + path), self._padded(content)]

    @staticmethod
    def _padded(data):
        return data + b"\0" * (-len(data) % 4)
