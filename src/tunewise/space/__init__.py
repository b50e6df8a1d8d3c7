"""Search spaces as values: domains of single parameters, and spaces of them with conditions."""

from tunewise.space.domains import Categorical, Domain, Float, Int, domain_from_json
from tunewise.space.space import Space, space_from_json

__all__ = ["Categorical", "Domain", "Float", "Int", "Space", "domain_from_json", "space_from_json"]
