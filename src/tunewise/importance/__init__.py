"""How much each parameter mattered: functions (trials, space) -> {name: share}."""

from tunewise.importance.ped_anova import ped_anova

__all__ = ["ped_anova"]
