"""Landing in a process that is ended by some files, as by a library that crashes. For processes begun by tests."""

import os
import signal

from pipelines.feeds import intake, land

DEADLY = b"A\nkill\n"


def land_or_die(task: intake._Task) -> list[str]:
    read = land.readers.read

    def deadly(contract, folder, passwords):
        if any(path.read_bytes() == DEADLY for path in folder.glob("*.csv")):
            os.kill(os.getpid(), signal.SIGKILL)
        return read(contract, folder, passwords)

    land.readers.read = deadly
    return intake._land(task)
