"""A Hydra application; tunewise sweeps it from its command line, without a line of it being changed.

cd examples/integrations/hydra_app
python app.py -m hydra/sweeper=tunewise hydra.sweeper.n_trials=5 'lr=tag(log,interval(1e-4,1e-1))' 'width=choice(32,64)'
"""

import hydra
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from torch import nn

from tunewise.torch.digits import load_digits


@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config: DictConfig) -> float:
    torch.manual_seed(config.seed)
    (x, y), (xv, yv) = (data.tensors for data in load_digits()[:2])
    net = nn.Sequential(nn.Linear(64, config.width), nn.ReLU(), nn.Linear(config.width, 10))
    optimizer = torch.optim.AdamW(net.parameters(), config.lr)
    for _ in range(config.epochs):
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return (net(xv).argmax(1) != yv).float().mean().item()


if __name__ == "__main__":
    main()
