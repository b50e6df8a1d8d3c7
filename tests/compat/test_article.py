"""A script of the shape that tutorials show runs with either import, and prints what they print."""

import re

import pytest

import tunewise

SCRIPT = """
import {module} as optuna

def objective(trial):
    lr = trial.suggest_loguniform('lr', 1e-5, 1e-1)
    momentum = trial.suggest_uniform('momentum', 0.0, 1.0)
    weight_decay = trial.suggest_loguniform('weight_decay', 1e-5, 1e-1)
    num_layers = trial.suggest_int('num_layers', 1, 5)
    hidden_size = trial.suggest_categorical('hidden_size', [32, 64, 128, 256])
    dropout = trial.suggest_uniform('dropout', 0.0, 0.5)
    accuracy_list = []
    max_accuracy = float('-inf')
    for epoch in range(10):
        accuracy = (1 - abs(momentum - 0.9) - dropout / 2) * (1 - 0.5 ** (epoch + 1)) - 0.01 * num_layers
        trial.report(accuracy, epoch)
        max_accuracy = max(max_accuracy, accuracy)
        accuracy_list.append(accuracy)
        if len(accuracy_list) > 5:
            accuracy_list.pop(0)
        if max_accuracy > max(accuracy_list):
            break
    return accuracy

if __name__ == '__main__':
    study = optuna.create_study(direction='maximize')
    study.optimize(objective, n_trials=15)
    print('Best trial:')
    trial = study.best_trial
    print('  Value: {{}}'.format(trial.value))
    print('  Params: ')
    for key, value in trial.params.items():
        print('    {{}}: {{}}'.format(key, value))
"""
STAMP = r"\[I \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] "
FINISHED = re.compile(
    STAMP
    + r"Trial (\d+) finished with value: (-?[\d.e-]+) and parameters: (\{'lr': .*, 'momentum': .*, 'weight_decay': .*,"
    r" 'num_layers': \d, 'hidden_size': \d+, 'dropout': .*\})\. Best is trial (\d+) with value: (-?[\d.e-]+)\."
)


@pytest.mark.parametrize("module", ["tunewise", "tunewise.optuna"])
def test_the_articles_script_runs(module, capsys):
    tunewise.logging.set_verbosity(tunewise.logging.INFO)
    exec(compile(SCRIPT.format(module=module), "article.py", "exec"), {"__name__": "__main__"})
    shown = capsys.readouterr()
    created, *lines = shown.err.splitlines()
    assert re.fullmatch(STAMP + r"A new study created in memory with name: \S+", created)
    matches = [FINISHED.fullmatch(line) for line in lines]
    assert all(matches), lines
    assert [int(match[1]) for match in matches] == list(range(15))
    values = [float(match[2]) for match in matches]
    assert [float(match[5]) for match in matches] == [max(values[: i + 1]) for i in range(15)]
    head, value, _, *params = shown.out.splitlines()
    assert head == "Best trial:"
    assert float(value.removeprefix("  Value: ")) == max(values)
    best = eval(matches[values.index(max(values))][3])
    assert params == [f"    {key}: {value}" for key, value in best.items()]
