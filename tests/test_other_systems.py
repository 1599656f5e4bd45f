"""What other systems lack: the library does without what only POSIX has, as on native Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Take away what Windows lacks, and let fsync refuse what it refuses there.
WINDOWS = """
import errno, os, signal, sys

for name in ("fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("getuid", "geteuid", "sched_getaffinity", "fork", "register_at_fork"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM"):
    delattr(signal, name)
fsync = os.fsync

def writable_only(handle):
    flags = next(l for l in open(f"/proc/self/fdinfo/{handle}") if l.startswith("flags:"))
    if int(flags.split()[1], 8) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    fsync(handle)

os.fsync = writable_only
"""
COMMANDS = """
from typer.testing import CliRunner
from mer_utils.cli.main import app

def mer(*arguments):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, (arguments, done.output, done.exception)

clip = "a twin/Cropped/sub01/" + os.listdir("a twin/Cropped/sub01")[0]
mer("check", "casme2", "a twin")
mer("di", clip, "-o", "sheet.png")
open("log.csv", "w").write("subject,clip,y_true,y_pred\\n1,a,0,0\\n1,b,1,0\\n2,c,1,1\\n2,d,0,0\\n")
mer("score", "log.csv", "--html", "page.html")

from pathlib import Path
from mer_utils.runs.locks import held
from filelock import Timeout
with held(Path("a.lock")):
    try:
        with held(Path("a.lock")):
            raise SystemExit("held twice")
    except Timeout:
        pass
with held(Path("a.lock")):
    print("done")
"""


@pytest.mark.scenario("K")
@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="needs Linux")
def test_commands_need_nothing_that_windows_lacks(twins, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "a twin").symlink_to(twins / "casme2-smoke")
    path = os.pathsep.join([str(ROOT), *(part for part in sys.path if part)])
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS + COMMANDS],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "MER_BUILD": str(folder / "build")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "done\n", done.stderr[-3000:]
