"""A skorch net in a scikit-learn pipeline, searched by cross-validation as with GridSearchCV.

python examples/integrations/skorch_search.py --trials 4
"""

import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

import tunewise as tw
from tunewise.integrations.sklearn import TunewiseSearchCV


class Network(nn.Module):
    def __init__(self, width: int = 32, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10)
        )

    def forward(self, x):
        return self.layers(x)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--trials", type=int, default=10)
n_trials = parser.parse_args().trials

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
x_train, x_held, y_train, y_held = train_test_split(
    images.astype(np.float32), labels, test_size=0.3, random_state=0
)
net = NeuralNetClassifier(
    Network,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.AdamW,
    max_epochs=10,
    train_split=None,
    verbose=0,
)
search = TunewiseSearchCV(
    make_pipeline(StandardScaler(), net),
    {
        "neuralnetclassifier__lr": tw.Float(1e-4, 1e-1, log=True),
        "neuralnetclassifier__module__width": tw.Int(16, 128, log=True),
        "neuralnetclassifier__module__dropout": tw.Float(0.0, 0.5),
    },
    n_trials=n_trials, cv=3, random_state=0,
)  # fmt: skip
search.fit(x_train, y_train)
print(f"{n_trials} trials; cross-validated accuracy {search.best_score_:.3f} with {search.best_params_}")
print(f"accuracy on held-out images {search.score(x_held, y_held):.3f}")
