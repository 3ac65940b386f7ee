"""What `linsang rules` does: check, list, explain, cost and test, a module each; every one returns the exit code."""

from sensor.rules_cli.checking import check
from sensor.rules_cli.costing import Costing, cost, cost_live
from sensor.rules_cli.explaining import Asked, explain
from sensor.rules_cli.listing import Filter, Listing, list_rules
from sensor.rules_cli.testing import run_cases
from sensor.rules_cli.verdicts import sources_of

__all__ = [
    "Asked",
    "Costing",
    "Filter",
    "Listing",
    "check",
    "cost",
    "cost_live",
    "explain",
    "list_rules",
    "run_cases",
    "sources_of",
]
