"""Where Hydra looks for plugins; the sweeper itself is `tunewise.integrations.hydra`."""

from hydra.core.config_store import ConfigStore

from tunewise.integrations.hydra import SweeperConfig, TunewiseSweeperBase


class TunewiseSweeper(TunewiseSweeperBase):
    """``hydra/sweeper=tunewise``"""


ConfigStore.instance().store(group="hydra/sweeper", name="tunewise", node=SweeperConfig, provider="tunewise")
