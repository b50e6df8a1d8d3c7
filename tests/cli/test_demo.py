import sys
from pathlib import Path
from types import ModuleType

from click.testing import CliRunner

from tunewise.cli.demo import command


def test_folder_and_quick_are_handed_on(monkeypatch):
    seen = []
    module = ModuleType("tunewise.torch.demo")
    module.run_demo = lambda folder, quick: seen.append((folder, quick))
    monkeypatch.setitem(sys.modules, "tunewise.torch.demo", module)
    assert CliRunner().invoke(command, ["here", "--quick"]).exit_code == 0
    assert CliRunner().invoke(command, []).exit_code == 0
    assert seen == [(Path("here"), True), (Path("tunewise-demo"), False)]


def test_without_torch_the_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("tunewise.torch.demo")]:
        monkeypatch.delitem(sys.modules, name)
    result = run("demo")
    assert result.exit_code == 3
    assert 'pip install "tunewise[torch]"' in result.stderr
