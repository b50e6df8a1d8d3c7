"""The command is a module too."""

import subprocess
import sys


def test_python_m_tunewise_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "tunewise", "check", "nothing.db"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr == "tunewise: There is no file nothing.db; check the path.\n"
