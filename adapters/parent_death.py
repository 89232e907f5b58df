"""A child of `lockstep up` ends when its parent does, even when the parent was killed with -9.

Why it exists: a supervisor that dies cannot stop anybody. The parent names itself in the child's
environment; the child asks the kernel for a SIGTERM at the parent's death, and then looks whether
that death already happened. Other systems than Linux have no such call: there the children stay,
and the next `up` names them by the ports that they hold.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

PARENT_VARIABLE: Final = "LOCKSTEP_PARENT_PID"
_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(environ: Mapping[str, str] = os.environ) -> None:
    """Call first thing in a process that may be a child. Without the variable it does nothing."""
    parent = environ.get(PARENT_VARIABLE, "")
    if not parent.isdigit() or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(128 + signal.SIGTERM)
