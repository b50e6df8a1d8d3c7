"""tunewise inside other packages: one file a package, each of which imports that package and no other.

Trainers: `lightning`, `transformers`, `sklearn` (skorch too), `distributed` (DDP, Fabric). Trackers, as callbacks of
`Study.optimize`: `mlflow`, `wandb`, `tensorboard`. The Hydra sweeper is the package ``hydra_plugins.tunewise_sweeper``.
Readers of other tools' studies are in `readers`, and need none of those tools.
"""
